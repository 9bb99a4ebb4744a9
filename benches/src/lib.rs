//! What the programs of this package share: a server with nothing in it but
//! hyper, random tokens, grants to seal, and the reading of arguments.

pub mod provider;

use std::{env, fmt, path::Path, process, str::FromStr, sync::Arc};

use authseal::{
    clock::UnixTime,
    keyring::{KeySource, Keyring, KeyringError},
    seal::{ClientMark, Grant, Lineage},
    secret::Secret,
};
use http_body_util::Full;
use hyper::{
    HeaderMap, Request, Response,
    body::{Bytes, Incoming},
    header::{HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use ring::rand::{SecureRandom, SystemRandom};
use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// The answer of a bare server: a body that is there in one piece.
pub type Answer = Response<Full<Bytes>>;

/// Serves HTTP/1.1 on a free loopback port until the process is killed, and
/// prints `http://127.0.0.1:PORT` as the first line of stdout once it listens.
///
/// This is the whole cost of a bare server: no timer, no limit, no log.
pub async fn serve<F, A>(answer: F)
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Result<Answer, hyper::Error>> + Send + 'static,
{
    let (listener, port) = listen().await;
    println!("http://127.0.0.1:{port}");
    loop {
        let stream = accept(&listener).await;
        tokio::spawn(converse(stream, answer.clone()));
    }
}

/// The same under TLS, at `https://localhost:PORT`, with a certificate that is
/// written to `certificate`, for SSL_CERT_FILE.
pub async fn serve_tls<F, A>(certificate: &Path, answer: F)
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Result<Answer, hyper::Error>> + Send + 'static,
{
    let (listener, port) = listen().await;
    let acceptor = TlsAcceptor::from(Arc::new(tls_config(certificate)));
    println!("https://localhost:{port}");
    loop {
        let stream = accept(&listener).await;
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(stream, answer).await;
            }
        });
    }
}

async fn converse<S, F, A>(stream: S, answer: F)
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn(Request<Incoming>) -> A,
    A: Future<Output = Result<Answer, hyper::Error>>,
{
    let connection =
        http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
    // An error here is a client that went away, as wrk does after a round.
    drop(connection.await);
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    (listener, address.port())
}

/// A failing accept is a lack of file descriptors: a broken measurement.
async fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().await.expect("connections are accepted");
    stream.set_nodelay(true).expect("TCP has TCP_NODELAY");
    stream
}

fn tls_config(certificate: &Path) -> ServerConfig {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])
        .expect("a name and a key make a certificate");
    std::fs::write(certificate, made.cert.pem()).expect("the folder can be written");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("the key is the certificate's")
}

/// A 200 with these headers; hyper adds `content-length` and `date`.
pub fn ok(headers: &HeaderMap, body: Bytes) -> Answer {
    let mut response = Response::new(Full::new(body));
    *response.headers_mut() = headers.clone();
    response
}

/// Reads the remaining arguments as `name: value` headers of every answer, so
/// that a bare server sends as many as authseal does.
pub fn headers(arguments: impl Iterator<Item = String>) -> HeaderMap {
    arguments
        .map(|line| {
            let (name, value) = line
                .split_once(": ")
                .unwrap_or_else(|| usage("NAME: VALUE"));
            let name: HeaderName = parse(name);
            let value: HeaderValue = parse(value);
            (name, value)
        })
        .collect()
}

/// The arguments after the program's name.
pub fn arguments() -> impl Iterator<Item = String> {
    env::args().skip(1)
}

/// The next argument, or the end with what was expected.
pub fn expect<T: FromStr>(arguments: &mut impl Iterator<Item = String>, name: &str) -> T {
    parse(&arguments.next().unwrap_or_else(|| usage(name)))
}

/// An argument's value, or the end with what was wrong.
pub fn parse<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| usage(text))
}

fn usage(what: impl fmt::Display) -> ! {
    eprintln!("missing or wrong: {what}; the head of the source names the arguments");
    process::exit(2)
}

/// The keyring of one key, as a key file holds it.
pub fn keyring(jwk: &str) -> Result<Keyring, KeyringError> {
    let set = format!("{{\"keys\":[{jwk}]}}");
    Keyring::load(KeySource::Inline(Secret::new(set)))
}

/// What a login of its own would be sealed from.
pub fn grant(service: &str, token_characters: usize, issued_at: UnixTime) -> Grant {
    Grant {
        service: service.into(),
        refresh_token: Secret::new(random_token(token_characters)),
        issued_at,
        lineage: Lineage::random(),
        generation: 0,
        region: None,
        client: Some(ClientMark::of("client id")),
        ancestry: Default::default(),
        terms: None,
    }
}

/// A string like the tokens of real providers: random characters of the
/// base64url alphabet, which DEFLATE can't make shorter than their six bits.
pub fn random_token(characters: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = vec![0; characters];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system gives random bytes");
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 64)]))
        .collect()
}
