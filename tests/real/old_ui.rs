//! Duplicati's old web UI: it opens `/?type=ID&token=T`, polls `/fetch` by JSONP,
//! and closes the popup.

use fantoccini::Locator;
use serde_json::json;

use super::{
    browser::Browser,
    https_opener::HttpsOpener,
    opener::{FOREIGN, HOME_NAME, LOCALHOST, Opener, Popup, log_in, log_in_and_hand_over},
    support::{TestApp, emulators::Emulated, get},
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
        browser.see_heading("Done: sent to Duplicati").await;
        let lead = browser.text(".lead").await;
        assert!(lead.starts_with("Duplicati fetches it"), "{lead}");
        let authid = browser.value("#authid").await;
        assert_eq!(popup.poll(&browser).await, json!({"authid": authid}));
        assert_eq!(popup.received_and_closed(&browser).await, authid);
        assert_eq!(app.refresh(&authid).await.status, 200);
    }
}

/// pCloud's form in Duplicati asks for the server's name.
#[tokio::test]
async fn what_is_to_be_read_stands_there_before_and_after_the_click() {
    let (pcloud, opener) = (Emulated::start(&["pcloud"]).await, Opener::start());
    let browser = Browser::open().await;
    let address = opener.old_ui(HOME_NAME, &pcloud.app.url, "pcloud", TOKENS[0]);
    let popup = Popup::open(&browser, &address).await;
    let host = pcloud.at("pcloud").address.to_string();
    for (heading, lead) in [
        ("Hand over your access token?", "First copy this: Duplicati"),
        ("Done: sent to Duplicati", "Duplicati fetches it within"),
    ] {
        browser.click(".button.primary").await;
        browser.see_heading(heading).await;
        let says = browser.text(".lead").await;
        assert!(says.starts_with(lead), "{says}");
        let facts = browser.text(".facts").await;
        assert!(facts.contains(&host), "{facts}");
    }
    let token = browser.value("#authid").await;
    popup.poll(&browser).await;
    assert_eq!(popup.received_and_closed(&browser).await, token);
}

/// The browser blocks what an https page asks of an http authseal, and does not say where
/// the popup comes from.
#[tokio::test]
async fn a_page_on_https_can_not_fetch_over_http_and_the_popup_says_what_to_do() {
    let app = TestApp::builder().host("auth.lan").start().await;
    let (opener, browser) = (HttpsOpener::start().await, Browser::open().await);
    let base = app.url.replace("127.0.0.1", "auth.lan");
    let popup = Popup::open(&browser, &opener.old_ui(&base, TOKENS[0])).await;
    log_in(&browser).await;
    let lead = browser.text(".lead").await;
    assert!(
        lead.starts_with("Copy it, and paste it into the AuthID field"),
        "{lead}"
    );
    let address = browser.client.find_all(Locator::Css(".send")).await;
    assert!(address.unwrap().is_empty(), "it listens for no message");
    let authid = browser.value("#authid").await;
    assert_eq!(app.refresh(&authid).await.status, 200);

    // Who insists hands it over, and the page gets nothing all the same.
    browser.click("summary").await;
    browser.click("form button").await;
    browser.see_heading("Your AuthID is ready").await;
    browser.find("label[for=use-rclone]").await;
    popup.to_opener(&browser).await;
    let fetch = format!("{base}/fetch?callback=never&token={}", TOKENS[0]);
    let loading = format!(
        "new Promise((done) => {{
            const script = document.createElement('script');
            script.onload = () => done('loaded');
            script.onerror = () => done('blocked');
            script.src = '{fetch}';
            document.head.append(script);
        }})"
    );
    assert_eq!(browser.run_async(&loading).await, "blocked");
}

#[tokio::test]
async fn a_page_that_is_seen_to_be_on_https_is_not_handed_over_to() {
    let app = TestApp::builder().host("auth.lan").start().await;
    let (opener, browser) = (HttpsOpener::start().await, Browser::open().await);
    let base = app.url.replace("127.0.0.1", "auth.lan");
    Popup::open(&browser, &opener.telling_ui(&base, TOKENS[0])).await;
    log_in(&browser).await;
    let notice = browser.text(".notice").await;
    assert!(notice.starts_with("Duplicati can't fetch it"), "{notice}");
    for css in [".send", "form[action='/hand-over']"] {
        let found = browser.client.find_all(Locator::Css(css)).await;
        assert!(found.unwrap().is_empty(), "{css}");
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
    browser.see_heading("Nothing is handed over now").await;
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
