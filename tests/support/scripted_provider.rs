//! A token endpoint that does what a test says, byte by byte, and remembers what
//! it was asked.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    time::timeout,
};

use super::{Gate, PATIENCE, Piece};

/// One request to the provider.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method, path and version.
    pub request_line: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    /// The form's fields, sorted by name.
    pub fn form(&self) -> Vec<(String, String)> {
        let mut fields: Vec<_> = form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect();
        fields.sort();
        fields
    }

    /// A field of the form, or "".
    pub fn field(&self, name: &str) -> String {
        let mut fields = self.form().into_iter();
        fields
            .find(|(field, _)| field == name)
            .map_or_else(String::new, |(_, value)| value)
    }
}

type Script = Arc<dyn Fn(&Asked) -> Vec<Piece> + Send + Sync>;

/// A running provider; it ends with the test's runtime.
#[derive(Clone)]
pub struct ScriptedProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Script>,
    asked: watch::Sender<Vec<Asked>>,
    flooded: AtomicU64,
}

impl ScriptedProvider {
    pub fn start(script: impl Fn(&Asked) -> Vec<Piece> + Send + Sync + 'static) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // Small, so that a flood stops soon after nobody reads it.
        socket.set_send_buffer_size(64 * 1024).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1024).unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::new(Shared {
                script: Mutex::new(Arc::new(script)),
                asked: watch::Sender::default(),
                flooded: AtomicU64::new(0),
            }),
        };
        tokio::spawn(accept(listener, provider.shared.clone()));
        provider
    }

    /// From now on it does this.
    pub fn script(&self, script: impl Fn(&Asked) -> Vec<Piece> + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap() = Arc::new(script);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.borrow().clone()
    }

    /// Takes every request so far for never asked.
    pub fn forget(&self) {
        self.shared.asked.send_modify(Vec::clear);
    }

    /// Waits until it has been asked that often.
    pub async fn asked_times(&self, times: usize) {
        let mut asked = self.shared.asked.subscribe();
        let enough = asked.wait_for(|asked| asked.len() >= times);
        let in_time = timeout(PATIENCE, enough).await.is_ok();
        assert!(in_time, "never asked {times} times: {:?}", self.asked());
    }

    /// How much of its floods was taken.
    pub fn flooded(&self) -> u64 {
        self.shared.flooded.load(Ordering::SeqCst)
    }
}

/// A provider whose answers wait for the gate.
pub fn gated(
    gate: &Gate,
    then: impl Fn(&Asked) -> Vec<Piece> + Send + Sync + 'static,
) -> ScriptedProvider {
    let gate = gate.clone();
    ScriptedProvider::start(move |asked| {
        let mut pieces = vec![Piece::Wait(gate.clone())];
        pieces.extend(then(asked));
        pieces
    })
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        // A client that hangs up is no failure of the provider.
        tokio::spawn(async move { shared.serve(stream).await.ok() });
    }
}

impl Shared {
    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let asked = read_request(&mut stream).await?;
        let script = self.script.lock().unwrap().clone();
        let pieces = script(&asked);
        self.asked.send_modify(|all| all.push(asked));
        for piece in pieces {
            match piece {
                Piece::Text(text) => stream.write_all(text.as_bytes()).await?,
                Piece::Wait(gate) => gate.opened().await,
                Piece::Silence => std::future::pending().await,
                Piece::Flood(bytes) => self.flood(&mut stream, bytes).await?,
            }
        }
        stream.shutdown().await
    }

    async fn flood(&self, stream: &mut BufReader<TcpStream>, bytes: u64) -> std::io::Result<()> {
        let chunk = [b' '; 8 * 1024];
        let mut left = bytes;
        while left > 0 {
            let length = left.min(chunk.len() as u64);
            stream.write_all(&chunk[..length as usize]).await?;
            self.flooded.fetch_add(length, Ordering::SeqCst);
            left -= length;
        }
        Ok(())
    }
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> std::io::Result<Asked> {
    let mut request_line = String::new();
    stream.read_line(&mut request_line).await?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    stream.read_exact(&mut body).await?;
    Ok(Asked {
        request_line: request_line.trim().to_owned(),
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}
