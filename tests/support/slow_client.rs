//! Clients that send a refresh, and read the answer later or never.

use http::Request;
use http_body_util::Full;
use tokio::{io::AsyncWriteExt, net::TcpStream};

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
