//! Duplicati's old web UI: it opens `/?type=ID&token=T`, polls `/fetch` by JSONP,
//! and closes the popup.

use serde_json::json;

use super::{
    browser::Browser,
    opener::{FOREIGN, HOME_NAME, LOCALHOST, Opener, Popup, log_in_and_hand_over},
    support::{TestApp, get},
};

const TOKENS: [&str; 2] = ["4k9x2m7q1z8w5v3t6y0u", "u0y6t3v5w8z1q7m2x9k4"];

#[tokio::test]
async fn the_field_fills_itself_and_the_page_said_whose() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open().await;
    // Polling needs the token alone, so any origin will do.
    for host in [HOME_NAME, LOCALHOST, FOREIGN] {
        let token = format!("{host}-4k9x2m7q").replace('.', "-");
        let address = opener.old_ui(host, &app.url, "stable", &token);
        let popup = Popup::open(&browser, &address).await;
        let notice = browser.text(".notice").await;
        let who = format!("{} asks for your AuthID.", opener.origin(host));
        assert!(notice.starts_with(&who), "{notice}");
        assert_eq!(popup.poll(&browser).await, json!({"wait": "Not ready"}));

        popup.to_popup(&browser).await;
        browser.click(".button.primary").await;
        browser.click("#allow").await;
        browser.see_heading("Hand over your AuthID?").await;
        let button = browser.text(".button.primary").await;
        assert_eq!(button, format!("Hand it over to {}", opener.origin(host)));
        assert_eq!(popup.poll(&browser).await, json!({"wait": "Not ready"}));
        assert!(popup.messages(&browser).await.is_empty());

        browser.click(".button.primary").await;
        browser.see_heading("Your AuthID is ready").await;
        let lead = browser.text(".lead").await;
        assert!(lead.starts_with("Duplicati fetches it"), "{lead}");
        let authid = browser.value("#authid").await;
        assert_eq!(popup.poll(&browser).await, json!({"authid": authid}));
        assert_eq!(popup.received_and_closed(&browser).await, authid);
        assert_eq!(app.refresh(&authid).await.status, 200);
    }
}

#[tokio::test]
async fn whoever_hands_nothing_over_keeps_the_popup_and_the_authid() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open().await;
    let address = opener.old_ui(HOME_NAME, &app.url, "stable", TOKENS[0]);
    let popup = Popup::open(&browser, &address).await;
    browser.click(".button.secondary").await;
    browser.click("#allow").await;
    browser.see_heading("Your AuthID is ready").await;
    let authid = browser.value("#authid").await;
    assert!(popup.messages(&browser).await.is_empty());
    assert_eq!(popup.poll(&browser).await, json!({"wait": "Not ready"}));
    assert_eq!(app.refresh(&authid).await.status, 200);
}

/// A stranger's link, and a provider that asks nothing: no click, no hand-over. Nor does
/// going back, or sending the form again.
#[tokio::test]
async fn only_the_click_delivers_and_only_once() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    let fetch = format!("{}/fetch?token={}", app.url, TOKENS[0]);
    let fetched = async || get(&fetch, &[]).await.json();
    let link = format!("{}/?type=stable&token={}", app.url, TOKENS[0]);
    browser.go(&link).await;
    browser.click(".button.primary").await;
    browser.click("#allow").await;
    browser.see_heading("Hand over your AuthID?").await;
    assert_eq!(fetched().await["wait"], "Not ready");
    browser.client.refresh().await.unwrap();
    browser.see_heading("This login can't be finished").await;
    assert_eq!(fetched().await["wait"], "Not ready");

    browser.go(&link).await;
    log_in_and_hand_over(&browser).await;
    let authid = browser.value("#authid").await;
    assert_eq!(fetched().await["authid"], authid);
    // Half a minute later, nothing would say any more that it was fetched.
    app.clock.advance(std::time::Duration::from_secs(30));
    browser.client.refresh().await.unwrap();
    browser.see_heading("Your AuthID is ready").await;
    let lead = browser.text(".lead").await;
    assert!(lead.starts_with("Nothing is handed over now"), "{lead}");
    assert_eq!(browser.value("#authid").await, authid);
    assert_eq!(fetched().await["wait"], "Not ready");
    assert!(browser.complaints().await.is_empty());
}

#[tokio::test]
async fn two_popups_at_once_fill_each_their_own_field() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open().await;
    let address = opener.old_ui(HOME_NAME, &app.url, "stable", TOKENS[0]);
    let first = Popup::open(&browser, &address).await;
    first.to_opener(&browser).await;
    let other_tab = browser.client.new_window(true).await.unwrap().handle;
    browser.switch(&other_tab).await;
    let address = opener.old_ui(LOCALHOST, &app.url, "single-use", TOKENS[1]);
    let second = Popup::open(&browser, &address).await;
    for (popup, service) in [(&second, "single-use"), (&first, "stable")] {
        popup.to_popup(&browser).await;
        log_in_and_hand_over(&browser).await;
        let authid = browser.value("#authid").await;
        assert!(authid.starts_with(&format!("v2:{service}:")), "{authid}");
        popup.poll(&browser).await;
        assert_eq!(popup.received_and_closed(&browser).await, authid);
    }
}

/// An attacker's link straight to the login, with a visit that only the
/// attacker's browser made.
#[tokio::test]
async fn a_link_past_the_start_page_hands_nothing_over() {
    let app = TestApp::start().await;
    let [attacker, victim] = [Browser::open().await, Browser::open().await];
    let start = format!("{}/?type=stable&token={}", app.url, TOKENS[0]);
    attacker.go(&start).await;
    let link = attacker.find(".button.primary").await;
    let link = link.attr("href").await.unwrap().unwrap();
    victim.go(&format!("{}{link}", app.url)).await;
    victim.click("#allow").await;
    victim.see_heading("Your AuthID is ready").await;
    let fetch = format!("{}/fetch?token={}", app.url, TOKENS[0]);
    let fetched = get(&fetch, &[]).await.json();
    assert_eq!(fetched["wait"], "Not ready");

    log_in_and_hand_over(&attacker).await;
    let fetched = get(&fetch, &[]).await.json();
    assert_eq!(fetched["authid"], attacker.value("#authid").await);
}
