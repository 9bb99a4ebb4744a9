//! HTTP/2 frames by the thousand: they cost the connection that sends them.

use std::time::Duration;

use authseal::listen::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::yield_now,
    time::{sleep, timeout},
};

use crate::support::{Gate, PATIENCE, Scrape, TestApp, believing, eventually, gated, tokens};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
/// END_STREAM and END_HEADERS.
const WHOLE: u8 = 5;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// GET, in HPACK without Huffman codes (RFC 7541 section 6.2.2).
pub fn request(stream: u32, path: &str, header: (&str, &str)) -> Vec<u8> {
    let text = |text: &str| {
        let mut coded = vec![];
        match text.len() {
            short @ 0..127 => coded.push(short as u8),
            long => {
                coded.push(127);
                let mut rest = long - 127;
                while rest >= 128 {
                    coded.push((rest % 128) as u8 | 128);
                    rest /= 128;
                }
                coded.push(rest as u8);
            }
        }
        coded.extend_from_slice(text.as_bytes());
        coded
    };
    // :method GET, :scheme http, then :path and a header with names of their own.
    let block = [
        vec![0x82, 0x86, 0x04],
        text(path),
        vec![0x00],
        text(header.0),
        text(header.1),
    ];
    frame(HEADERS, WHOLE, stream, &block.concat())
}

async fn connect(app: &TestApp) -> TcpStream {
    let address = app.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let begin = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&begin).await.unwrap();
    stream
}

/// Sends until the server closes; how often it could. There is a pause after every ten.
async fn flood(
    mut stream: TcpStream,
    pieces: impl Iterator<Item = Vec<u8>>,
    pause: impl AsyncFn(),
) -> usize {
    let (mut reader, mut writer) = stream.split();
    let mut sent = 0;
    let sending = async {
        for piece in pieces {
            if writer.write_all(&piece).await.is_err() {
                return;
            }
            sent += 1;
            if sent % 10 == 0 {
                pause().await;
            }
        }
        std::future::pending().await
    };
    let closed = async {
        let mut buffer = [0; 4096];
        while !matches!(reader.read(&mut buffer).await, Ok(0) | Err(_)) {}
    };
    let ended = async {
        tokio::select! { () = sending => {} () = closed => {} }
    };
    timeout(PATIENCE, ended).await.expect("it is never closed");
    sent
}

async fn is_served(app: &TestApp) {
    let authid = app.authid("stable").await;
    assert_eq!(app.refresh(&authid).await.status, 200);
    eventually("nothing is under way", async || {
        let scrape = Scrape::of(&app.admin_url).await;
        let calls = scrape.sum("authseal_provider_calls_under_way", &[]);
        // The scrape's own connection is at the other address.
        let connections = scrape.sum("authseal_connections", &[]);
        (calls == 0.0 && connections <= 1.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn streams_that_are_reset_again_and_again_close_their_connection() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let app = believing(&provider).start().await;
    let login = app.begin("scripted").await;
    let slow = format!("/logged-in?state={}&code=x", login.state);
    let authid = app.seal("scripted", "never-print-refresh");
    let with_authid = ("x-authid", authid.as_str());
    let cookie = ("cookie", login.cookie.as_str());
    for (path, header) in [
        ("/refresh", with_authid),
        ("/elsewhere", with_authid),
        ("/", cookie),
        (&slow, cookie),
        ("/no-such-page", cookie),
    ] {
        let pieces = (0..100_000u32).map(|number| {
            let stream = number * 2 + 1;
            let reset = frame(RST_STREAM, 0, stream, &8u32.to_be_bytes());
            [request(stream, path, header), reset].concat()
        });
        let sent = flood(connect(&app).await, pieces, yield_now).await;
        assert!(sent < 100_000, "{path}: {sent}");
    }
    gate.open();
    is_served(&app).await;
}

#[tokio::test]
async fn requests_that_a_handler_has_seen_may_be_cancelled_by_the_dozen() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let app = believing(&provider).start().await;
    let client = crate::support::Client::http2();
    let ask = |path: &str, header: (&str, &str)| {
        let request = http::Request::get(format!("{}{path}", app.url)).header(header.0, header.1);
        client.send(request.body(Default::default()).unwrap())
    };
    for asked in 1..=50 {
        let authid = app.seal("scripted", "never-print-refresh");
        // A request that no handler has seen counts against the connection if it is cancelled.
        tokio::select! {
            answer = ask("/refresh", ("x-authid", &authid)) => panic!("{}", answer.status),
            () = provider.asked_times(asked) => {}
        }
    }
    assert_eq!(ask("/privacy-policy", ("accept", "*/*")).await.status, 200);
    let connections = Scrape::of(&app.admin_url)
        .await
        .sum("authseal_connections", &[]);
    assert_eq!(connections, 1.0);
    gate.open();
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_pings_or_settings_alone_is_one_that_asks_for_nothing() {
    let limits = Limits {
        first_head: Duration::from_millis(300),
        ..Limits::default()
    };
    let app = TestApp::builder().limits(limits).start().await;
    let ping = frame(PING, 0, 0, &[7; 8]);
    let settings = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]);
    for piece in [ping, settings] {
        let many = piece.repeat(10);
        let pieces = std::iter::repeat_with(|| many.clone());
        // The clock is paused: time passes here only.
        let pause = async || sleep(Duration::from_millis(1)).await;
        flood(connect(&app).await, pieces, pause).await;
        is_served(&app).await;
    }
}
