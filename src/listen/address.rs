//! Listening addresses: parses them and binds their sockets.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use listenfd::ListenFd;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::{Listener, unix_socket};

/// Length of the queue of connections that are not accepted yet; the kernel may allow
/// fewer (`net.core.somaxconn`).
const BACKLOG: u32 = 4096;

/// A parsed `LISTEN` setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// `127.0.0.1:8080`.
    Tcp(SocketAddr),
    /// `unix:/run/authseal/authseal.sock`.
    Unix(PathBuf),
    /// `systemd`: the first socket that systemd passes (sd_listen_fds(3)).
    Systemd,
}

/// The text is not a listening address.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "is not a place to listen; write it like 127.0.0.1:8080, unix:/run/authseal/authseal.sock or \
     systemd"
)]
pub struct NotAnAddress;

impl FromStr for ListenAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        match (text, text.strip_prefix("unix:")) {
            ("systemd", _) => Ok(Self::Systemd),
            (_, Some(path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            _ => tcp_address(text).map(Self::Tcp).ok_or(NotAnAddress),
        }
    }
}

/// Parses an address and a port. `localhost:8080` is 127.0.0.1, and `:8080` is every IPv4
/// address of the machine, as in other programs.
pub fn tcp_address(text: &str) -> Option<SocketAddr> {
    let at = |address: Ipv4Addr, port: &str| {
        let port: u16 = port.parse().ok()?;
        Some(SocketAddr::from((address, port)))
    };
    match text.rsplit_once(':') {
        Some(("", port)) => at(Ipv4Addr::UNSPECIFIED, port),
        Some((name, port)) if name.eq_ignore_ascii_case("localhost") => {
            at(Ipv4Addr::LOCALHOST, port)
        }
        _ => text.parse().ok(),
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd => f.write_str("systemd"),
        }
    }
}

impl ListenAddress {
    /// Binds the address. An error names `setting`, the variable to change.
    pub async fn bind(&self, setting: &str) -> io::Result<Listener> {
        let bound = match self {
            Self::Tcp(address) => bind_tcp(*address).map(Listener::Tcp),
            Self::Unix(path) => unix_socket::bind(path).await.map(Listener::from),
            Self::Systemd => from_systemd(),
        };
        bound.map_err(|error| self.explained(&error, setting))
    }

    /// Binds the address and releases it at once, without listening: other processes that do
    /// the same, or start to listen meanwhile, are not disturbed. An error is as that of
    /// [`Self::bind`].
    pub async fn try_bind(&self, setting: &str) -> io::Result<()> {
        let bound = match self {
            Self::Tcp(address) => bound_socket(*address).map(drop),
            Self::Unix(path) => unix_socket::try_bind(path).await,
            Self::Systemd if ListenFd::from_env().len() == 0 => Err(no_socket()),
            Self::Systemd => Ok(()),
        };
        bound.map_err(|error| self.explained(&error, setting))
    }

    fn explained(&self, error: &io::Error, setting: &str) -> io::Error {
        let why = match (error.kind(), self) {
            (io::ErrorKind::AddrInUse, _) => "another program listens there already".to_owned(),
            (io::ErrorKind::AddrNotAvailable, _) => {
                "this machine does not have the address; name one that it has, or :PORT for all"
                    .to_owned()
            }
            (io::ErrorKind::NotFound, Self::Unix(_)) => {
                "the folder does not exist; make it first".to_owned()
            }
            _ => error.to_string(),
        };
        let text = format!("cannot listen on {self} ({setting}): {why}");
        io::Error::new(error.kind(), text)
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    bound_socket(address)?.listen(BACKLOG)
}

fn bound_socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Lets a restart bind the port while closed connections are still in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn no_socket() -> io::Error {
    io::Error::new(
        io::ErrorKind::NotConnected,
        "systemd passed no socket; start authseal.socket, not authseal.service",
    )
}

/// Takes over the socket that systemd passes. It belongs to systemd: it stays open, and
/// queues connections, while this process restarts.
fn from_systemd() -> io::Result<Listener> {
    let mut passed = ListenFd::from_env();
    if passed.len() == 0 {
        return Err(no_socket());
    }
    let unix = passed.take_unix_listener(0).ok().flatten();
    if let Some(listener) = unix {
        listener.set_nonblocking(true)?;
        return UnixListener::from_std(listener).map(Listener::from);
    }
    let listener = passed.take_tcp_listener(0)?;
    let listener = listener.ok_or_else(|| io::Error::other("the passed socket is taken"))?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Listener::Tcp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_reads_back_as_it_was_written() {
        for text in ["127.0.0.1:8080", "[::]:80", "unix:/run/a/b.sock", "systemd"] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        for (text, meant) in [
            ("localhost:80", "127.0.0.1:80"),
            ("LocalHost:0", "127.0.0.1:0"),
            (":8080", "0.0.0.0:8080"),
        ] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), meant);
        }
        for text in [
            "8080",
            ":",
            ":65536",
            "local:80",
            "::8080",
            "http://localhost:80",
        ] {
            assert_eq!(text.parse::<ListenAddress>(), Err(NotAnAddress), "{text}");
        }
        for text in ["unix:", "unix:relative", "", "fd:3"] {
            assert_eq!(text.parse::<ListenAddress>(), Err(NotAnAddress), "{text}");
        }
    }
}
