//! Any bytes to the listener: requests that are broken, run into each other or never
//! end, and HTTP/2 by hand.

use std::{cell::RefCell, net::SocketAddr, time::Duration};

use proptest::{collection::vec, prelude::*, test_runner::TestCaseResult};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

mod http2;

use crate::{
    http1::{Connection, first_answer},
    mutation::{Recipe, recipes},
    property::{MB, Property, ensure, runtime},
    support::{PATIENCE, TestApp},
};
use http2::{Frame, LAST_STREAM, PREFACE, frames};

const WORDS: &[&str] = &[
    "GET /fetch HTTP/1.1\r\n",
    "POST /refresh HTTP/1.1\r\n",
    "HTTP/1.0",
    "HTTP/2.0",
    "\r\n\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 18446744073709551616\r\n",
    "Content-Length: -1\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\n",
    "Connection: close\r\n",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
    "Expect: 100-continue\r\n",
    "Host: b\r\n",
    " folded",
    "X-AuthID: v2:\r\n",
    "0\r\n\r\n",
    "ffffffff\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\x16\x03\x01",
];

/// With short answers: thousands of one may be asked for, and all are kept here.
const REQUESTS: [&str; 7] = [
    "GET /token-state HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /refresh HTTP/1.1\r\nHost: a\r\nX-AuthID: v2:stable:x\r\n\r\n",
    "GET /fetch?token=x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "POST /refresh HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\
     Content-Length: 8\r\n\r\nauthid=x",
    "POST /refresh HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\
     Transfer-Encoding: chunked\r\n\r\n3;a=b\r\naut\r\n5\r\nhid=x\r\n0\r\nX-Trailer: y\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    "GET http://evil.example/refresh?type=stable HTTP/1.1\r\nHost: a\r\n\r\n",
];

/// How long an HTTP/2 server may be silent for having taken the last request for
/// a part of what came before it.
const SWALLOWED: Duration = Duration::from_millis(100);

/// All that one connection brings.
#[derive(Clone, Debug)]
enum Sent {
    Pipeline(Vec<Recipe>),
    Http2(Recipe, Vec<Frame>),
}

fn sent() -> impl Strategy<Value = Sent> {
    let preface = prop_oneof![
        9 => Just(Recipe::untouched(0)),
        1 => recipes(WORDS),
    ];
    prop_oneof![
        3 => vec(recipes(WORDS), 1..5).prop_map(Sent::Pipeline),
        2 => (preface, frames()).prop_map(|(preface, frames)| Sent::Http2(preface, frames)),
    ]
}

impl Sent {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Pipeline(requests) => {
                let requests = requests.iter().map(|recipe| recipe.make(&REQUESTS));
                requests.collect::<Vec<_>>().concat()
            }
            Self::Http2(preface, frames) => {
                let mut bytes = preface.make(&[PREFACE]);
                http2::write(frames, &mut bytes);
                bytes
            }
        }
    }
}

/// Where the bytes are cut into writes.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(any::<usize>(), 0..4)
}

#[test]
fn whatever_bytes_come_a_connection_is_answered_or_closed_and_the_server_goes_on() {
    let property = Property::alone("wire", 3, 16 * MB);
    let runtime = runtime();
    let app = runtime.block_on(TestApp::start());
    let address = app.url.strip_prefix("http://").unwrap().parse().unwrap();
    let other = RefCell::new(Connection::to(&app.url));
    property.holds((sent(), cuts()), |(sent, cuts)| {
        let bytes = sent.bytes();
        let received = runtime.block_on(exchange(address, &bytes, &cuts));
        let received = received.map_err(TestCaseError::fail)?;
        property.count(kind(&received));
        check(&received).map_err(|error| {
            TestCaseError::fail(format!("{error}: {}", received.escape_ascii()))
        })?;
        // Another client, on a connection of its own.
        let request = b"GET /fetch?token=x HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut other = other.borrow_mut();
        let answer = runtime
            .block_on(other.ask(request))
            .map_err(TestCaseError::fail)?;
        ensure(answer.status == 200, || format!("then {answer:?}"))
    });
    for kind in ["HTTP/1", "HTTP/2"] {
        assert!(property.counted(|counted| counted == kind) > 0, "{kind}");
    }
    runtime.block_on(app.stop());
}

/// Sends it all, and closes that direction when nothing more is to come; all that
/// comes back.
async fn exchange(address: SocketAddr, bytes: &[u8], cuts: &[usize]) -> Result<Vec<u8>, String> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let mut received = Vec::new();
    // HTTP/2 gives no answer to who has closed his direction.
    let is_http2 = bytes.starts_with(b"PRI");
    let write = async {
        for part in parts(bytes, cuts) {
            // A server that closes early resets what is still being written.
            let _ = writing.write_all(part).await;
            // So that the server may see the parts one by one.
            tokio::task::yield_now().await;
        }
        if !is_http2 {
            let _ = writing.shutdown().await;
        }
    };
    let read = async {
        while reading
            .read_buf(&mut received)
            .await
            .is_ok_and(|length| length > 0)
        {
            if is_http2 && is_last_answered(&received) {
                return;
            }
        }
    };
    let limit = if is_http2 { SWALLOWED } else { PATIENCE };
    let in_time = timeout(limit, async { tokio::join!(write, read) }).await;
    let _ = writing.shutdown().await;
    let rest = timeout(PATIENCE, reading.read_to_end(&mut received)).await;
    match (is_http2 || in_time.is_ok()) && rest.is_ok() {
        true => Ok(received),
        false => Err(format!("not closed after {}", received.escape_ascii())),
    }
}

fn parts<'b>(bytes: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([bytes.len()]);
    starts
        .zip(ends)
        .map(|(start, end)| &bytes[start..end])
        .collect()
}

/// Whether the request is answered, or refused, that all HTTP/2 here ends with.
fn is_last_answered(received: &[u8]) -> bool {
    let is_its_answer = |(kind, stream)| {
        stream == LAST_STREAM && matches!(kind, http2::HEADERS | http2::RST_STREAM)
    };
    http2::read(received).is_some_and(|frames| frames.into_iter().any(is_its_answer))
}

fn kind(received: &[u8]) -> &'static str {
    match received {
        [] => "closed",
        _ if received.starts_with(b"HTTP/1.") => "HTTP/1",
        _ if is_last_answered(received) => "HTTP/2",
        _ => "HTTP/2, ended early",
    }
}

/// Whole answers of HTTP/1, or whole frames of HTTP/2.
fn check(received: &[u8]) -> TestCaseResult {
    let mut rest = received;
    if rest.starts_with(b"HTTP/1.") {
        while !rest.is_empty() {
            let first = first_answer(rest, false).map_err(TestCaseError::fail)?;
            let Some((_, length)) = first else {
                return ensure(false, || "a part of an answer".into());
            };
            rest = &rest[length..];
        }
        return Ok(());
    }
    ensure(http2::read(rest).is_some(), || "no frames".into())
}
