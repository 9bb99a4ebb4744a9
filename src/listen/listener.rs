//! Listening TCP and Unix sockets, and the peers that connect to them.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};
use tokio_rustls::server::TlsStream;

use super::unix_socket::UnixSocket;

/// Silence after which the kernel asks a client if it is there, and then the pause between two
/// questions. A dead client is noticed earlier than an idle one is closed, so that it takes no
/// place.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(60);
const TCP_KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// TCP_USER_TIMEOUT: the kernel gives up a client that acknowledges nothing.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(60);

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixSocket),
}

/// The other end of a connection: the client, or a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A peer with this IP address; never an IPv4-mapped IPv6 address.
    Ip(IpAddr),
    /// A process on this machine that may open the Unix socket.
    Unix,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

impl From<UnixSocket> for Listener {
    fn from(socket: UnixSocket) -> Self {
        Self::Unix(socket)
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener.into())
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        // What cannot be set is done without.
        let _ = notice_dead_clients(&listener);
        Self::Tcp(listener)
    }
}

/// Sets the options of the listening socket that its connections inherit.
fn notice_dead_clients(listener: &TcpListener) -> io::Result<()> {
    let socket = SockRef::from(listener);
    let keep_alive = TcpKeepalive::new().with_time(TCP_KEEP_ALIVE);
    socket.set_tcp_keepalive(&keep_alive.with_interval(TCP_KEEP_ALIVE_INTERVAL))?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_TIMEOUT))?;
    Ok(())
}

impl Listener {
    /// Returns the address and port; `None` for a Unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    pub(super) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Without TCP_NODELAY, small responses wait for the peer's delayed ACK.
                let _ = stream.set_nodelay(true);
                let address = address.ip().to_canonical();
                Ok((Stream::Tcp(stream), Peer::Ip(address)))
            }
            Self::Unix(socket) => {
                let (stream, _) = socket.listener.accept().await?;
                Ok((Stream::Unix(stream), Peer::Unix))
            }
        }
    }

    /// Closes the socket, and returns the connections that the kernel has established but
    /// that were not accepted yet. No code may run between the last accept and the close:
    /// a client that connects in between would be cut off.
    pub(super) fn close(self) -> Vec<(Stream, Peer)> {
        let waiting = match self {
            Self::Tcp(listener) => close_tcp(listener),
            Self::Unix(socket) => socket.close().map(|waiting| {
                let streams = waiting.into_iter();
                streams.map(|one| (Stream::Unix(one), Peer::Unix)).collect()
            }),
        };
        waiting.unwrap_or_else(|error| {
            tracing::warn!("some connections were lost: {error}");
            Vec::new()
        })
    }
}

fn close_tcp(listener: TcpListener) -> io::Result<Vec<(Stream, Peer)>> {
    let listener = listener.into_std()?;
    let waiting: Vec<_> = std::iter::from_fn(|| listener.accept().ok()).collect();
    drop(listener);
    let streams = waiting.into_iter().map(|(stream, address)| {
        stream.set_nonblocking(true)?;
        let _ = stream.set_nodelay(true);
        let peer = Peer::Ip(address.ip().to_canonical());
        Ok((Stream::Tcp(TcpStream::from_std(stream)?), peer))
    });
    streams.collect()
}

/// A TCP or Unix connection, or a TLS connection inside of one.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<Stream>>),
}

/// Calls the method on the stream inside, whichever kind it is.
macro_rules! on_either {
    ($stream:expr, $method:ident $(, $argument:expr)*) => {
        match $stream.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            Stream::Unix(stream) => Pin::new(stream).$method($($argument),*),
            Stream::Tls(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on_either!(self, poll_read, context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        on_either!(self, poll_write, context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_either!(self, poll_write_vectored, context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self, poll_flush, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self, poll_shutdown, context)
    }
}
