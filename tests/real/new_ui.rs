//! Duplicati's current web UI: it opens `/refresh?type=ID`, waits for a message,
//! and closes the popup.

use super::{
    browser::Browser,
    opener::{
        FOREIGN, HOME_NAME, LOCALHOST, Opener, PRIVATE_ADDRESS, Popup, log_in,
        log_in_and_be_closed, press_and_be_closed,
    },
    support::{TestApp, emulators::Emulated},
};

/// Someone who has opened `address` and allows access needs to do nothing more.
async fn assert_field_fills_itself(browser: &Browser, app: &TestApp, address: &str) {
    let popup = Popup::open(browser, address).await;
    browser.see_heading("Log in to Test storage").await;
    log_in_and_be_closed(browser).await;
    let authid = popup.received_and_closed(browser).await;
    assert!(authid.starts_with("v2:stable:ey"), "{address}: {authid}");
    assert_eq!(app.refresh(&authid).await.status, 200);
}

#[tokio::test]
async fn the_field_fills_itself_on_a_machine_of_ones_own() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open().await;
    for host in [LOCALHOST, PRIVATE_ADDRESS, HOME_NAME] {
        let address = opener.current_ui(host, &app.url);
        assert_field_fills_itself(&browser, &app, &address).await;
    }
}

#[tokio::test]
async fn the_field_fills_itself_at_an_origin_that_the_administrator_listed() {
    let opener = Opener::start();
    let listed = format!("https://other.test, {}", opener.origin(FOREIGN));
    let app = TestApp::builder().env("AUTHSEAL_OPENER_ORIGINS", &listed);
    let app = app.start().await;
    let browser = Browser::open().await;
    let address = opener.current_ui(FOREIGN, &app.url);
    assert_field_fills_itself(&browser, &app, &address).await;
}

#[tokio::test]
async fn a_trusted_opener_gets_it_once_and_nothing_from_a_reloaded_page() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open().await;
    let address = format!("{}&keep", opener.current_ui(LOCALHOST, &app.url));
    let popup = Popup::open(&browser, &address).await;
    log_in(&browser).await;
    let sent = format!("Sent to {}.", opener.origin(LOCALHOST));
    assert!(browser.text(".send").await.starts_with(&sent));
    let message = format!("authid:{}", browser.value("#authid").await);
    assert_eq!(popup.messages(&browser).await, [message.as_str()]);

    browser.client.refresh().await.unwrap();
    browser.see_heading("This login can't be finished").await;
    assert_eq!(popup.messages(&browser).await, [message.as_str()]);
    assert_eq!(app.provider.seen().exchanges, 1);
}

/// pCloud's form in Duplicati asks for the server's name.
#[tokio::test]
async fn what_is_to_be_read_stays_until_the_button_is_pressed() {
    let (pcloud, opener) = (Emulated::start(&["pcloud"]).await, Opener::start());
    let browser = Browser::open().await;
    let address = opener.current_ui(LOCALHOST, &pcloud.app.url);
    let popup = Popup::open(&browser, &address.replace("=stable", "=pcloud")).await;
    browser.click(".button.primary").await;
    browser.see_heading("Your access token is ready").await;
    let lead = browser.text(".lead").await;
    assert!(
        lead.starts_with("First copy this: Duplicati asks"),
        "{lead}"
    );
    let facts = browser.text(".facts").await;
    let host = pcloud.at("pcloud").address.to_string();
    assert!(facts.contains(&host), "{facts}");
    let token = browser.value("#authid").await;
    assert!(popup.messages(&browser).await.is_empty());

    press_and_be_closed(&browser, "[data-send]").await;
    assert_eq!(popup.received_and_closed(&browser).await, token);
}

#[tokio::test]
async fn a_page_opened_directly_posts_nothing_and_offers_nothing() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser
        .go(&format!("{}/refresh?type=stable", app.url))
        .await;
    browser.run("window.name = 'opened directly'").await;
    log_in(&browser).await;
    assert_eq!(
        browser.run("return window.opener").await,
        serde_json::Value::Null
    );
    let send = browser.find(".send").await;
    assert!(!send.is_displayed().await.unwrap());
    assert_eq!(send.attr("data-origin").await.unwrap(), None);
    assert!(browser.complaints().await.is_empty());
}

/// While the person logs in, the window that opened the popup may come to show
/// anything.
#[tokio::test]
async fn whoever_takes_the_place_of_a_trusted_opener_receives_nothing() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open().await;
    let popup = Popup::open(&browser, &opener.current_ui(LOCALHOST, &app.url)).await;
    browser.see_heading("Log in to Test storage").await;
    popup.to_opener(&browser).await;
    let evil = opener.current_ui(FOREIGN, &app.url);
    browser.run(&format!("location.href = {evil:?}")).await;
    browser
        .client
        .wait()
        .for_url(&evil.parse().unwrap())
        .await
        .unwrap();

    popup.to_popup(&browser).await;
    log_in(&browser).await;
    browser.find(".send:not([hidden])").await;
    assert!(popup.messages(&browser).await.is_empty());
}

#[tokio::test]
async fn two_popups_at_once_fill_each_their_own_field() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open().await;
    let address = opener.current_ui(LOCALHOST, &app.url);
    let first = Popup::open(&browser, &address).await;
    first.to_opener(&browser).await;
    let other_tab = browser.client.new_window(true).await.unwrap().handle;
    browser.switch(&other_tab).await;
    let address = opener.current_ui(HOME_NAME, &app.url);
    let second = Popup::open(&browser, &address.replace("=stable", "=single-use")).await;
    for (popup, service) in [(second, "single-use"), (first, "stable")] {
        popup.to_popup(&browser).await;
        log_in_and_be_closed(&browser).await;
        let authid = popup.received_and_closed(&browser).await;
        assert!(authid.starts_with(&format!("v2:{service}:")), "{authid}");
    }
}
