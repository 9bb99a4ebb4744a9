//! The start page of a server with many services.

use fantoccini::key::Key;
use serde_json::{Value, json};

use super::{
    axe,
    browser::Browser,
    site::{Site, TOKEN},
    support::{TestApp, get},
};

const SHOWN: &str = "
    return [...document.querySelectorAll('.services > li')]
      .filter((item) => item.checkVisibility())
      .map((item) => item.textContent.trim())";

async fn shown(browser: &Browser) -> Vec<String> {
    serde_json::from_value(browser.run(SHOWN).await).unwrap()
}

#[tokio::test]
async fn typing_shortens_a_long_list() {
    let site = Site::start().await;
    let browser = Browser::open().await;
    browser.go(&site.shipped.app.url).await;
    let all = shown(&browser).await;
    assert!(all.len() > 8, "{all:?}");

    browser.fill("#search", "  DRIVE google").await;
    let some = shown(&browser).await;
    assert!(!some.is_empty() && some.len() < all.len(), "{some:?}");
    for name in &some {
        assert!(name.contains("Google") && name.contains("Drive"), "{name}");
    }
    let status = browser.text("[role=status]").await;
    assert_eq!(status, "Press Enter to open it.");

    browser.fill("#search", "zzz").await;
    assert!(shown(&browser).await.is_empty());
    let status = browser.text("[role=status]").await;
    assert_eq!(status, "No matching service.");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        let violations = axe::violations(&browser).await;
        assert!(violations.is_empty(), "{scheme}: {violations:?}");
    }

    browser.find("#search").await.clear().await.unwrap();
    browser.fill("#search", "dropbox").await;
    let status = browser.text("[role=status]").await;
    assert_eq!(status, "Press Enter to open it.");
}

#[tokio::test]
async fn what_was_chosen_comes_first_in_this_browser_until_it_is_forgotten() {
    let site = Site::start().await;
    let browser = Browser::open().await;
    let url = &site.shipped.app.url;
    browser.go(url).await;
    let before = shown(&browser).await;
    for id in ["dropbox", "pcloud", "dropbox"] {
        browser.click(&format!("a[data-service='{id}']")).await;
        browser.go(url).await;
    }
    let after = shown(&browser).await;
    // In front of the name stand the initials on its seal.
    assert!(after[0].ends_with("Dropbox"), "{after:?}");
    assert!(after[1].ends_with("pCloud"), "{after:?}");
    assert_eq!(after.len(), before.len());
    let violations = axe::violations(&browser).await;
    assert!(violations.is_empty(), "{violations:?}");

    browser.click(".recent button").await;
    browser.go(url).await;
    assert_eq!(shown(&browser).await, before);
}

/// The shown headings, and the names of the services under the first.
const BEFORE: &str = "
    const shown = [...document.querySelectorAll('.recent h2')].filter((h) => h.checkVisibility());
    const links = document.querySelectorAll('.recent a[data-service]');
    return [shown.map((h) => h.textContent), [...links].map((link) => link.dataset.service)]";

#[tokio::test]
async fn services_of_another_authseal_at_this_origin_hide_none_and_all_used_before_leave_no_others()
{
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.go(&app.url).await;
    for (stored, expected) in [
        (
            json!(["x1", "x2", "x3", "stable"]),
            json!([["Used before in this browser", "All others"], ["stable"]]),
        ),
        (
            json!(["single-use", "stable"]),
            json!([["Used before in this browser"], ["single-use", "stable"]]),
        ),
    ] {
        let store = format!("localStorage.setItem('authseal services', '{stored}')");
        browser.run(&store).await;
        browser.go(&app.url).await;
        assert_eq!(browser.run(BEFORE).await, expected);
    }
    browser.go(&app.url).await;
    browser.click("a[data-service='stable']").await;
    browser.go(&app.url).await;
    let stored = "return JSON.parse(localStorage.getItem('authseal services'))";
    assert_eq!(browser.run(stored).await, json!(["stable", "single-use"]));
}

#[tokio::test]
async fn without_scripts_the_whole_list_is_there_and_no_field_that_does_nothing() {
    let site = Site::start().await;
    let browser = Browser::open().await;
    browser.disable_scripts().await;
    browser.go(&site.shipped.app.url).await;
    let all = shown(&browser).await;
    assert!(all.len() > 8, "{all:?}");
    let field = browser.find("#search").await;
    assert!(!field.is_displayed().await.unwrap());
}

#[tokio::test]
async fn a_short_list_has_no_search() {
    let site = Site::start().await;
    let few = get(&site.app.url, &[]).await;
    let one = get(&format!("{}/?type=dropbox", site.shipped.app.url), &[]).await;
    for page in [few, one] {
        assert!(!page.body.contains("id=\"search\""), "{page:?}");
    }
}

#[tokio::test]
async fn a_service_that_was_searched_hands_over_like_any_other() {
    let site = Site::start().await;
    let browser = Browser::open().await;
    let url = &site.shipped.app.url;
    browser.go(&format!("{url}/?token={TOKEN}")).await;
    browser.fill("#search", "dropbox").await;
    browser.press(Key::Enter).await;
    browser.see_heading("Hand over your AuthID?").await;
    browser.click(".button.primary").await;
    browser.see_heading("Done: sent to Duplicati").await;
    let fetched = get(&format!("{url}/fetch?token={TOKEN}"), &[]).await;
    let authid: Value = browser.value("#authid").await.into();
    assert_eq!(fetched.json()["authid"], authid);
}
