//! Trading an AuthID again and again: one provider call where one is enough.

use std::time::Duration;

use authseal::app::Knobs;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{
    Asked, Client, Gate, Piece, Scrape, ScriptedProvider, TestApp, eventually, json, tokens,
};

/// A provider whose first answer waits for the gate.
pub fn gated(
    gate: &Gate,
    then: impl Fn(&Asked) -> Vec<Piece> + Send + Sync + 'static,
) -> ScriptedProvider {
    let gate = gate.clone();
    ScriptedProvider::start(move |asked| {
        let mut pieces = vec![Piece::Wait(gate.clone())];
        pieces.extend(then(asked));
        pieces
    })
}

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

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_refreshes_at_once_make_one_provider_call() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| {
        tokens("never-print-access", Some("never-print-second"))
    });
    let app = TestApp::builder().scripted(&provider, "single-use");
    let app = app.start().await;
    let authid = app.seal("scripted", "never-print-first");

    let mut clients = JoinSet::new();
    for _ in 0..100 {
        let (mut stream, authid) = (connect(&app).await, authid.clone());
        send_refresh(&mut stream, &authid).await;
        clients.spawn(async move {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            serde_json::from_str::<Value>(body).unwrap()
        });
    }
    provider.asked_times(1).await;
    gate.open();

    let answers = clients.join_all().await;
    assert_eq!(provider.asked().len(), 1);
    assert_eq!(answers[0]["access_token"], "never-print-access");
    assert!(answers[0]["v2_authid"].is_string());
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn different_logins_do_not_wait_for_each_other() {
    let gate = Gate::closed();
    let held = gate.clone();
    let provider = ScriptedProvider::start(move |asked| {
        let mut pieces = tokens("never-print-access", None);
        if asked.field("refresh_token") == "never-print-slow" {
            pieces.insert(0, Piece::Wait(held.clone()));
        }
        pieces
    });
    let app = TestApp::builder().scripted(&provider, "stable");
    let app = app.start().await;
    let slow = app.seal("scripted", "never-print-slow");
    let quick = app.seal("scripted", "never-print-quick");
    let asks_slowly = async {
        assert_eq!(app.refresh(&slow).await.status, 200);
    };
    let asks_meanwhile = async {
        provider.asked_times(1).await;
        assert_eq!(app.refresh(&quick).await.status, 200);
        gate.open();
    };
    tokio::join!(asks_slowly, asks_meanwhile);
}

#[tokio::test]
async fn a_client_that_hangs_up_loses_nothing() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| {
        tokens("never-print-access", Some("never-print-second"))
    });
    let app = TestApp::builder().scripted(&provider, "single-use");
    let app = app.start().await;
    let authid = app.seal("scripted", "never-print-first");

    hang_up(&app, &authid, &provider).await;
    gate.open();

    let answer = app.refresh(&authid).await;
    assert_eq!(answer.json()["access_token"], "never-print-access");
    let newest = answer.json()["v2_authid"].as_str().unwrap().to_owned();
    assert_eq!(
        app.open(&newest).refresh_token.expose(),
        "never-print-second"
    );
    assert_eq!(provider.asked().len(), 1);
}

#[tokio::test]
async fn an_access_token_is_reused_until_shortly_before_it_expires() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    let first = app.refresh(&authid).await.json();
    assert_eq!(first["expires"], 3600);

    app.clock.advance(Duration::from_secs(3299));
    let cached = app.refresh(&authid).await.json();
    assert_eq!(cached["access_token"], first["access_token"]);
    assert_eq!(cached["expires"], 301);
    assert_eq!(app.provider.seen().refreshes, 1);

    app.clock.advance(Duration::from_secs(1));
    let second = app.refresh(&authid).await.json();
    assert_ne!(second["access_token"], first["access_token"]);
    assert_eq!(second["expires"], 3600);
    assert_eq!(app.provider.seen().refreshes, 2);
}

#[tokio::test]
async fn without_a_cache_the_provider_is_asked_every_time() {
    let app = TestApp::builder().env("AUTHSEAL_CACHE_MB", "0");
    let app = app.start().await;
    let authid = app.authid("stable").await;
    for refreshes in 1..=3 {
        assert_eq!(app.refresh(&authid).await.status, 200);
        assert_eq!(app.provider.seen().refreshes, refreshes);
    }
    let scrape = Scrape::of(&app.admin_url).await;
    assert_eq!(scrape.sum("authseal_cached_tokens", &[]), 0.0);
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let provider = ScriptedProvider::start(|_| json("503 Service Unavailable", "{}"));
    let app = TestApp::builder().scripted(&provider, "stable");
    let app = app.start().await;
    let authid = app.seal("scripted", "never-print-first");
    assert_eq!(app.refresh(&authid).await.status, 502);
    provider.script(|_| tokens("never-print-access", None));
    assert_eq!(app.refresh(&authid).await.status, 200);
}

#[tokio::test]
async fn a_provider_that_is_too_slow_is_given_up_before_the_client_gives_up() {
    // Duplicati gives each attempt 25 s (docs/endpoints.md).
    assert!(Knobs::default().provider_deadline <= Duration::from_secs(20));
    let provider = ScriptedProvider::start(|_| vec![Piece::Silence]);
    let app = TestApp::builder().scripted(&provider, "stable");
    let app = app
        .provider_deadline(Duration::from_millis(50))
        .start()
        .await;
    let authid = app.seal("scripted", "never-print-first");
    assert_eq!(app.refresh(&authid).await.status, 504);
    // The lineage is free again, though a busy machine may miss the deadline.
    provider.script(|_| tokens("never-print-access", None));
    while matches!(app.refresh(&authid).await.status.as_u16(), 502 | 504) {}
    assert_eq!(app.refresh(&authid).await.status, 200);
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
