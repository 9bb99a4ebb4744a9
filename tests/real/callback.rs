//! The provider's answer counts in the browser that began the login, once.

use super::{
    browser::Browser,
    support::{TestApp, get},
};

const REFUSED: &str = "This login can't be finished";

#[tokio::test]
async fn a_callback_replayed_is_refused_in_every_browser() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.go(&format!("{}/login?id=stable", app.url)).await;
    browser.click("#allow").await;
    browser.see_heading("Your AuthID is ready").await;
    let callback = browser.address().await;
    assert!(callback.contains("/logged-in?") && callback.contains("code="));

    let other_browser = Browser::open().await;
    for browser in [&other_browser, &browser] {
        browser.go(&callback).await;
        browser.see_heading(REFUSED).await;
    }
    let seen = app.provider.seen();
    assert_eq!((seen.exchanges, seen.refusals), (1, 0), "{seen:?}");
}

/// Login CSRF (RFC 9700 section 4.7): an attacker's own login, allowed but not
/// finished, must not end in a victim's browser.
#[tokio::test]
async fn anothers_unfinished_login_is_refused_and_its_code_is_not_used() {
    let app = TestApp::start().await;
    let begun = get(&format!("{}/login?id=stable", app.url), &[]).await;
    let callback = app.allow(begun.header("location")).await;

    let victim = Browser::open().await;
    // The victim has a login of their own under way.
    victim.go(&format!("{}/login?id=stable", app.url)).await;
    victim.find("#allow").await;
    victim.go(&callback).await;
    victim.see_heading(REFUSED).await;
    let seen = app.provider.seen();
    assert_eq!((seen.exchanges, seen.refusals), (0, 0), "{seen:?}");
}

#[tokio::test]
async fn logins_in_two_tabs_do_not_disturb_each_other() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    let begin = async |service: &str| {
        browser.go(&format!("{}/login?id={service}", app.url)).await;
        browser.find("#allow").await;
    };
    begin("stable").await;
    let first = browser.client.window().await.unwrap();
    let second = browser.client.new_window(true).await.unwrap().handle;
    browser
        .client
        .switch_to_window(second.clone())
        .await
        .unwrap();
    begin("single-use").await;

    for (tab, service) in [(first, "stable"), (second, "single-use")] {
        browser.client.switch_to_window(tab).await.unwrap();
        browser.click("#allow").await;
        let authid = browser.value("#authid").await;
        assert!(authid.starts_with(&format!("v2:{service}:")), "{authid}");
        assert_eq!(app.refresh(&authid).await.status, 200);
    }
}
