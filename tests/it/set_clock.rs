//! A time of day that is set a day forward and back: durations are not measured by it.

use std::time::Duration;

use authseal::clock::UnixTime;

use super::passwords::{PASSWORD, enter};
use crate::support::{Browser, ScriptedProvider, TestApp, believing, callback, get, json, tokens};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A day ahead, correct again, and a day behind.
fn set(app: &TestApp) -> [UnixTime; 3] {
    let now = app.clock.now();
    [now.plus(DAY), now, UnixTime(now.0 - DAY.as_secs())]
}

#[tokio::test]
async fn a_request_while_the_clock_was_a_day_ahead_makes_nobody_wait() {
    let app = TestApp::builder().env("AUTHSEAL_RATE_LIMIT", "60");
    let app = app.start().await;
    let authid = app.authid("stable").await;
    for time_of_day in set(&app) {
        app.clock.set(time_of_day);
        for _ in 0..15 {
            let answer = app.refresh(&authid).await;
            assert_eq!(answer.status, 200, "{time_of_day}: {answer:?}");
        }
        app.clock.advance(Duration::from_secs(15 * 60));
    }
}

#[tokio::test]
async fn a_cached_token_is_neither_lost_nor_outlives_itself() {
    let provider = ScriptedProvider::start(|_| tokens("never-print-access", None));
    let app = believing(&provider).start().await;
    let authid = app.seal("scripted", "never-print-refresh");
    for time_of_day in set(&app) {
        assert_eq!(app.refresh(&authid).await.json()["expires"], 3600);
        let asked = provider.asked().len();
        app.clock.set(time_of_day);
        app.clock.advance(Duration::from_secs(1000));
        assert_eq!(app.refresh(&authid).await.json()["expires"], 2600);
        assert_eq!(provider.asked().len(), asked);
        app.clock.advance(Duration::from_secs(2300));
        assert_eq!(app.refresh(&authid).await.json()["expires"], 3600);
        assert_eq!(provider.asked().len(), asked + 1);
        app.clock.advance(Duration::from_secs(3600));
    }
}

#[tokio::test]
async fn the_right_password_is_taken_whatever_the_clock_was() {
    let app = TestApp::builder().env("AUTHSEAL_LOGIN_PASSWORD", PASSWORD);
    let app = app.start().await;
    for time_of_day in set(&app) {
        app.clock.set(time_of_day);
        let mut browser = Browser::default();
        let asked = browser.get(&app.url).await;
        let entered = enter(&app, &mut browser, &asked, PASSWORD).await;
        assert_eq!(entered.status, 303, "{time_of_day}: {entered:?}");
        assert_eq!(browser.get(&app.url).await.status, 200);
    }
}

#[tokio::test]
async fn logins_are_counted_by_the_time_that_passes() {
    let provider = ScriptedProvider::start(|_| json("400 Bad Request", "{\"error\":\"x\"}"));
    let app = believing(&provider).start().await;
    let from = "192.0.2.1";
    for time_of_day in set(&app) {
        app.clock.set(time_of_day);
        for _ in 0..20 {
            assert_eq!(app.log_in_from("scripted", from).await.status, 503);
        }
        assert_eq!(app.log_in_from("scripted", from).await.status, 429);
        app.clock.advance(Duration::from_secs(120));
    }
}

#[tokio::test]
async fn an_authid_that_waits_for_its_program_is_still_there() {
    let app = TestApp::start().await;
    let token = "4k9x2m7q1z8w5v3t6y0u";
    for time_of_day in set(&app) {
        let mut browser = Browser::default();
        let start = format!("{}/?type=stable&token={token}", app.url);
        let start = browser.get(&start).await;
        let link = crate::support::login_link(&start.body);
        let page = app.log_in_by(&mut browser, &link).await;
        app.hand_over(&mut browser, &page).await;
        app.clock.set(time_of_day);
        app.clock.advance(Duration::from_secs(29));
        let fetched = get(&format!("{}/fetch?token={token}", app.url), &[]).await;
        assert!(fetched.body.contains("v2:stable:"), "{fetched:?}");
        // That it was fetched is told for as long.
        app.clock.advance(Duration::from_secs(31));
    }
}

#[tokio::test]
async fn what_was_begun_while_the_clock_was_ahead_does_not_last_until_then() {
    let app = TestApp::start().await;
    let now = app.clock.now();
    let token = "4k9x2m7q1z8w5v3t6y0u";
    app.clock.set(now.plus(DAY));
    let mut browser = Browser::default();
    let start = format!("{}/?type=stable&token={token}", app.url);
    let start = browser.get(&start).await;
    let link = crate::support::login_link(&start.body);
    let page = app.log_in_by(&mut browser, &link).await;
    let mut begun = Browser::default();
    let to_provider = begun.get(&format!("{}/login?id=stable", app.url)).await;
    app.clock.set(now);
    app.clock.advance(Duration::from_secs(15 * 60));
    let late = app.hand_over(&mut browser, &page).await;
    assert_eq!(late.status, 400, "{late:?}");
    let fetched = get(&format!("{}/fetch?token={token}", app.url), &[]).await;
    assert!(!fetched.body.contains("v2:"), "{fetched:?}");
    let url = callback(&app, to_provider.header("location"), "code=c");
    let late = begun.get(&url).await;
    assert_eq!(late.status, 400, "{late:?}");
}
