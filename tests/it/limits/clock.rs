//! The end of an AuthID, and a clock that is set.

use std::time::Duration;

use serde_json::{Value, json};

use super::{DAY, HOUR, limits, limits_of, post, token, with_limits};
use crate::support::{ScriptedProvider, TestApp, answer, believing, revocable, tokens};

#[tokio::test]
async fn each_new_authid_has_the_lifetime_and_is_refused_from_its_end() {
    let app = TestApp::builder().env("AUTHSEAL_AUTHID_LIFETIME", "400d");
    let app = app.start().await;
    let authid = app.authid("stable").await;
    let until = app.clock.now().plus(400 * DAY);
    assert_eq!(limits_of(&app, &authid).until(), Some(until));

    app.clock.advance(400 * DAY - Duration::from_secs(100));
    let last = app.refresh(&authid).await.good();
    assert_eq!(
        last.json()["expires"],
        100,
        "the access token lives an hour"
    );
    assert_eq!(token(&app, &authid).await.good().json()["expires_in"], 100);

    app.clock.advance(Duration::from_secs(100));
    let refused = app.refresh(&authid).await;
    let reason = format!(
        "The AuthID was good until {until}. Log in again at {}/?type=stable",
        app.url
    );
    assert_eq!(refused.status, 401, "{refused:?}");
    assert_eq!(refused.header("x-reason"), reason);
    let refused = token(&app, &authid).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert_eq!(refused.json()["error"], "invalid_grant");
    assert_eq!(refused.json()["error_description"], reason);
    assert_eq!(post(&app, "/renewed", &authid).await.status, 401);
    let inspected = post(&app, "/inspected", &authid).await.good().json();
    assert_eq!(inspected["refused"], "expired");
    assert_eq!(
        inspected["limits"],
        json!({"until": until, "networks": [], "per_hour": null})
    );
}

#[tokio::test]
async fn an_authid_from_before_the_settings_stays_good() {
    let app = TestApp::builder()
        .env("AUTHSEAL_AUTHID_LIFETIME", "1h")
        .env("AUTHSEAL_AUTHID_NETWORKS", "192.0.2.0/24");
    let app = app.start().await;
    let refresh_token = app.provider.issue_refresh_token("stable").unwrap();
    let before = app.seal("stable", &refresh_token);
    app.clock.advance(1000 * DAY);
    assert_eq!(app.refresh(&before).await.status, 200);
    let inspected = post(&app, "/inspected", &before).await.good().json();
    assert_eq!(inspected["refused"], Value::Null);
}

#[tokio::test]
async fn an_expired_authid_stays_so_when_the_clock_is_set_back() {
    let app = TestApp::start().await;
    let login = app.authid("stable").await;
    let now = app.clock.now();
    let authid = with_limits(&app, &login, limits(Some(now.plus(DAY)), "", 0));
    assert_eq!(app.refresh(&authid).await.status, 200);
    // Set forward and back while it is presented.
    app.clock.set(now.plus(2 * DAY));
    assert_eq!(app.refresh(&authid).await.status, 401);
    app.clock.set(now);
    // A new login would be refused as well, so it is the administrator's turn.
    let refused = app.refresh(&authid).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    let reason = refused.header("x-reason");
    assert!(
        reason.contains("set back. Tell the administrator"),
        "{reason}"
    );
    assert_eq!(app.refresh(&login).await.status, 200);

    // Time passes, and the clock is set back before anybody presents it.
    let app = TestApp::start().await;
    let login = app.authid("stable").await;
    let authid = with_limits(&app, &login, limits(Some(now.plus(DAY)), "", 0));
    app.clock.advance(2 * DAY);
    app.clock.set(now);
    assert_eq!(app.refresh(&authid).await.status, 503);
}

#[tokio::test]
async fn an_expired_authid_can_still_be_revoked_from_anywhere() {
    let provider = ScriptedProvider::start(|asked| match asked.request_line.contains("/revoke") {
        true => answer("200 OK", "", ""),
        false => tokens("never-print-access", None),
    });
    let app = believing(&provider)
        .tables(&revocable(&provider))
        .start()
        .await;
    let end = app.clock.now().plus(HOUR);
    let login = app.seal("revocable", "never-print-refresh");
    let authid = with_limits(&app, &login, limits(Some(end), "192.0.2.0/24", 1));
    app.clock.advance(2 * HOUR);
    let revoked = post(&app, "/revoked", &authid).await.good();
    assert_eq!(revoked.json()["revoked"], true);
    assert_eq!(app.refresh(&login).await.status, 401);
}
