//! Few file descriptors, and more clients than they are enough for.

use std::io::Write as _;

use authseal::outbound::{Outbound, WayOut};
use http::Request;
use tokio::{io::AsyncReadExt, net::TcpStream, task::JoinSet, time::timeout};

use crate::support::{Installation, PATIENCE, ServerProcess, get, shell};

const CLIENTS: usize = 200;

fn script(limit: usize) -> String {
    format!("ulimit -n {limit} && exec \"$AUTHSEAL\" serve")
}

/// Connects and sends a request. Nothing comes between the two, as a server that needs the
/// place closes a connection on which nothing has come for half a second.
fn ask(address: &str, authid: &str) -> TcpStream {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = format!("GET /refresh HTTP/1.1\r\nHost: localhost\r\nX-AuthID: {authid}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream.set_nonblocking(true).unwrap();
    TcpStream::from_std(stream).unwrap()
}

/// The answer to a client that keeps its connection as long as it may.
async fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") && !answer.ends_with(b"moment") {
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes).await {
            Ok(length @ 1..) => answer.extend(&bytes[..length]),
            end => panic!("{end:?} after {:?}", String::from_utf8_lossy(&answer)),
        }
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn too_few_descriptors_are_refused_with_the_number_that_is_needed() {
    let (installation, _) = Installation::with_key().await;
    for limit in [24, 32] {
        let ended = shell(&script(limit), &installation.environment()).await;
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        let allowed = format!("the system allows {limit} open files, and authseal needs ");
        let (_, rest) = said.split_once(&allowed).expect(&said);
        let (needed, _) = rest.split_once(' ').unwrap();
        let needed: usize = needed.parse().unwrap();
        // With so many it serves.
        let server = ServerProcess::of_script(&script(needed), &installation.environment()).await;
        get(&format!("{}/healthz", server.admin_url), &[])
            .await
            .good();
    }
}

#[tokio::test]
async fn a_burst_of_clients_is_answered_by_a_server_with_few_descriptors() {
    let (installation, _) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    for limit in [48, 64, 256] {
        let server = ServerProcess::of_script(&script(limit), &installation.environment()).await;
        let address = server.url.strip_prefix("http://").unwrap();
        let asked: Vec<_> = (0..CLIENTS).map(|_| ask(address, &authid)).collect();
        let clients: JoinSet<_> = asked.into_iter().map(answer).collect();
        get(&format!("{}/healthz", server.admin_url), &[])
            .await
            .good();
        let answers = clients.join_all().await;
        let is_good = |answer: &&String| answer.starts_with("HTTP/1.1 200");
        let good = answers.iter().filter(is_good).count();
        println!("{limit} descriptors: {good} tokens for {CLIENTS} clients");
        let told = answers
            .iter()
            .filter(|answer| answer.starts_with("HTTP/1.1 502"));
        assert_eq!(good + told.count(), CLIENTS, "{answers:#?}");

        // Keys, providers and clients are served as before.
        let next = installation.log_in("single-use");
        server.refresh(&next).await.good();
        let kid = installation.new_key(&[]).await;
        server.knows_key(&kid).await;
        let log = server.program.so_far();
        assert!(
            log.contains("the system allows too few open files"),
            "{log}"
        );
        assert!(!log.contains("can be accepted"), "{log}");
    }
}

#[tokio::test]
async fn idle_connections_to_providers_are_closed_before_a_call_waits() {
    let outbound = Outbound::new(WayOut::default()).with_connections(1);
    let (first, _) = Installation::with_key().await;
    let (second, _) = Installation::with_key().await;
    for outbound in [outbound.clone(), outbound.apart(), outbound] {
        for provider in [&first.provider, &second.provider] {
            let request = Request::get(provider.url("/files"))
                .body(Vec::new())
                .unwrap();
            // An idle connection lives longer than this.
            let answer = timeout(PATIENCE, outbound.send(request)).await;
            assert_eq!(answer.expect("it waits").unwrap().status(), 401);
        }
    }
}
