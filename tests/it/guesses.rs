//! The password's form under attack: whoever has the right one gets in.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::passwords::PASSWORD;
use crate::support::{Answer, TestApp, elsewhere};

async fn start() -> Arc<TestApp> {
    let app = TestApp::builder()
        .env("AUTHSEAL_LOGIN_PASSWORD", PASSWORD)
        .env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1");
    Arc::new(app.start().await)
}

async fn guess(app: &TestApp, password: &str, cookie: &str, from: &str) -> Answer {
    let fields = [("next", "/"), ("password", password)];
    app.post_from("/password", &fields, cookie, from).await
}

/// The cookies of an answer, as a browser sends them back.
fn cookies(answer: &Answer) -> Vec<String> {
    let cookies = answer.headers.get_all("set-cookie").iter();
    let pairs = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    pairs.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_flood_of_guesses_from_many_networks_makes_the_right_password_wait_its_turn() {
    let app = start().await;
    let mut flood = JoinSet::new();
    for number in 0..60 {
        let app = app.clone();
        flood.spawn(async move { guess(&app, "a guess of it", "", &elsewhere(number / 2)).await });
    }
    let entered = guess(&app, PASSWORD, "", "192.0.2.1").await;
    assert_eq!(entered.status, 303, "{entered:?}");
    flood.abort_all();
    while flood.join_next().await.is_some() {}
    // Those who are gone do not stand in the way of the next.
    assert_eq!(guess(&app, PASSWORD, "", "192.0.2.2").await.status, 303);
}

#[tokio::test]
async fn a_48_of_ipv6_guesses_as_slowly_as_a_few_households() {
    let app = start().await;
    let mut looked_at = 0;
    for number in 0..40 {
        let from = format!("2001:db8:1:{number:x}::1");
        looked_at += usize::from(guess(&app, "a guess of it", "", &from).await.status == 403);
    }
    assert_eq!(looked_at, 20);
    assert_eq!(guess(&app, PASSWORD, "", "2001:db8:2::1").await.status, 303);
}

#[tokio::test]
async fn a_browser_that_gave_the_password_before_is_not_refused_for_its_neighbours() {
    let app = start().await;
    let home = "192.0.2.1";
    let entered = guess(&app, PASSWORD, "", home).await;
    let [session, known] = &cookies(&entered)[..] else {
        panic!("two cookies: {entered:?}");
    };
    assert!(session.starts_with("authseal-session=") && known.starts_with("authseal-known="));
    app.clock.advance(Duration::from_secs(24 * 60 * 60));
    for _ in 0..6 {
        guess(&app, "a guess of it", "", home).await;
    }
    assert_eq!(guess(&app, PASSWORD, "", home).await.status, 429);
    assert_eq!(guess(&app, PASSWORD, known, home).await.status, 303);
    // It is no session, and none passes for it.
    let with = |cookie: String| {
        let app = app.clone();
        async move {
            crate::support::get(&app.url, &[("cookie", &cookie)])
                .await
                .status
        }
    };
    assert_eq!(with(known.replace("known", "session")).await, 403);
    let swapped = session.replace("session", "known");
    assert_eq!(guess(&app, PASSWORD, &swapped, home).await.status, 429);
    // Whoever stole it guesses no faster.
    for _ in 0..4 {
        assert_eq!(guess(&app, "a guess of it", known, home).await.status, 403);
    }
    assert_eq!(guess(&app, "a guess of it", known, home).await.status, 429);
}
