//! Clients that send a refresh, and read the answer later or never.

use http::Request;
use http_body_util::Full;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

use super::{Client, Scrape, ScriptedProvider, TestApp, eventually};

/// Refreshes, and is gone before the provider has answered. By HTTP/2: there the server
/// learns of it at once, and lets go of the request.
pub async fn hang_up(app: &TestApp, authid: &str, provider: &ScriptedProvider) {
    let client = Client::http2();
    let request = Request::get(format!("{}/refresh", app.url)).header("X-AuthID", authid);
    let request = request.body(Full::default()).unwrap();
    tokio::select! {
        answer = client.send(request) => panic!("there can be no answer: {answer:?}"),
        () = provider.asked_times(1) => {}
    }
    drop(client);
    eventually("the server has seen the client go", async || {
        let open = Scrape::of(&app.admin_url).await;
        (open.sum("authseal_connections", &[]) == 0.0).then_some(())
    })
    .await;
}

pub async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.app.address.unwrap()).await.unwrap()
}

pub async fn send_refresh(stream: &mut TcpStream, authid: &str) {
    let request = format!(
        "GET /refresh HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-AuthID: {authid}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
}

/// Everything until the server closes.
pub async fn rest_of(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

/// Stops the app, and returns when it does not listen any more. What is under way then
/// is in a server that drains.
pub async fn begin_to_stop(app: TestApp) -> JoinHandle<()> {
    let address = app.app.address.unwrap();
    let stopped = tokio::spawn(app.stop());
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stopped
}

/// An answer that no handler gave.
#[track_caller]
pub fn is_unserved(answer: &str, reason: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let head = head.to_ascii_lowercase();
    let x_reason = format!("x-reason: {}", reason.to_ascii_lowercase());
    for part in [
        "http/1.1 502 bad gateway\r\n",
        "connection: close",
        "retry-after: 1",
        "content-type: text/plain",
        &x_reason,
    ] {
        assert!(head.contains(part), "no {part:?}: {answer:?}");
    }
    assert_eq!(body, reason);
}
