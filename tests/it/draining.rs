//! SIGTERM while many clients refresh: nobody who was connected goes without an
//! answer.

mod http2;
mod states;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{Installation, ServerProcess, TestApp, eventually, get, is_unserved, rest_of};

type Http2 = legacy::Client<HttpConnector, Full<Bytes>>;

/// How a client's work ended.
#[derive(Debug, PartialEq)]
enum End {
    /// It was told that this answer was the last one.
    Told,
    /// It could not connect any more.
    Refused,
    /// It was connected and got no answer.
    Broken(String),
}

/// Sends the same request again and again, until there is no more server.
async fn refresh_until_the_end(
    address: SocketAddr,
    authid: &str,
    keep: bool,
    answers: &AtomicUsize,
) -> End {
    loop {
        let Ok(stream) = TcpStream::connect(address).await else {
            return End::Refused;
        };
        let mut stream = BufReader::new(stream);
        loop {
            match refresh(&mut stream, authid, keep).await {
                Ok(is_last) => {
                    answers.fetch_add(1, Ordering::Relaxed);
                    match (is_last, keep) {
                        (true, true) => return End::Told,
                        (true, false) => break,
                        (false, _) => {}
                    }
                }
                Err(error) => return End::Broken(error.to_string()),
            }
        }
    }
}

/// One refresh; whether the server closes afterwards.
async fn refresh(
    stream: &mut BufReader<TcpStream>,
    authid: &str,
    keep: bool,
) -> std::io::Result<bool> {
    let connection = if keep { "keep-alive" } else { "close" };
    let request = format!(
        "GET /refresh HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\nX-AuthID: {authid}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let (mut length, mut is_last, mut head) = (0, false, String::new());
    loop {
        let start = head.len();
        if stream.read_line(&mut head).await? == 0 {
            return Err(std::io::Error::other("closed without an answer"));
        }
        let line = head[start..].trim_end().to_ascii_lowercase();
        match line.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(("connection", value)) => is_last = value == "close",
            _ if line.is_empty() => break,
            _ => {}
        }
    }
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    stream.read_exact(&mut vec![0; length]).await?;
    Ok(is_last)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_left_without_an_answer_when_the_server_is_stopped_under_load() {
    for keep in [true, false] {
        let installation = Installation::new(Duration::from_secs(3600)).await;
        let server = installation.serve().await;
        let authid = installation.log_in("stable");
        let address: SocketAddr = server.url.replace("http://", "").parse().unwrap();
        let answers = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        for _ in 0..32 {
            let (authid, answers) = (authid.clone(), answers.clone());
            clients.spawn(
                async move { refresh_until_the_end(address, &authid, keep, &answers).await },
            );
        }
        while answers.load(Ordering::Relaxed) < 1000 {
            tokio::task::yield_now().await;
        }
        server.program.terminate().await;
        for end in clients.join_all().await {
            let expected = if keep { End::Told } else { End::Refused };
            assert!(end == expected || end == End::Refused, "{end:?}");
        }
        let (status, output) = server.program.end().await;
        assert_eq!(status.code(), Some(0), "{output}");
    }
}

/// Whether a request over HTTP/2 that was not answered was not taken either: there was
/// no connection, or GOAWAY said so (RFC 9113 section 6.8).
async fn refresh_over_http2(client: &Http2, url: &str, authid: &str) -> Result<(), bool> {
    let request = Request::get(format!("{url}/refresh")).header("X-AuthID", authid);
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let answer = client.request(request).await;
    let answer = answer.map_err(|error| {
        error.is_connect() || format!("{error:?}").contains("GoAway(b\"\", NO_ERROR, Remote)")
    })?;
    assert_eq!(answer.status(), 200);
    let body = answer.into_body().collect().await;
    body.map(|_| ()).map_err(|_| false)
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_is_one_over_http2() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    let client: Http2 = legacy::Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let answers = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let (client, url) = (client.clone(), app.url.clone());
        let (authid, answers) = (authid.clone(), answers.clone());
        clients.spawn(async move {
            loop {
                match refresh_over_http2(&client, &url, &authid).await {
                    Ok(()) => answers.fetch_add(1, Ordering::Relaxed),
                    Err(was_not_taken) => return was_not_taken,
                };
            }
        });
    }
    while answers.load(Ordering::Relaxed) < 500 {
        tokio::task::yield_now().await;
    }
    app.stop().await;
    assert_eq!(clients.join_all().await, [true; 8]);
}

/// A request without its body, which holds a server that is being stopped.
async fn unfinished_request(url: &str) -> TcpStream {
    let address = url.replace("http://", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /refresh HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_server_that_is_being_stopped_is_not_ready() {
    let installation = Installation::new(Duration::from_secs(3600)).await;
    let ServerProcess {
        program,
        url,
        admin_url,
    } = installation.serve().await;
    let mut stream = unfinished_request(&url).await;
    let ready = get(&format!("{admin_url}/readyz"), &[]).await;
    assert_eq!(ready.status, 200);
    program.terminate().await;
    let readyz = format!("{admin_url}/readyz");
    let ready = eventually("it is not ready", async || {
        let ready = get(&readyz, &[]).await;
        (ready.status == 503).then_some(ready)
    });
    assert_eq!(ready.await.body, "not ready: stopping\n");
    stream.write_all(b"authid=ab").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(program.end().await.0.code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_answers_what_is_under_way_and_ends_it_at_once() {
    let installation = Installation::new(Duration::from_secs(3600)).await;
    let ServerProcess { program, url, .. } = installation.serve().await;
    let mut stream = unfinished_request(&url).await;
    program.terminate().await;
    program.says("stopping").await;
    program.terminate().await;
    is_unserved(&rest_of(&mut stream).await, states::RESTARTING);
    let (status, output) = program.end().await;
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(output.contains("stopping at once"), "{output}");
}
