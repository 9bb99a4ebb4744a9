//! SIGTERM, while clients refresh without a pause over connections that are kept.

use std::time::Duration;

use http::Version;
use tokio::net::TcpStream;

use super::{
    Kind, Proxy, caddy,
    load::{CLIENTS, Clients},
    nginx,
};
use crate::support::{
    Gate, Installation, Piece, ScriptedProvider, ServerProcess, TestApp, eventually, get, tokens,
};

/// An authseal process, and an AuthID.
async fn serve() -> (Installation, ServerProcess, String) {
    let installation = Installation::new(Duration::from_secs(3600)).await;
    let server = installation.serve().await;
    let authid = installation.log_in("stable");
    (installation, server, authid)
}

/// The clients of a proxy are told 502 for one reason only: that nobody listens any
/// more. `complaints` reads the proxy's log.
async fn check_behind(kind: Kind, complaints: impl Fn(&str) -> Vec<String>) {
    let (_installation, server, authid) = serve().await;
    let proxy = proxy(kind, server.url.trim_start_matches("http://")).await;
    let clients = Clients::start(&proxy.url("http"), &authid, Version::HTTP_11);
    clients.go_on(500).await;
    server.program.terminate().await;
    let (status, output) = server.program.end().await;
    assert!(status.success(), "{output}");
    clients.go_on(2 * CLIENTS).await;
    let told = clients.stop().await;
    assert!(
        told.iter().all(|status| [200, 502].contains(status)),
        "{told:?}"
    );

    let complaints = complaints(&proxy.log());
    let failed = told.iter().filter(|&&status| status == 502).count();
    assert!(failed > 0);
    assert_eq!(complaints.len(), failed);
    for complaint in complaints {
        let refused = complaint.to_lowercase().contains("connection refused");
        assert!(refused, "{complaint}");
    }
}

async fn proxy(kind: Kind, authseal: &str) -> Proxy {
    match kind {
        Kind::Nginx => nginx::keeping_connections(authseal).await,
        Kind::Caddy => caddy::serve("http", &format!("reverse_proxy {authseal}")).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_finds_every_request_answered_that_it_could_send() {
    check_behind(Kind::Nginx, |log| log.lines().map(str::to_owned).collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_finds_every_request_answered_that_it_could_send() {
    check_behind(Kind::Caddy, |log| {
        let entries = log.lines().map(|line| -> serde_json::Value {
            serde_json::from_str(line).expect("Caddy's log is of JSON")
        });
        let errors = entries.filter(|entry| entry["level"] == "error");
        // The rest of it has the request with its headers.
        errors.map(|entry| entry["msg"].to_string()).collect()
    })
    .await;
}

/// The answer that takes longest is waited for, though nobody is let in any more.
#[tokio::test]
async fn a_request_under_way_is_answered_through_each_proxy() {
    for kind in [Kind::Nginx, Kind::Caddy] {
        let gate = Gate::closed();
        let late = gate.clone();
        let provider = ScriptedProvider::start(move |_| {
            [vec![Piece::Wait(late.clone())], tokens("late", None)].concat()
        });
        let app = TestApp::builder().scripted(&provider, "stable");
        let app = app.start().await;
        let authid = app.seal("scripted", "a-refresh-token");
        let authseal = app.url.trim_start_matches("http://").to_owned();
        let proxy = proxy(kind, &authseal).await;
        let url = format!("{}/refresh", proxy.url("http"));
        let under_way = tokio::spawn({
            let url = url.clone();
            async move { get(&url, &[("X-AuthID", &authid)]).await }
        });
        provider.asked_times(1).await;
        let stopping = tokio::spawn(app.stop());
        eventually("nobody listens", async || {
            TcpStream::connect(&authseal).await.is_err().then_some(())
        })
        .await;
        assert_eq!(get(&url, &[]).await.status, 502);
        assert!(!stopping.is_finished());

        gate.open();
        let answer = under_way.await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["access_token"], "late");
        stopping.await.unwrap();
    }
}

async fn check_directly(version: Version) {
    let (_installation, server, authid) = serve().await;
    let clients = Clients::start(&server.url, &authid, version);
    clients.go_on(500).await;
    server.program.terminate().await;
    let told = clients.end().await;
    assert!(told.iter().all(|&status| status == 200), "{told:?}");
    let (status, output) = server.program.end().await;
    assert!(status.success(), "{output}");
    assert!(!output.contains("were cut off"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_authseal_itself_find_every_request_answered() {
    check_directly(Version::HTTP_11).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_speak_http2_find_every_request_answered_too() {
    check_directly(Version::HTTP_2).await;
}
