//! A provider that answers any bytes whatever, and well where it is asked to.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::support::PATIENCE;

/// The refresh token that is always answered well, and what it is given.
pub const GOOD_TOKEN: &str = "never-print-good";
pub const GOOD_ACCESS: &str = "good-access-token";

const GOOD_ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
    Content-Length: 56\r\nConnection: close\r\n\r\n\
    {\"access_token\":\"good-access-token\",\"expires_in\":\"3600\"}";

/// Bytes; and then one byte so many times, which takes no memory here.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub bytes: Vec<u8>,
    pub flood: (u8, usize),
    pub rest: Vec<u8>,
}

/// A running one; it ends with its runtime.
#[derive(Clone)]
pub struct RawProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answer: Mutex<Arc<Answer>>,
    asked: AtomicUsize,
}

impl RawProvider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::default(),
        };
        let shared = provider.shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move { timeout(PATIENCE, shared.serve(stream)).await });
            }
        });
        provider
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on this is what everybody gets but the good.
    pub fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = Arc::new(answer);
    }

    /// How often it was asked for other than good, since this was last called.
    pub fn asked(&self) -> usize {
        self.shared.asked.swap(0, Ordering::SeqCst)
    }
}

impl Shared {
    /// One request a connection.
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let request = read_request(&mut stream).await?;
        if contains(&request, GOOD_TOKEN) {
            stream.write_all(GOOD_ANSWER.as_bytes()).await?;
        } else {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let answer = self.answer.lock().unwrap().clone();
            stream.write_all(&answer.bytes).await?;
            let (byte, mut left) = answer.flood;
            let chunk = [byte; 16 * 1024];
            while left > 0 {
                let length = left.min(chunk.len());
                stream.write_all(&chunk[..length]).await?;
                left -= length;
            }
            stream.write_all(&answer.rest).await?;
        }
        stream.shutdown().await?;
        // Until the other side has all of it, or has had enough.
        while stream.read(&mut [0; 1024]).await? > 0 {}
        Ok(())
    }
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut request = Vec::new();
    while !is_whole(&request) {
        if stream.read_buf(&mut request).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(request)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    body.len() >= length.map_or(0, |(_, length)| length.parse().unwrap())
}

fn contains(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}
