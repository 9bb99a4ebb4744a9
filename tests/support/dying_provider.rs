//! A provider under TLS whose first connection goes dead after one answer. It speaks HTTP/2 in
//! frames of its own, because a library would answer what a dead peer does not.

use std::{net::SocketAddr, sync::Arc};

use authseal::outbound::{Exceptions, Outbound, OutboundProxy, WayOut};
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const INTERNAL_ERROR: u32 = 2;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` (RFC 7541 appendix A).
const STATUS_200: &[u8] = &[0x88];
/// `:status: 102`, as a literal.
const STATUS_102: &[u8] = b"\x08\x03102";
const TOKENS: &str = r#"{"access_token":"never-print-a","token_type":"Bearer","expires_in":3600}"#;

/// Fate of the first connection after its first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Nothing: it goes on.
    Never,
    /// HTTP/2: PINGs are answered, calls are not.
    AnswersOnlyPings,
    /// HTTP/2: neither is answered. The kernel acknowledges what arrives.
    AnswersNothing,
    /// HTTP/2: nothing is read any more.
    ReadsNothing,
    /// HTTP/2: SETTINGS with MAX_CONCURRENT_STREAMS 0.
    AllowsNoStreams,
    /// HTTP/2: RST_STREAM for each call.
    ResetsStreams,
    /// HTTP/2: GOAWAY, and no close.
    SaysGoAway,
    /// HTTP/1.1: calls are not answered.
    Http1AnswersNothing,
    /// HTTP/1.1: goes on.
    Http1Never,
    /// HTTP/2: 1xx responses without end, on the first call too.
    Informs,
    /// The same under HTTP/1.1.
    Http1Informs,
}

impl Death {
    fn is_http1(self) -> bool {
        matches!(
            self,
            Self::Http1AnswersNothing | Self::Http1Never | Self::Http1Informs
        )
    }
}

/// A running provider. It is its own proxy, too: it answers CONNECT.
pub struct DyingProvider {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    seen: watch::Sender<Seen>,
}

/// Counts of connections and bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub opened: usize,
    pub closed: usize,
    /// Bytes of endless 1xx responses that were taken.
    pub informed: usize,
}

impl DyingProvider {
    pub async fn start(death: Death) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let protocol: &[u8] = if death.is_http1() { b"http/1.1" } else { b"h2" };
        config.alpn_protocols = vec![protocol.into()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            certificate,
            seen: watch::Sender::default(),
        };
        let (acceptor, seen) = (TlsAcceptor::from(Arc::new(config)), provider.seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = Connection {
                    death: match seen.borrow().opened {
                        0 => death,
                        _ if death.is_http1() => Death::Http1Never,
                        _ => Death::Never,
                    },
                    seen: seen.clone(),
                };
                seen.send_modify(|seen| seen.opened += 1);
                tokio::spawn(connection.serve(stream, acceptor.clone()));
            }
        });
        provider
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// A client that trusts this provider alone.
    pub fn outbound(&self) -> Outbound {
        self.outbound_by(OutboundProxy::default())
    }

    /// The same by way of a proxy.
    pub fn outbound_through_proxy(&self) -> Outbound {
        let address = format!("http://{}", self.address);
        let proxy = OutboundProxy::parse("HTTPS_PROXY", &address, Exceptions::default());
        self.outbound_by(proxy.unwrap())
    }

    fn outbound_by(&self, proxy: OutboundProxy) -> Outbound {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let authorities = roots.into();
        Outbound::new(WayOut { proxy, authorities })
    }

    pub fn seen(&self) -> Seen {
        *self.seen.borrow()
    }

    /// Waits until so many connections were closed by the client.
    pub async fn closed(&self, connections: usize) {
        let mut seen = self.seen.subscribe();
        let _ = seen.wait_for(|seen| seen.closed >= connections).await;
    }
}

struct Connection {
    death: Death,
    seen: watch::Sender<Seen>,
}

type Stream = BufReader<TlsStream<BufReader<TcpStream>>>;

impl Connection {
    async fn serve(self, stream: TcpStream, acceptor: TlsAcceptor) {
        let mut stream = BufReader::new(stream);
        let first = stream.fill_buf().await.unwrap_or_default();
        if first.starts_with(b"C") {
            read_head(&mut stream).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        }
        let Ok(stream) = acceptor.accept(stream).await else {
            return;
        };
        let mut stream = BufReader::new(stream);
        let _ = match self.death.is_http1() {
            true => self.speak_http1(&mut stream).await,
            false => self.speak_http2(&mut stream).await,
        };
        self.seen.send_modify(|seen| seen.closed += 1);
    }

    async fn speak_http1(&self, stream: &mut Stream) -> std::io::Result<()> {
        let length = TOKENS.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{TOKENS}");
        for number in 0.. {
            let form = content_length(&read_head(stream).await?);
            stream.read_exact(&mut vec![0; form]).await?;
            match self.death {
                Death::Http1Informs => self.inform(stream, b"HTTP/1.1 102 P\r\n\r\n").await?,
                Death::Http1AnswersNothing if number > 0 => {}
                _ => stream.write_all(answer.as_bytes()).await?,
            }
            stream.flush().await?;
        }
        Ok(())
    }

    async fn speak_http2(&self, stream: &mut Stream) -> std::io::Result<()> {
        stream.read_exact(&mut [0; 24]).await?;
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
        let mut is_dead = false;
        loop {
            stream.flush().await?;
            let mut head = [0; 9];
            stream.read_exact(&mut head).await?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            stream.read_exact(&mut payload).await?;
            let (kind, flags) = (head[3], head[4]);
            let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let answer = match kind {
                SETTINGS if flags & ACK == 0 => frame(SETTINGS, ACK, 0, &[]),
                PING if flags & ACK == 0 && !(is_dead && self.death == Death::AnswersNothing) => {
                    frame(PING, ACK, 0, &payload)
                }
                DATA | HEADERS if flags & END_STREAM != 0 && !is_dead => {
                    if self.death == Death::Informs {
                        let informing = frame(HEADERS, END_HEADERS, id, STATUS_102);
                        self.inform(stream, &informing).await?;
                    }
                    is_dead = self.death != Death::Never;
                    [
                        frame(HEADERS, END_HEADERS, id, STATUS_200),
                        frame(DATA, END_STREAM, id, TOKENS.as_bytes()),
                        self.last_words(id),
                    ]
                    .concat()
                }
                DATA | HEADERS if flags & END_STREAM != 0 && self.death == Death::ResetsStreams => {
                    frame(RST_STREAM, 0, id, &INTERNAL_ERROR.to_be_bytes())
                }
                _ => continue,
            };
            stream.write_all(&answer).await?;
            if is_dead && self.death == Death::ReadsNothing {
                stream.flush().await?;
                return std::future::pending().await;
            }
        }
    }

    /// Frames behind the first answer.
    fn last_words(&self, id: u32) -> Vec<u8> {
        match self.death {
            Death::AllowsNoStreams => frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 0]),
            Death::SaysGoAway => {
                let payload = [id.to_be_bytes(), [0; 4]].concat();
                frame(GOAWAY, 0, 0, &payload)
            }
            _ => vec![],
        }
    }

    async fn inform(&self, stream: &mut Stream, response: &[u8]) -> std::io::Result<()> {
        let many = response.repeat(1000);
        loop {
            stream.write_all(&many).await?;
            stream.flush().await?;
            self.seen.send_modify(|seen| seen.informed += many.len());
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

async fn read_head(stream: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

fn content_length(head: &str) -> usize {
    let head = head.to_ascii_lowercase();
    let (_, rest) = head.split_once("content-length: ").unwrap();
    rest.lines().next().unwrap().parse().unwrap()
}
