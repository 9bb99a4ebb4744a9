//! A wire to Redis on which a test can hold a message back.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
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
}

/// Ends with the test's runtime.
pub struct Tap {
    pub port: u16,
    hold: watch::Sender<Held>,
    held: Arc<Notify>,
}

impl Tap {
    /// A wire to the Redis on this port, on which everything passes. What is sealed
    /// under the key `kid` is known by it.
    pub async fn to(redis: u16, kid: &str) -> Self {
        let sealed: Arc<str> = format!("{kid}.").into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (hold, holding) = watch::channel(Held::Nothing);
        let held = Arc::new(Notify::new());
        let tell = held.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", redis)).await.unwrap();
                let (holding, tell, sealed) = (holding.clone(), tell.clone(), sealed.clone());
                tokio::spawn(pass(client, server, holding, tell, sealed));
            }
        });
        Self { port, hold, held }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// From now on this does not pass.
    pub fn hold(&self, what: Held) {
        self.hold.send_replace(what);
    }

    /// Waits until something did not pass.
    pub async fn has_held(&self) {
        self.held.notified().await;
    }
}

async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    holding: watch::Receiver<Held>,
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
                server.write_all(message).await.unwrap();
            }
            Ok(length @ 1..) = server.read(&mut from_server) => {
                match *holding.borrow() {
                    Held::Answers => break,
                    Held::Stored if is_storing => break,
                    _ => {}
                }
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
