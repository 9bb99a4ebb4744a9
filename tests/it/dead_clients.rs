//! Clients that are gone without a word.

use std::{sync::Arc, time::Duration};

use authseal::listen::{Body, Handler, HttpServer, Listener, Peer};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    http2_floods::{PING, PREFACE, SETTINGS, frame, request},
    support::{kept_alive_by_server, watched},
};

const ACK: u8 = 1;

struct Answers;

impl Handler for Answers {
    async fn answer(&self, _: &Request<Body>, _: Peer) -> Response<Full<Bytes>> {
        Response::new(Full::from("an answer"))
    }
}

async fn server() -> (TcpStream, u16, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let server = HttpServer::plain(Listener::from(listener));
    tokio::spawn(server.serve(Arc::new(Answers), shutdown.clone()));
    let client = TcpStream::connect(address).await.unwrap();
    (client, address.port(), shutdown.drop_guard())
}

/// Time until the server closes a connection that had one request, and the PINGs until then.
async fn open_for(answers_pings: bool) -> (Duration, usize) {
    let (mut client, _, _running) = server().await;
    let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    client.write_all(&hello).await.unwrap();
    client
        .write_all(&request(1, "/", ("x", "y")))
        .await
        .unwrap();
    let (began, mut pings) = (Instant::now(), 0);
    let mut head = [0; 9];
    while client.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        client.read_exact(&mut payload).await.unwrap();
        if head[3] == PING && head[4] & ACK == 0 {
            pings += 1;
            if answers_pings {
                let answer = frame(PING, ACK, 0, &payload);
                client.write_all(&answer).await.unwrap();
            }
        }
    }
    (began.elapsed(), pings)
}

#[tokio::test(start_paused = true)]
async fn an_http2_client_that_answers_no_ping_is_not_kept_for_the_idle_time() {
    let (open, pings) = open_for(false).await;
    assert!(open < Duration::from_secs(45), "{open:?}");
    assert_eq!(pings, 1);
    let (open, pings) = open_for(true).await;
    assert!(open >= Duration::from_secs(150), "{open:?}");
    assert!(pings > 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_watches_the_connections_of_clients() {
    let (mut client, port, _running) = server().await;
    let get = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.write_all(get).await.unwrap();
    assert!(client.read(&mut [0; 100]).await.unwrap() > 0);
    watched(|| kept_alive_by_server(port)).await;
}
