//! Openers that get the AuthID only when the person says so: one on an origin
//! that anybody can have, and one whose origin cannot be seen.

use super::{
    browser::Browser,
    opener::{FOREIGN, LOCALHOST, Opener, Popup, log_in, press_and_be_closed},
    support::TestApp,
};

const BUTTON: &str = "[data-send]";

#[tokio::test]
async fn a_foreign_opener_gets_nothing_until_the_button_that_names_it_is_pressed() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open().await;
    let popup = Popup::open(&browser, &opener.current_ui(FOREIGN, &app.url)).await;
    log_in(&browser).await;
    let name = browser.text(BUTTON).await;
    assert_eq!(name, format!("Send it to {}", opener.origin(FOREIGN)));
    let authid = browser.value("#authid").await;
    assert!(popup.messages(&browser).await.is_empty());
    assert_eq!(browser.text(".send .status").await, "");

    press_and_be_closed(&browser, BUTTON).await;
    assert_eq!(popup.received_and_closed(&browser).await, authid);
}

#[tokio::test]
async fn whoever_takes_the_place_of_a_foreign_opener_gets_nothing_by_the_button() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open().await;
    let popup = Popup::open(&browser, &opener.current_ui(FOREIGN, &app.url)).await;
    log_in(&browser).await;
    popup.to_opener(&browser).await;
    let other = opener.current_ui(LOCALHOST, &app.url);
    browser.run(&format!("location.href = {other:?}")).await;
    let wait = browser.client.wait();
    wait.for_url(&other.parse().unwrap()).await.unwrap();

    popup.to_popup(&browser).await;
    browser.click(BUTTON).await;
    assert!(popup.messages(&browser).await.is_empty());
}

/// As an https page that opened an http authseal.
#[tokio::test]
async fn an_opener_that_cannot_be_seen_gets_it_by_the_address_that_is_typed() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open().await;
    for host in [LOCALHOST, FOREIGN] {
        let popup = Popup::open(&browser, &opener.silent_ui(host, &app.url)).await;
        log_in(&browser).await;
        let send = browser.find(".send").await;
        assert_eq!(send.attr("data-origin").await.unwrap(), None);
        assert!(popup.messages(&browser).await.is_empty());

        let own = opener.origin(host);
        let other_host = own.replace(host, "127.0.0.1");
        let (no_address, sent) = ("Write it like ", "Sent.");
        for (address, says) in [
            ("", no_address),
            ("*", no_address),
            ("javascript:alert(1)", no_address),
            ("about:blank", no_address),
            (&own.replace("http://", ""), no_address),
            ("https://duplicati.example.com", sent),
            (&own.replace("http:", "https:"), sent),
            (&other_host, sent),
            (&app.url, sent),
        ] {
            let field = browser.find("#opener").await;
            field.clear().await.unwrap();
            field.send_keys(address).await.unwrap();
            browser.click(BUTTON).await;
            let status = browser.text(".send .status").await;
            assert!(status.starts_with(says), "{address}: {status}");
            let messages = popup.messages(&browser).await;
            assert!(messages.is_empty(), "{address}: {messages:?}");
        }

        let authid = browser.value("#authid").await;
        browser.find("#opener").await.clear().await.unwrap();
        browser.fill("#opener", &format!(" {own}/ngclient/")).await;
        press_and_be_closed(&browser, BUTTON).await;
        assert_eq!(popup.received_and_closed(&browser).await, authid);
    }
}

/// The start page is skipped: nobody knows who opened the login.
#[tokio::test]
async fn an_opener_of_the_login_itself_is_not_believed() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open().await;
    let address = opener.current_ui(LOCALHOST, &app.url);
    let popup = Popup::open(&browser, &format!("{address}&path=/login?id=stable")).await;
    browser.click("#allow").await;
    browser.see_heading("Your AuthID is ready").await;
    let send = browser.find(".send:not([hidden])").await;
    assert_eq!(send.attr("data-origin").await.unwrap(), None);
    assert_eq!(send.attr("data-trusted").await.unwrap(), None);
    assert!(popup.messages(&browser).await.is_empty());
}
