//! A provider that failed for three logins in a row, and the one call that tries it then.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use crate::support::{
    Answer, Gate, Piece, Scrape, ScriptedProvider, TestApp, TestAppBuilder, eventually, gated,
    json, tokens,
};

const HOUR: Duration = Duration::from_secs(3600);
/// Longer than requests need to come in that shall wait for the same trial.
const REST: Duration = Duration::from_secs(2);

fn failure() -> Vec<Piece> {
    json("500 Internal Server Error", "{}")
}

fn good() -> Vec<Piece> {
    tokens("never-print-access", None)
}

fn with(provider: &ScriptedProvider, kind: &str) -> TestAppBuilder {
    TestApp::builder().scripted(provider, kind)
}

async fn refresh(app: &TestApp) -> Answer {
    let authid = app.seal("scripted", "never-print-refresh");
    app.refresh(&authid).await
}

/// Refreshes of that many new logins, all under way.
async fn begin(app: &Arc<TestApp>, logins: usize) -> JoinSet<Answer> {
    let mut refreshes = JoinSet::new();
    for _ in 0..logins {
        let app = app.clone();
        refreshes.spawn(async move { refresh(&app).await });
    }
    eventually("all are under way", async || {
        let scrape = Scrape::of(&app.admin_url).await;
        (scrape.sum("authseal_flights", &[]) == logins as f64).then_some(())
    })
    .await;
    refreshes
}

/// How often it began to be left alone.
async fn times_left_alone(app: &TestApp) -> f64 {
    let scrape = Scrape::of(&app.admin_url).await;
    scrape.sum("authseal_provider_left_alone_total", &[])
}

/// A provider that is left alone because it failed for three logins.
async fn left_alone(rest: Duration) -> (ScriptedProvider, Arc<TestApp>) {
    let provider = ScriptedProvider::start(|_| failure());
    // Single-use tokens are sent once, so that this takes three calls.
    let app = with(&provider, "single-use").breaker_rest(rest);
    let app = app.start().await;
    for _ in 0..3 {
        assert_eq!(refresh(&app).await.status, 503);
    }
    assert_eq!(times_left_alone(&app).await, 1.0);
    provider.forget();
    (provider, Arc::new(app))
}

#[tokio::test]
async fn one_login_that_fails_a_hundred_times_keeps_no_other_from_its_provider() {
    let provider =
        ScriptedProvider::start(
            |asked| match asked.field("refresh_token").contains("poisoned") {
                true => failure(),
                false => good(),
            },
        );
    let app = with(&provider, "stable").breaker_rest(HOUR).start().await;
    let poisoned = app.seal("scripted", "never-print-poisoned");
    while provider.asked().len() < 100 {
        assert_eq!(app.refresh(&poisoned).await.status, 503);
    }
    assert_eq!(times_left_alone(&app).await, 0.0);
    assert_eq!(refresh(&app).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_tries_of_three_logins_end_while_the_provider_is_left_alone() {
    let provider = ScriptedProvider::start(|_| failure());
    let app = with(&provider, "stable").breaker_rest(HOUR);
    let app = app.provider_deadline(Duration::from_secs(2)).start().await;
    for _ in 0..3 {
        assert_eq!(refresh(&app).await.status, 503);
    }
    // The third login opened it by its first call.
    assert_eq!(provider.asked().len(), 7);
    assert_eq!(times_left_alone(&app).await, 1.0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_trial_gets_a_token_when_it_succeeds() {
    let (provider, app) = left_alone(REST).await;
    provider.script(|_| good());
    let answers = begin(&app, 10).await.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 200));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_trial_that_fails_waits_for_the_next_one() {
    let (provider, app) = left_alone(REST).await;
    let asked = AtomicUsize::new(0);
    provider.script(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => failure(),
        _ => good(),
    });
    let answers = begin(&app, 10).await.join_all().await;
    let good = answers.iter().filter(|answer| answer.status == 200);
    // The first trial's own token is single-use, and not sent again.
    assert_eq!(good.count(), 9);
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_gets_the_reason_before_the_client_gives_up() {
    let provider = ScriptedProvider::start(|_| failure());
    let app = with(&provider, "single-use")
        .breaker_rest(HOUR)
        .provider_deadline(Duration::from_secs(2));
    let app = app.start().await;
    for _ in 0..3 {
        assert_eq!(refresh(&app).await.status, 503);
    }
    let answer = refresh(&app).await;
    assert_eq!(answer.status, 503);
    let reason = answer.header("x-reason");
    assert!(
        reason.contains("has not answered several logins in a row"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn all_logins_that_failed_together_get_their_tokens_after_one_good_trial() {
    // More than are tried again at once.
    const LOGINS: usize = 50;
    let gate = Gate::closed();
    let provider = gated(&gate, |_| failure());
    let app = with(&provider, "stable").breaker_rest(REST).start().await;
    let app = Arc::new(app);
    let refreshes = begin(&app, LOGINS).await;
    provider.asked_times(LOGINS).await;
    provider.script(|_| good());
    gate.open();
    let answers = refreshes.join_all().await;
    let failed = answers.iter().find(|answer| answer.status != 200);
    assert!(failed.is_none(), "{failed:?}");
    assert_eq!(provider.asked().len(), 2 * LOGINS);
}
