//! The password that may stand before the pages (LOGIN_PASSWORD), in Duplicati's
//! popup. With AUTHSEAL_TEST_SHOTS set to a folder, what it looks like goes there.

use std::path::Path;

use super::{front::Front, nginx};
use crate::{
    axe,
    browser::Browser,
    opener::{HOME_NAME, LOCALHOST, Opener, Popup, log_in_and_be_closed, log_in_and_hand_over},
    site::TOKEN,
    support::{TestApp, TestAppBuilder},
};

const PASSWORD: &str = "never-print-this-password";
const POPUP: (u32, u32) = (450, 600);
const DESKTOP: (u32, u32) = (1280, 800);

fn locked(app: TestAppBuilder) -> TestAppBuilder {
    app.env("AUTHSEAL_LOGIN_PASSWORD", PASSWORD)
}

/// The form is there, whoever looks at it and however.
async fn look_at_form(browser: &Browser, name: &str) {
    browser.see_heading("Enter the password").await;
    let shots = std::env::var_os("AUTHSEAL_TEST_SHOTS");
    for (width, height) in [DESKTOP, POPUP] {
        browser.resize(width, height).await;
        for scheme in ["light", "dark"] {
            browser.prefer(scheme).await;
            let violations = axe::violations(browser).await;
            assert!(violations.is_empty(), "{name}: {violations:?}");
            if let Some(folder) = &shots {
                let file = format!("{name}-{width}x{height}-{scheme}.png");
                browser.screenshot(Path::new(folder).join(file)).await;
            }
        }
    }
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:?}");
}

async fn give(browser: &Browser, password: &str) {
    browser.fill("#password", password).await;
    browser.click(".button.primary").await;
}

#[tokio::test]
async fn the_opener_receives_the_authid_although_a_password_stood_between() {
    let app = locked(TestApp::builder()).start().await;
    let opener = Opener::start();
    let browser = Browser::open().await;
    let address = opener.current_ui(LOCALHOST, &app.url);
    let popup = Popup::open(&browser, &address).await;
    look_at_form(&browser, "asked").await;

    give(&browser, "never-print-a-wrong-one").await;
    browser.find("[role=alert]").await;
    assert_eq!(
        browser.text("[role=alert]").await,
        "Wrong password. Enter it again."
    );
    assert_eq!(browser.value("#password").await, "");
    look_at_form(&browser, "wrong").await;

    give(&browser, PASSWORD).await;
    browser.see_heading("Log in to Test storage").await;
    log_in_and_be_closed(&browser).await;
    let authid = popup.received_and_closed(&browser).await;
    assert_eq!(app.refresh(&authid).await.status, 200);

    // Known from now on.
    let popup = Popup::open(&browser, &address).await;
    browser.see_heading("Log in to Test storage").await;
    log_in_and_be_closed(&browser).await;
    let authid = popup.received_and_closed(&browser).await;
    assert_eq!(app.refresh(&authid).await.status, 200);
}

#[tokio::test]
async fn who_polls_with_a_token_receives_the_authid_although_a_password_stood_between() {
    let app = locked(TestApp::builder()).start().await;
    let opener = Opener::start();
    let browser = Browser::open().await;
    let address = opener.old_ui(LOCALHOST, &app.url, "stable", TOKEN);
    let popup = Popup::open(&browser, &address).await;
    give(&browser, PASSWORD).await;
    browser.see_heading("Log in to Test storage").await;
    log_in_and_hand_over(&browser).await;
    let answer = popup.poll(&browser).await;
    assert!(answer["authid"].is_string());
    let authid = popup.received_and_closed(&browser).await;
    assert_eq!(app.refresh(&authid).await.status, 200);
}

/// Also where Duplicati's own link leads, which drops the path.
#[tokio::test]
async fn the_password_works_under_a_prefix_that_the_proxy_strips() {
    let proxy = async |authseal: &str| {
        let (root, prefix) = (nginx::pass(authseal), nginx::pass(&format!("{authseal}/")));
        nginx::serve(&format!(
            "location / {{ {root} }} location /seal/ {{ {prefix} }}"
        ))
        .await
    };
    let front = Front::start(proxy, "http", "/seal", locked).await;
    let opener = Opener::start();
    for base in [&front.public_url, &front.proxy.url("http")] {
        let browser = Browser::open().await;
        let popup = Popup::open(&browser, &opener.current_ui(HOME_NAME, base)).await;
        give(&browser, PASSWORD).await;
        browser.see_heading("Log in to Test storage").await;
        log_in_and_be_closed(&browser).await;
        let authid = popup.received_and_closed(&browser).await;
        assert_eq!(front.app.refresh(&authid).await.status, 200);
    }
}
