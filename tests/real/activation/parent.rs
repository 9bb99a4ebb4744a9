//! What systemd is to authseal: who binds its socket, starts it and listens to it.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener as TcpSocket},
    os::{fd::OwnedFd, unix::net::UnixListener as UnixSocket},
    path::PathBuf,
    process::Stdio,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixDatagram, UnixStream},
    process::{Child, Command},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::support::{Installation, PATIENCE};

/// What systemd does between fork and exec: the socket becomes descriptor 3, and the
/// variables say for whom it is.
const HAND_OVER: &str = "exec 3<&0 </dev/null
    export LISTEN_FDS=1 LISTEN_PID=$$
    exec \"$AUTHSEAL\" serve";

/// The Unix socket's file.
const SOCKET: &str = "authseal.sock";

/// A bound socket, of either kind.
enum Socket {
    Tcp(TcpSocket),
    Unix(UnixSocket, PathBuf),
}

/// What the parent of authseal has: the socket, and settings.
pub struct Parent {
    socket: Socket,
    /// Where authseal says how it is (sd_notify(3)).
    notify: UnixDatagram,
    installation: Installation,
    folder: TempDir,
}

impl Parent {
    async fn with(socket: impl FnOnce(PathBuf) -> Socket) -> Self {
        let (installation, _) = Installation::with_key().await;
        let folder = tempfile::tempdir().unwrap();
        Self {
            socket: socket(folder.path().join(SOCKET)),
            notify: UnixDatagram::bind(folder.path().join("notify")).unwrap(),
            installation,
            folder,
        }
    }

    pub async fn with_tcp() -> Self {
        Self::with(|_| Socket::Tcp(TcpSocket::bind("127.0.0.1:0").unwrap())).await
    }

    pub async fn with_unix() -> Self {
        Self::with(|path| Socket::Unix(UnixSocket::bind(&path).unwrap(), path)).await
    }

    /// Starts an authseal with the socket, and waits until it is ready.
    pub async fn start(&self) -> Child {
        let socket: OwnedFd = match &self.socket {
            Socket::Tcp(socket) => socket.try_clone().unwrap().into(),
            Socket::Unix(socket, _) => socket.try_clone().unwrap().into(),
        };
        let child = Command::new("sh")
            .args(["-c", HAND_OVER])
            .env_clear()
            .envs(self.installation.environment())
            .env("AUTHSEAL", env!("CARGO_BIN_EXE_authseal"))
            .env("AUTHSEAL_LISTEN", "systemd")
            .env("NOTIFY_SOCKET", self.folder.path().join("notify"))
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null())
            .stderr(File::create(self.folder.path().join("log")).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        assert_eq!(self.told().await, "READY=1");
        child
    }

    /// The next thing that authseal says.
    async fn told(&self) -> String {
        let mut text = [0; 1024];
        let received = timeout(PATIENCE, self.notify.recv(&mut text)).await;
        let length = received.expect("it says nothing").unwrap();
        String::from_utf8_lossy(&text[..length]).trim().to_owned()
    }

    /// Sends SIGTERM, and waits for the end.
    pub async fn stop(&self, mut child: Child) {
        let pid = child.id().expect("it runs").to_string();
        let kill = Command::new("kill").args(["-s", "TERM", &pid]).status();
        assert!(kill.await.unwrap().success());
        assert_eq!(self.told().await, "STOPPING=1");
        let end = timeout(PATIENCE, child.wait()).await;
        assert!(end.expect("it does not end").unwrap().success());
    }

    pub fn client(&self) -> Client {
        Client {
            place: match &self.socket {
                Socket::Tcp(socket) => Place::Tcp(socket.local_addr().unwrap()),
                Socket::Unix(_, path) => Place::Unix(path.clone()),
            },
            authid: self.installation.log_in("stable"),
        }
    }
}

/// Connects anew for each refresh.
#[derive(Clone)]
pub struct Client {
    pub place: Place,
    pub authid: String,
}

#[derive(Clone)]
pub enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A request that is sent, and not answered yet.
pub struct Asked(Box<dyn AsyncStream>);

trait AsyncStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> AsyncStream for S {}

impl Client {
    pub async fn ask(&self) -> Asked {
        let mut stream: Box<dyn AsyncStream> = match &self.place {
            Place::Tcp(address) => Box::new(TcpStream::connect(address).await.unwrap()),
            Place::Unix(path) => Box::new(UnixStream::connect(path).await.unwrap()),
        };
        let request = format!(
            "GET /refresh HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-AuthID: {}\r\n\r\n",
            self.authid
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        Asked(stream)
    }

    pub async fn refresh(&self) {
        self.ask().await.expect_granted().await;
    }

    /// Again and again, until it is enough.
    pub async fn refresh_until(self, enough: CancellationToken) {
        while !enough.is_cancelled() {
            self.refresh().await;
        }
    }
}

impl Asked {
    pub async fn expect_granted(mut self) {
        let mut answer = String::new();
        let read = timeout(PATIENCE, self.0.read_to_string(&mut answer)).await;
        read.expect("no answer").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}
