//! Requests over HTTP/2 in each state in which a shutdown can meet them. GOAWAY names the
//! last stream that is answered, and clients send later ones again (RFC 9113 section 6.8).

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Frame, Incoming},
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::states::{PATIENT, RESTARTING, SOON, Times};
use crate::{
    http2_floods::{HEADERS, PING, PREFACE, SETTINGS, frame, request},
    support::{Gate, TestApp, begin_to_stop, connect, gated, header, rest_of, tokens},
};

const GOAWAY: u8 = 7;
const ACK: u8 = 1;
/// `:status: 200` in HPACK's static table.
const STATUS_200: u8 = 0x88;
/// Last stream of a GOAWAY that announces another one.
const ANY_STREAM: u32 = u32::MAX >> 1;

struct RawFrame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// `None` when the server has closed the connection.
async fn next_frame(stream: &mut TcpStream) -> Option<RawFrame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
    };
    let mut payload = vec![0; number(&head[..3]) as usize];
    stream.read_exact(&mut payload).await.ok()?;
    Some(RawFrame {
        kind: head[3],
        flags: head[4],
        stream: number(&head[5..]),
        payload,
    })
}

/// Reads until GOAWAY names the last stream.
async fn last_stream(stream: &mut TcpStream) -> u32 {
    loop {
        let read = next_frame(stream).await.expect("closed without a GOAWAY");
        match read.kind {
            PING if read.flags & ACK == 0 => {
                let pong = frame(PING, ACK, 0, &read.payload);
                stream.write_all(&pong).await.unwrap();
            }
            GOAWAY => {
                let last = u32::from_be_bytes(read.payload[..4].try_into().unwrap());
                if last != ANY_STREAM {
                    return last;
                }
            }
            _ => {}
        }
    }
}

async fn greet(app: &TestApp) -> TcpStream {
    let mut stream = connect(app).await;
    let begin = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&begin).await.unwrap();
    stream
}

#[tokio::test]
async fn goaway_names_the_last_stream_that_is_answered() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let app = PATIENT.app().scripted(&provider, "stable").start().await;
    let authid = app.seal("scripted", "never-print-refresh");
    let mut stream = greet(&app).await;
    let first = request(1, "/refresh", ("x-authid", &authid));
    stream.write_all(&first).await.unwrap();
    provider.asked_times(1).await;
    let stopped = begin_to_stop(app).await;
    assert_eq!(last_stream(&mut stream).await, 1);
    let later = request(3, "/refresh", ("x-authid", &authid));
    stream.write_all(&later).await.unwrap();
    gate.open();
    let mut answered = Vec::new();
    while let Some(read) = next_frame(&mut stream).await {
        if read.kind == HEADERS {
            answered.push((read.stream, read.payload[0]));
        }
    }
    assert_eq!(answered, [(1, STATUS_200)]);
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_waits_for_its_next_request_gets_a_goaway() {
    let app = PATIENT.app().start().await;
    let mut stream = greet(&app).await;
    stream
        .write_all(&request(1, "/", ("x-a", "b")))
        .await
        .unwrap();
    while next_frame(&mut stream).await.unwrap().kind != HEADERS {}
    let stopped = begin_to_stop(app).await;
    assert_eq!(last_stream(&mut stream).await, 1);
    stopped.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn half_a_request_is_named_by_no_goaway() {
    let times = Times {
        quiet: SOON,
        ..PATIENT
    };
    let app = times.app().start().await;
    let (mut asks, mut greets) = (greet(&app).await, greet(&app).await);
    asks.write_all(&request(1, "/", ("x-a", "b")))
        .await
        .unwrap();
    while next_frame(&mut asks).await.unwrap().kind != HEADERS {}
    let half = request(3, "/", ("x-a", "a value"));
    asks.write_all(&half[..half.len() / 2]).await.unwrap();
    let mut half_a_preface = connect(&app).await;
    half_a_preface.write_all(&PREFACE[..8]).await.unwrap();
    let stopped = begin_to_stop(app).await;
    assert_eq!(last_stream(&mut greets).await, 0);
    assert_eq!(rest_of(&mut half_a_preface).await, "");
    // The rest comes, so that the client's next frame can be read.
    let rest = &half[half.len() / 2..];
    asks.write_all(rest).await.unwrap();
    let last = last_stream(&mut asks).await;
    assert!([1, 3].contains(&last), "{last}");
    drop((asks, greets));
    stopped.await.unwrap();
}

/// A body that ends after its first part, or never.
struct Form {
    part: Option<Bytes>,
    ends: bool,
}

impl Body for Form {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match (self.part.take(), self.ends) {
            (Some(part), _) => Poll::Ready(Some(Ok(Frame::data(part)))),
            (None, true) => Poll::Ready(None),
            (None, false) => Poll::Pending,
        }
    }
}

async fn client(app: &TestApp) -> SendRequest<Form> {
    let stream = TokioIo::new(connect(app).await);
    let (client, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    client
}

fn form(app: &TestApp, fields: &str, ends: bool) -> Request<Form> {
    let body = Form {
        part: Some(fields.to_owned().into()),
        ends,
    };
    Request::post(format!("{}/refresh", app.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .unwrap()
}

async fn is_told_to_try_again(answer: Response<Incoming>) {
    assert_eq!(answer.status(), 502, "{answer:?}");
    assert_eq!(header(answer.headers(), "x-reason"), RESTARTING);
    assert_eq!(header(answer.headers(), "retry-after"), "1");
    assert_eq!(header(answer.headers(), "connection"), "");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, RESTARTING);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_drain_deadline_every_stream_is_answered() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let times = Times {
        drain: SOON,
        ..PATIENT
    };
    let app = times.app().scripted(&provider, "stable").start().await;
    let authid = app.seal("scripted", "never-print-refresh");
    let mut client = client(&app).await;
    let half = client.send_request(form(&app, "authid=", false));
    let whole = client.send_request(form(&app, &format!("authid={authid}"), true));
    let (half, whole) = (tokio::spawn(half), tokio::spawn(whole));
    provider.asked_times(1).await;
    let stopped = begin_to_stop(app).await;
    is_told_to_try_again(half.await.unwrap().unwrap()).await;
    is_told_to_try_again(whole.await.unwrap().unwrap()).await;
    gate.open();
    stopped.await.unwrap();
}
