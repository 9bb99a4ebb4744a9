//! RATE_LIMIT: refreshes per hour, by login and client address.

use std::time::Duration;

use crate::support::{Answer, Scrape, TestApp, get};

const CLIENT: (&str, &str) = ("X-Forwarded-For", "203.0.113.7");

async fn limited() -> TestApp {
    TestApp::builder()
        .env("AUTHSEAL_RATE_LIMIT", "3")
        .env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1")
        .start()
        .await
}

async fn refresh(app: &TestApp, authid: &str, client: (&str, &str)) -> Answer {
    let headers = [("X-AuthID", authid), client];
    get(&format!("{}/refresh", app.url), &headers).await
}

#[tokio::test]
async fn one_too_many_in_an_hour_is_503_with_a_reason_that_stops_the_client() {
    let app = limited().await;
    let authid = app.authid("stable").await;
    for _ in 0..3 {
        assert_eq!(refresh(&app, &authid, CLIENT).await.status, 200);
    }
    let refused = refresh(&app, &authid, CLIENT).await;
    assert_eq!(refused.status, 503);
    let reason = refused.header("x-reason");
    assert_eq!(
        reason,
        "Too many requests with this AuthID from this address. Wait 20 minutes"
    );
    assert_eq!(refused.header("retry-after"), "1200");
    assert_eq!(refused.body, reason);
    assert_eq!(app.provider.seen().refreshes, 1);
    let counted = Scrape::of(&app.admin_url).await;
    assert!(
        counted.text.contains("outcome=\"rate_limited\"} 1"),
        "{}",
        counted.text
    );

    app.clock.advance(Duration::from_secs(1200));
    assert_eq!(refresh(&app, &authid, CLIENT).await.status, 200);
}

#[tokio::test]
async fn another_login_and_another_client_are_counted_for_themselves() {
    let app = limited().await;
    let (one, other) = (app.authid("stable").await, app.authid("stable").await);
    for _ in 0..4 {
        refresh(&app, &one, CLIENT).await;
    }
    assert_eq!(refresh(&app, &one, CLIENT).await.status, 503);
    assert_eq!(refresh(&app, &other, CLIENT).await.status, 200);
    let elsewhere = ("X-Forwarded-For", "203.0.113.8");
    assert_eq!(refresh(&app, &one, elsewhere).await.status, 200);
    let one_household = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"];
    for (index, address) in one_household.into_iter().enumerate() {
        let answer = refresh(&app, &one, ("X-Forwarded-For", address)).await;
        assert_eq!(
            answer.status,
            if index < 3 { 200 } else { 503 },
            "{address}"
        );
    }
}

#[tokio::test]
async fn what_does_not_open_counts_by_the_address_alone() {
    let app = limited().await;
    for guess in 0..3 {
        let authid = format!("v2:stable:guess{guess}");
        assert_eq!(refresh(&app, &authid, CLIENT).await.status, 401);
    }
    assert_eq!(refresh(&app, "v2:stable:another", CLIENT).await.status, 503);
    let authid = app.authid("stable").await;
    assert_eq!(refresh(&app, &authid, CLIENT).await.status, 200);
}

#[tokio::test]
async fn without_the_setting_nobody_is_counted() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    for _ in 0..50 {
        assert_eq!(app.refresh(&authid).await.status, 200);
    }
}
