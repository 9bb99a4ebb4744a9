//! A wire to Redis on which a test can hold a message back.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Notify, watch},
    time::timeout,
};

/// What does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Nothing,
    /// What asks Redis to keep a new AuthID.
    Storing,
    /// What Redis answers to that.
    Stored,
    /// What Redis answers to anything.
    Answers,
    /// Anything, in both directions. It passes later, as what a network holds up does.
    Everything,
}

/// Ends with the test's runtime.
pub struct Tap {
    pub port: u16,
    hold: watch::Sender<Held>,
    held: Arc<Notify>,
    has_token: Arc<Notify>,
}

impl Tap {
    /// A wire to the Redis on this port, on which everything passes. What is sealed
    /// under the key `kid` is known by it.
    pub async fn to(redis: u16, kid: &str) -> Self {
        let sealed: Arc<str> = format!("{kid}.").into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (hold, holding) = watch::channel(Held::Nothing);
        let (held, has_token) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, tell_of_token) = (held.clone(), has_token.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut holding, tell, sealed) = (holding.clone(), tell.clone(), sealed.clone());
                let tell_of_token = tell_of_token.clone();
                tokio::spawn(async move {
                    // A server would hang up on one that says nothing.
                    let _ = client.readable().await;
                    tokio::select! {
                        () = until_it_passes(&mut holding, &tell) => {}
                        () = token_waits(&client, &tell_of_token) => {}
                    }
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", redis)).await {
                        pass(client, server, holding, tell, sealed).await;
                    }
                });
            }
        });
        Self {
            port,
            hold,
            held,
            has_token,
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// From now on this does not pass.
    pub fn hold(&self, what: Held) {
        self.hold.send_replace(what);
    }

    /// Waits until a refresh token did not pass that was the first thing on its connection.
    pub async fn has_token(&self) {
        self.has_token.notified().await;
    }

    /// Waits until something did not pass.
    pub async fn has_held(&self) {
        self.held.notified().await;
    }
}

async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    mut holding: watch::Receiver<Held>,
    held: Arc<Notify>,
    sealed: Arc<str>,
) {
    let (mut from_client, mut from_server) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut is_storing = false;
    loop {
        tokio::select! {
            Ok(length @ 1..) = client.read(&mut from_client) => {
                let message = &from_client[..length];
                let stores = memchr::memmem::find(message, sealed.as_bytes()).is_some();
                is_storing |= stores;
                if stores && *holding.borrow() == Held::Storing {
                    break;
                }
                until_it_passes(&mut holding, &held).await;
                if server.write_all(message).await.is_err() {
                    return;
                }
            }
            Ok(length @ 1..) = server.read(&mut from_server) => {
                match *holding.borrow() {
                    Held::Answers => break,
                    Held::Stored if is_storing => break,
                    _ => {}
                }
                until_it_passes(&mut holding, &held).await;
                if client.write_all(&from_server[..length]).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
    held.notify_one();
    // Both ends stay open: to them it is a wire on which nothing comes.
    std::future::pending::<()>().await;
}

/// Tells when the client has sent a refresh token, and never returns.
async fn token_waits(client: &TcpStream, tell: &Notify) {
    let mut sent = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = client.peek(&mut sent).await {
        if memchr::memmem::find(&sent[..length], b"refresh_token=").is_some() {
            tell.notify_one();
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    std::future::pending().await
}

async fn until_it_passes(holding: &mut watch::Receiver<Held>, held: &Notify) {
    if *holding.borrow() == Held::Everything {
        held.notify_one();
        let passes = holding.wait_for(|held| *held != Held::Everything);
        // Without its test there is nothing to pass.
        let _ = passes.await;
    }
}

/// A port at which connections can be kept from being made, in front of another.
pub struct Entrance {
    pub port: u16,
    open: watch::Sender<bool>,
    /// They fill the kernel's queue: further ones get no answer.
    _waiting: Vec<TcpStream>,
}

impl Entrance {
    /// One that lets nobody in yet.
    pub async fn closed(to: u16) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        let connect = || timeout(Duration::from_millis(200), TcpStream::connect(address));
        while let Ok(connected) = connect().await {
            waiting.push(connected.unwrap());
        }
        let (open, mut opened) = watch::channel(false);
        tokio::spawn(async move {
            if opened.wait_for(|open| *open).await.is_err() {
                return;
            }
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    // Either end may hang up at any time.
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self {
            port: address.port(),
            open,
            _waiting: waiting,
        }
    }

    /// Lets everybody in.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}
