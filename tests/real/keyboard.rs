//! Every page without a mouse.

use fantoccini::{
    actions::{InputSource, KeyAction, KeyActions},
    key::Key,
};

use super::{browser::Browser, site::Site};

/// More than any page has to tab through.
const TABS: usize = 20;

impl Browser {
    /// Presses and releases a key, wherever the focus is.
    pub async fn press(&self, key: Key) {
        let value = char::from(key);
        let keys = KeyActions::new("keyboard".into())
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value });
        self.client.perform_actions(keys).await.unwrap();
    }
}

#[tokio::test]
async fn tab_reaches_what_each_page_is_for_and_shows_where_it_is() {
    let site = Site::start().await;
    let browser = Browser::open().await;
    for page in site.pages() {
        page.open(&browser).await;
        tab_to(&browser, page.primary).await;
    }
}

#[tokio::test]
async fn a_whole_login_needs_no_mouse() {
    let site = Site::start().await;
    let browser = Browser::open().await;
    browser.go(&site.app.url).await;
    for stop in [
        "a.service[href='/login?id=stable']",
        "#allow",
        "button[data-copy]",
    ] {
        browser.find(stop).await;
        tab_to(&browser, stop).await;
        browser.press(Key::Enter).await;
    }
    browser.see_text("authid-status", "Copied").await;
}

/// Presses Tab until the focus is there. It must be visible wherever it goes.
async fn tab_to(browser: &Browser, css: &str) {
    let mut passed = Vec::new();
    while passed.len() < TABS {
        browser.press(Key::Tab).await;
        let script = format!(
            "const at = document.activeElement;
             const {{ outlineStyle, outlineWidth }} = getComputedStyle(at);
             if (at === document.body) return null;
             return [at.matches({css:?}), at.outerHTML.slice(0, 80), outlineStyle, outlineWidth]"
        );
        let at = browser.run(&script).await;
        // After the last element comes nothing, and then the first again.
        let visible = at.is_null() || at[2] != "none" && at[3] != "0px";
        assert!(visible, "no outline: {at}");
        if at[0] == true {
            return;
        }
        passed.push(at);
    }
    panic!("Tab does not reach {css}, only {passed:#?}");
}
