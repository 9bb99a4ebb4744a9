//! The same pages in Firefox: the popup of each UI, and axe on every page.

use std::{path::Path, process::Command};

use serde_json::json;

use super::{
    axe,
    browser::Browser,
    opener::{HOME_NAME, LOCALHOST, Opener, Popup, log_in_and_be_closed},
    site::Site,
    support::TestApp,
};

const TOKEN: &str = "4k9x2m7q1z8w5v3t6y0u";

/// The program that tests/run installs where the system has none.
const GECKODRIVER: &str = "target/tests-tools/bin/geckodriver";

impl Browser {
    /// A fresh Firefox, in light colours.
    pub async fn open_firefox() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(GECKODRIVER);
        let mut command = match ours.exists() {
            true => Command::new(ours),
            false => Command::new("geckodriver"),
        };
        // Firefox keeps settings there too.
        command.env("HOME", folder.path());
        let capabilities = json!({
            "moz:firefoxOptions": {
                "binary": "firefox-esr",
                "args": ["-headless", "--width=450", "--height=700"],
                "prefs": {
                    // The hosts of opener.rs are this machine.
                    "network.dns.localDomains": "duplicati.lan,evil.test,auth.lan",
                    "network.dns.disableIPv6": true,
                    "dom.security.https_first": false,
                    "layout.css.prefers-color-scheme.content-override": 1,
                    "ui.prefersReducedMotion": 1,
                    // Clicks count from the first frame of a page on; a person would click later.
                    "dom.input_events.security.minNumTicks": 0,
                    "dom.input_events.security.minTimeElapsedInMS": 0,
                    // Nothing of its own accord.
                    "app.normandy.enabled": false,
                    "network.captive-portal-service.enabled": false,
                    "network.connectivity-service.enabled": false,
                },
            },
        });
        Self::start(command, "Listening on", capabilities, folder).await
    }
}

#[tokio::test]
async fn in_firefox_no_page_shuts_anybody_out() {
    let (site, browser) = (Site::start().await, Browser::open_firefox().await);
    // The tests below open popups.
    for page in site.pages().iter().filter(|page| !page.is_in_a_popup()) {
        page.open(&browser).await;
        let violations = axe::violations(&browser).await;
        assert!(
            violations.is_empty(),
            "{} ({}):\n{}",
            page.heading,
            page.address,
            violations.join("\n")
        );
    }
}

#[tokio::test]
async fn in_firefox_the_popup_hands_over_after_a_click_and_is_closed() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open_firefox().await;
    let address = opener.old_ui(HOME_NAME, &app.url, "stable", TOKEN);
    let popup = Popup::open(&browser, &address).await;
    let notice = browser.text(".notice").await;
    let who = format!("{} asks for your AuthID.", opener.origin(HOME_NAME));
    assert!(notice.starts_with(&who), "{notice}");
    browser.click(".button.primary").await;
    browser.click("#allow").await;
    browser.see_heading("Hand over your AuthID?").await;
    assert_eq!(popup.poll(&browser).await, json!({"wait": "Not ready"}));
    popup.to_popup(&browser).await;
    browser.click(".button.primary").await;
    browser.see_heading("Done: sent to Duplicati").await;
    let authid = browser.value("#authid").await;
    assert_eq!(popup.poll(&browser).await, json!({"authid": authid}));
    assert_eq!(popup.received_and_closed(&browser).await, authid);
    assert_eq!(app.refresh(&authid).await.status, 200);
}

#[tokio::test]
async fn in_firefox_the_popup_posts_the_authid_to_its_own_opener() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open_firefox().await;
    let address = opener.current_ui(LOCALHOST, &app.url);
    let popup = Popup::open(&browser, &address).await;
    log_in_and_be_closed(&browser).await;
    let authid = popup.received_and_closed(&browser).await;
    assert_eq!(app.refresh(&authid).await.status, 200);
}

/// The link at the foot, in the popup: the page still knows its opener.
#[tokio::test]
async fn in_firefox_a_popup_in_another_language_still_knows_its_opener() {
    let (app, opener) = (TestApp::start().await, Opener::start());
    let browser = Browser::open_firefox().await;
    let address = opener.old_ui(HOME_NAME, &app.url, "stable", TOKEN);
    let popup = Popup::open(&browser, &address).await;
    browser.click("a[hreflang=de]").await;
    browser.see_heading("Bei Test storage anmelden").await;
    let notice = browser.text(".notice").await;
    let who = format!("{} bittet um Ihre AuthID.", opener.origin(HOME_NAME));
    assert!(notice.starts_with(&who), "{notice}");
    browser.click(".button.primary").await;
    browser.click("#allow").await;
    browser.see_heading("Ihre AuthID übergeben?").await;
    browser.click(".button.primary").await;
    browser.see_heading("Fertig: an Duplicati gesendet").await;
    let authid = browser.value("#authid").await;
    assert_eq!(popup.poll(&browser).await, json!({"authid": authid}));
    assert_eq!(popup.received_and_closed(&browser).await, authid);
}
