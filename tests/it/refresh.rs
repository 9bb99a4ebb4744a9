//! Trading an AuthID again and again: one provider call where one is enough.

use std::time::Duration;

use authseal::app::Knobs;
use serde_json::Value;
use tokio::{io::AsyncReadExt, task::JoinSet};

use crate::support::{
    Gate, Piece, Scrape, ScriptedProvider, TestApp, connect, gated, hang_up, json, send_refresh,
    tokens,
};

/// A provider that replaces the refresh token once the gate is open, and a login there.
async fn single_use(gate: &Gate) -> (ScriptedProvider, TestApp, String) {
    let provider = gated(gate, |_| {
        tokens("never-print-access", Some("never-print-second"))
    });
    let app = TestApp::builder().scripted(&provider, "single-use");
    let app = app.start().await;
    let authid = app.seal("scripted", "never-print-first");
    (provider, app, authid)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_refreshes_at_once_make_one_provider_call() {
    let gate = Gate::closed();
    let (provider, app, authid) = single_use(&gate).await;

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
    let (provider, app, authid) = single_use(&gate).await;

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
    assert_eq!(app.refresh(&authid).await.status, 503);
    provider.script(|_| tokens("never-print-access", None));
    assert_eq!(app.refresh(&authid).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_too_slow_is_given_up_before_the_client_gives_up() {
    // Duplicati gives each attempt 25 s (docs/endpoints.md).
    assert!(Knobs::default().provider_deadline <= Duration::from_secs(20));
    let provider = ScriptedProvider::start(|_| vec![Piece::Silence]);
    let app = TestApp::builder().scripted(&provider, "stable");
    let app = app.start().await;
    let authid = app.seal("scripted", "never-print-first");
    assert_eq!(app.refresh(&authid).await.status, 503);
    // The lineage is free again.
    provider.script(|_| tokens("never-print-access", None));
    assert_eq!(app.refresh(&authid).await.status, 200);
}
