//! A shared store that is configured and does not answer: nobody is there, or
//! somebody who never says a word.

use std::time::Duration;

use tokio::net::TcpListener;

use crate::support::{
    Browser, Scrape, ScriptedProvider, TestApp, authid_on, free_port, get,
    hand_over::{TOKEN, fetch, not_ready, open},
    hand_over_form, login_link, post_form, tokens,
};

/// What a single-use service answers then.
const REASON: &str = "This server's store, which has the newest Test provider token of this \
                      login, does not answer. Try again later";

/// An authseal whose store is at this port, with a sliding service too.
async fn app(port: u16, sliding: &ScriptedProvider) -> TestApp {
    TestApp::builder()
        .env("AUTHSEAL_STORE_URL", &format!("redis://127.0.0.1:{port}"))
        .scripted(sliding, "sliding")
        .start()
        .await
}

/// Stable and sliding services go on, single-use ones ask to be asked again.
async fn check(port: u16, kind: &str) {
    let sliding = ScriptedProvider::start(|_| tokens("never-print-a", Some("never-print-1")));
    let app = app(port, &sliding).await;
    let stable = app.authid("stable").await;
    assert_eq!(app.refresh(&stable).await.status, 200);
    let sliding = app.seal("scripted", "never-print-0");
    let refreshed = app.refresh(&sliding).await.good();
    assert!(refreshed.json()["v2_authid"].is_string(), "{refreshed:?}");

    let before = app.provider.seen().refreshes;
    let single_use = app.authid("single-use").await;
    for _ in 0..2 {
        let refused = app.refresh(&single_use).await;
        assert_eq!(refused.status, 503, "{refused:?}");
        assert_eq!(refused.header("x-reason"), REASON);
        assert_eq!(refused.body, REASON);
    }
    assert_eq!(app.provider.seen().refreshes, before);

    let scrape = Scrape::of(&app.admin_url).await;
    assert_eq!(scrape.sum("authseal_store_up", &[]), 0.0);
    let errors = scrape.sum("authseal_store_errors_total", &[("kind", kind)]);
    assert!(errors >= 3.0, "{}", scrape.text);
    assert_eq!(scrape.sum("authseal_unsaved_authids", &[]), 1.0);
    let single_use = [("service", "single-use"), ("outcome", "newest_unknown")];
    assert_eq!(scrape.sum("authseal_refresh_total", &single_use), 2.0);
}

#[tokio::test]
async fn with_nobody_there_only_single_use_services_wait() {
    check(free_port(), "unreachable").await;
}

#[tokio::test]
async fn with_one_that_is_silent_likewise_and_nothing_hangs() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    check(silent.local_addr().unwrap().port(), "too_slow").await;
}

#[tokio::test]
async fn a_login_goes_on_but_nothing_is_handed_over() {
    let sliding = ScriptedProvider::start(|_| tokens("never-print-a", None));
    let app = app(free_port(), &sliding).await;
    let mut browser = Browser::default();
    let start = open(&app, &mut browser, TOKEN).await.good();
    let page = app.log_in_by(&mut browser, &login_link(&start.body)).await;
    for _ in 0..2 {
        let confirmed = app.hand_over(&mut browser, &page).await;
        assert_eq!(confirmed.status, 503, "{confirmed:?}");
        assert!(confirmed.body.contains("The hand-over failed"));
        assert_eq!(hand_over_form(&confirmed.body), hand_over_form(&page.body));
    }
    assert_eq!(app.refresh(&authid_on(&page.body)).await.status, 200);
    // It may be there, and asking again finds out.
    assert_eq!(fetch(&app, TOKEN).await, not_ready());
    let state = get(&format!("{}/token-state?token={TOKEN}", app.url), &[]).await;
    assert_eq!(state.json(), not_ready());
}

#[tokio::test]
async fn what_could_not_be_stored_does_not_keep_the_server_from_stopping() {
    let sliding = ScriptedProvider::start(|_| tokens("never-print-a", Some("never-print-1")));
    let app = app(free_port(), &sliding).await;
    app.refresh(&app.seal("scripted", "never-print-0"))
        .await
        .good();
    let stopping = tokio::time::timeout(Duration::from_secs(30), app.stop());
    stopping.await.expect("it waits for the store for ever");
}

#[tokio::test]
async fn no_code_is_made_and_none_is_lost() {
    let sliding = ScriptedProvider::start(|_| tokens("never-print-a", None));
    let app = app(free_port(), &sliding).await;
    let mut browser = Browser::default();
    let start = browser.get(&format!("{}/?type=stable", app.url)).await;
    let page = app.log_in_by(&mut browser, &login_link(&start.body)).await;
    let form = hand_over_form(&page.body);
    let refused = post_form(&format!("{}/elsewhere", app.url), &form).await;
    assert_eq!(refused.status, 503);
    assert!(
        refused.body.contains("copy the AuthID from the page"),
        "{refused:?}"
    );
    let code = [("code", "0000-0000-0000-0000")];
    let refused = post_form(&format!("{}/collect", app.url), &code).await;
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("Try again in a moment"));
}
