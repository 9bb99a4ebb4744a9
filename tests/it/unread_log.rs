//! A log that nobody reads: a pipe that fills up, or a terminal that is stopped.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Installation, ServerProcess, get};

/// More lines than the queue and a pipe of 64 KiB hold.
const REQUESTS: usize = 12_000;

/// Sends that many requests over one connection, and waits for all answers.
async fn log_lines(server: &ServerProcess) {
    let address = server.url.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let sending = tokio::spawn(async move {
        let request = "GET /favicon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n";
        for _ in 1..REQUESTS {
            to.write_all(request.as_bytes()).await.unwrap();
        }
        let last = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        to.write_all(last.as_bytes()).await.unwrap();
        to
    });
    let mut received = Vec::new();
    from.read_to_end(&mut received).await.unwrap();
    sending.await.unwrap();
    let answers = memchr::memmem::find_iter(&received, b"HTTP/1.1 200 OK");
    assert_eq!(answers.count(), REQUESTS);
}

#[tokio::test]
async fn a_log_that_is_not_read_stops_nobody_and_says_what_was_dropped() {
    let (installation, _) = Installation::with_key().await;
    let server = installation.serve().await;
    let authid = installation.log_in("stable");
    server.program.read_output(false);
    log_lines(&server).await;
    server.refresh(&authid).await.good();
    get(&format!("{}/healthz", server.admin_url), &[])
        .await
        .good();
    let scrape = server.scrape().await;
    assert!(!scrape.text.contains("authseal_log_lines_dropped_total 0\n"));

    server.program.read_output(true);
    let said = server.program.says("log lines were dropped").await;
    assert!(said.contains("was not read in time"), "{said}");
    server.program.terminate().await;
    let (status, output) = server.program.end().await;
    assert!(status.success(), "{output}");
}

#[tokio::test]
async fn a_log_that_is_not_read_delays_no_stop() {
    for signals in [1, 2] {
        let (installation, _) = Installation::with_key().await;
        let server = installation.serve().await;
        server.program.read_output(false);
        log_lines(&server).await;
        for _ in 0..signals {
            server.program.terminate().await;
        }
        let status = server.program.wait().await;
        assert!(status.code().is_some(), "{status}");
    }
}
