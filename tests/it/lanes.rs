//! A provider that fails or hangs, and what the others notice of it: nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{net::TcpListener, task::JoinSet};

use crate::support::{
    Gate, Scrape, ScriptedProvider, TestApp, TestAppBuilder, eventually, gated, json, tokens,
};

fn failing() -> ScriptedProvider {
    ScriptedProvider::start(|_| json("500 Internal Server Error", "{}"))
}

fn with(provider: &ScriptedProvider) -> TestAppBuilder {
    TestApp::builder().scripted(provider, "stable")
}

/// Refreshes of that many logins, one after the other; their statuses.
async fn statuses(app: &TestApp, service: &str, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        let authid = app.seal(service, "never-print-refresh");
        statuses.push(app.refresh(&authid).await.status.as_u16());
    }
    statuses
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_again_and_again_is_left_alone_and_then_tried() {
    let provider = failing();
    // Single-use tokens are sent once, so that this takes no tries of its own. A refresh
    // waits three fifths of the deadline for the rest to end, which is shorter.
    let app = TestApp::builder().scripted(&provider, "single-use");
    let app = app
        .breaker_rest(Duration::from_secs(5))
        .provider_deadline(Duration::from_secs(2));
    let app = app.start().await;
    assert_eq!(statuses(&app, "scripted", 3).await, [503; 3]);
    assert_eq!(provider.asked().len(), 3);

    let refresh = async || {
        let authid = app.seal("scripted", "never-print-refresh");
        app.refresh(&authid).await
    };
    // Another provider's logins notice nothing.
    let other = app.authid("stable").await;
    let (refreshed, refused) = tokio::join!(app.refresh(&other), refresh());
    assert_eq!(refreshed.status, 200);
    assert_eq!((refused.status.as_u16(), provider.asked().len()), (503, 3));
    let reason = refused.header("x-reason");
    assert!(reason.contains("several logins in a row"), "{reason}");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=5).contains(&seconds), "{seconds}");

    provider.script(|_| tokens("never-print-access", None));
    eventually("it is tried and answers", async || {
        (refresh().await.status == 200).then_some(())
    })
    .await;
    assert_eq!(statuses(&app, "scripted", 9).await, [200; 9]);
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_opens_no_breaker() {
    let provider =
        ScriptedProvider::start(|_| json("400 Bad Request", r#"{"error":"invalid_grant"}"#));
    let app = with(&provider).start().await;
    assert_eq!(statuses(&app, "scripted", 20).await, [401; 20]);
    assert_eq!(provider.asked().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_takes_so_many_calls_and_no_more() {
    const CALLS: usize = 128;
    const QUEUE: usize = 1024;
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let app = Arc::new(with(&provider).start().await);
    let mut refreshes = JoinSet::new();
    let refresh = |app: &Arc<TestApp>| {
        let app = app.clone();
        async move {
            let authid = app.seal("scripted", "never-print-refresh");
            app.refresh(&authid).await
        }
    };
    for _ in 0..CALLS + QUEUE {
        refreshes.spawn(refresh(&app));
    }
    provider.asked_times(CALLS).await;
    eventually("the queue is full", async || {
        let scrape = Scrape::of(&app.admin_url).await;
        let waiting = "authseal_provider_calls_waiting{provider=\"scripted\"} 1024\n";
        scrape.text.contains(waiting).then_some(())
    })
    .await;
    let refused = refresh(&app).await;
    // After this status clients try again by themselves.
    assert_eq!(refused.status, 502);
    let reason = refused.header("x-reason");
    assert!(reason.starts_with("Too many refreshes wait"), "{reason}");
    assert_eq!(refused.header("retry-after"), "1");
    let other = app.authid("stable").await;
    assert_eq!(app.refresh(&other).await.status, 200);

    // Longer than anybody waits: the queue is told to try again.
    tokio::time::sleep(Duration::from_secs(6)).await;
    gate.open();
    let answers = refreshes.join_all().await;
    let count = |status: u16| answers.iter().filter(|it| it.status == status).count();
    assert_eq!((count(200), count(502)), (CALLS, QUEUE));
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_tried_twice_by_each_of_three_calls() {
    // Whoever closes during the TLS handshake has been sent no request.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let url = format!("https://127.0.0.1:{port}/token");
    let app = TestApp::builder().scripted_at(&url, "single-use");
    let app = app.start().await;
    let answer = app
        .refresh(&app.seal("scripted", "never-print-refresh"))
        .await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(tries.load(Ordering::SeqCst), 6);
}
