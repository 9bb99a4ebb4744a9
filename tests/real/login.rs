//! The main job at a real authorization server: log in once in a browser, then
//! refresh.

use std::time::Duration;

use serde_json::json;

use super::{
    browser::Browser,
    jose,
    oidc::{OidcApp, RefreshTokens},
};

/// Longer than any access token lives, so that the provider is asked.
const LONG_ENOUGH: Duration = Duration::from_secs(2 * 60 * 60);

const RESULT_HEADING: &str = "Your AuthID is ready";

/// From authseal's start page to its result page, and the AuthID on it.
pub async fn log_in(browser: &Browser, oidc: &mut OidcApp) -> String {
    browser.go(&oidc.public_url).await;
    browser.click("a[href='/login?id=oidc']").await;
    sign_in(browser).await;
    browser.click("#allow").await;
    browser.see_heading(RESULT_HEADING).await;
    oidc.provider.expect_grant("authorization_code").await;
    browser.value("#authid").await
}

/// Says who one is, at the provider.
async fn sign_in(browser: &Browser) {
    browser.fill("#username", "alice").await;
    browser.fill("#password", "any will do").await;
    browser.click("#sign-in").await;
}

#[tokio::test]
async fn an_authid_from_a_login_in_a_browser_refreshes_five_times() {
    let mut oidc = OidcApp::start(RefreshTokens::Stable).await;
    let browser = Browser::open().await;
    let authid = log_in(&browser, &mut oidc).await;
    assert!(authid.starts_with("v2:oidc:ey"), "{authid}");

    let mut access_tokens = Vec::new();
    for _ in 0..5 {
        let answer = oidc.app.refresh(&authid).await.good().json();
        assert_eq!(answer["type"], "oidc");
        assert_eq!(answer["expires"], 3600);
        assert_eq!(answer.get("v2_authid"), None);
        oidc.provider.expect_grant("refresh_token").await;
        access_tokens.push(accepted_access_token(&mut oidc, &answer).await);
        oidc.app.clock.advance(LONG_ENOUGH);
    }
    access_tokens.dedup();
    assert_eq!(access_tokens.len(), 5, "an access token came twice");
}

#[tokio::test]
async fn rotating_refresh_tokens_refresh_five_times_through_each_new_authid() {
    let mut oidc = OidcApp::start(RefreshTokens::Rotating).await;
    let browser = Browser::open().await;
    let mut authid = log_in(&browser, &mut oidc).await;
    let lineage = jose::open(&oidc.app, &authid)["lin"].clone();

    for generation in 1..=5 {
        let answer = oidc.app.refresh(&authid).await.good().json();
        oidc.provider.expect_grant("refresh_token").await;
        accepted_access_token(&mut oidc, &answer).await;

        let again = oidc.app.refresh(&authid).await.json();
        assert_eq!(again, answer, "what an old AuthID gets while it is cached");
        oidc.provider.expect_no_call().await;

        authid = answer["v2_authid"].as_str().unwrap().to_owned();
        let content = jose::open(&oidc.app, &authid);
        assert_eq!(content["gen"], generation);
        assert_eq!(content["lin"], lineage);
        oidc.app.clock.advance(LONG_ENOUGH);
    }
}

/// Takes the access token from an answer, and has it accepted.
async fn accepted_access_token(oidc: &mut OidcApp, answer: &serde_json::Value) -> String {
    let access_token = answer["access_token"].as_str().unwrap();
    let userinfo = oidc.provider.userinfo(access_token).await.good();
    assert_eq!(userinfo.json()["sub"], "alice");
    oidc.provider
        .expect(json!({"event": "userinfo", "ok": true}))
        .await;
    access_token.to_owned()
}

#[tokio::test]
async fn the_copy_button_copies_the_authid_and_says_so() {
    let mut oidc = OidcApp::start(RefreshTokens::Stable).await;
    let browser = Browser::open().await;
    let authid = log_in(&browser, &mut oidc).await;
    assert_eq!(browser.text("#authid-status").await, "");
    browser.click("button[data-copy]").await;
    browser.see_text("authid-status", "Copied").await;
    browser.let_pages_read_the_clipboard().await;
    let copied = browser.run_async("navigator.clipboard.readText()").await;
    assert_eq!(copied, authid);
}

#[tokio::test]
async fn whoever_declines_at_the_provider_may_try_again() {
    let mut oidc = OidcApp::start(RefreshTokens::Stable).await;
    let browser = Browser::open().await;
    browser.go(&oidc.public_url).await;
    browser.click("a[href='/login?id=oidc']").await;
    sign_in(&browser).await;
    browser.find("#allow").await;
    browser.click("#cancel").await;

    browser
        .see_heading("OpenID provider refused the login")
        .await;
    let said = browser.text(".facts dd").await;
    assert_eq!(said, "access_denied the person said no");
    let try_again = browser.find(".button.primary").await;
    assert_eq!(try_again.text().await.unwrap(), "Try again");
    try_again.click().await.unwrap();
    browser.click("#allow").await;
    browser.see_heading(RESULT_HEADING).await;
    oidc.provider.expect_grant("authorization_code").await;
    let authid = browser.value("#authid").await;
    assert_eq!(oidc.app.refresh(&authid).await.status, 200);
}

#[tokio::test]
async fn access_withdrawn_at_the_provider_is_401_and_the_reason_says_what_helps() {
    let mut oidc = OidcApp::start(RefreshTokens::Stable).await;
    let browser = Browser::open().await;
    let authid = log_in(&browser, &mut oidc).await;
    let refresh_token = jose::open(&oidc.app, &authid)["rt"].clone();
    oidc.provider.revoke(refresh_token.as_str().unwrap()).await;

    let answer = oidc.app.refresh(&authid).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    let reason = answer.header("x-reason");
    let log_in = format!("Log in again at {}/?type=oidc", oidc.public_url);
    assert!(reason.ends_with(&log_in), "{reason}");
    assert_eq!(answer.body, reason);
}

#[tokio::test]
async fn a_wrong_client_secret_is_a_matter_for_the_administrator() {
    let mut oidc = OidcApp::start(RefreshTokens::Stable).await;
    let browser = Browser::open().await;
    let authid = log_in(&browser, &mut oidc).await;

    let misconfigured = oidc.with_wrong_secret().await;
    let answer = misconfigured.refresh(&authid).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let reason = answer.header("x-reason");
    assert!(reason.contains("invalid_client"), "{reason}");
    assert!(reason.contains("administrator"), "{reason}");
    assert_eq!(oidc.app.refresh(&authid).await.status, 200);
}
