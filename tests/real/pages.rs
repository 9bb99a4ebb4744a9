//! Every page, for everybody: light and dark, popup, phone and desktop, without a
//! script, and with nothing from elsewhere.

use serde_json::json;

use super::{
    axe,
    browser::Browser,
    page::Page,
    site::{LANGUAGES, Site},
    support::TestApp,
};

/// Duplicati's popup, and a desktop.
const SIZES: [(u32, u32); 2] = [(450, 600), (1280, 900)];
const PHONE: (u32, u32) = (360, 640);

/// The elements that stick out of the window, even where that is cut off. What is
/// for screen readers only takes one pixel and doesn't count.
const OUTSIDE: &str = "
    const { clientWidth, scrollWidth } = document.documentElement;
    return [...document.querySelectorAll('body *:not(.unseen)')]
      .filter((element) => element.getBoundingClientRect().right > clientWidth)
      .map((element) => element.outerHTML)
      .concat(scrollWidth > clientWidth ? ['the page scrolls'] : []);";

#[tokio::test]
async fn no_page_shuts_anybody_out() {
    let site = Site::start().await;
    let browser = Browser::open().await;
    for page in site.pages() {
        page.open(&browser).await;
        for scheme in ["light", "dark"] {
            browser.prefer(scheme).await;
            for (width, height) in SIZES {
                browser.resize(width, height).await;
                let violations = axe::violations(&browser).await;
                assert!(
                    violations.is_empty(),
                    "{} ({}), {scheme}, {width}×{height}:\n{}",
                    page.heading,
                    page.address,
                    violations.join("\n")
                );
            }
        }
    }
}

#[tokio::test]
async fn a_page_that_shuts_people_out_would_be_found() {
    let site = Site::start().await;
    let browser = Browser::open().await;
    browser.go(&site.app.url).await;
    browser.prefer("dark").await;
    browser
        .run("document.querySelector('.lead').style.color = '#222'")
        .await;
    let violations = axe::violations(&browser).await.join("\n");
    assert!(violations.starts_with("color-contrast"), "{violations}");
}

#[tokio::test]
async fn a_page_that_asks_elsewhere_would_be_found() {
    let site = Site::start().await;
    let browser = Browser::open().await;
    browser.go(&site.app.url).await;
    browser
        .run("new Image().src = 'http://elsewhere.example/'")
        .await;
    let complaints = json!(browser.complaints().await).to_string();
    assert!(complaints.contains("elsewhere.example"), "{complaints}");
}

/// One walk, because a walk through all pages takes a minute.
#[tokio::test]
async fn no_page_is_heavy_scrolls_sideways_or_asks_elsewhere_in_any_language() {
    for language in LANGUAGES {
        // What was renewed or revoked in one language is no more in the other.
        let site = Site::start().await;
        let browser = Browser::open_in(language).await;
        for page in site.pages() {
            page.open_in(&browser, language).await;
            asks_nobody_else(&browser, &page).await;
            is_light(&browser, &page).await;
            browser.resize(PHONE.0, PHONE.1).await;
            let outside = browser.run(OUTSIDE).await;
            assert_eq!(outside, json!([]), "{language}: {}", page.heading);
        }
    }
}

/// Checks that a page asks its own server alone, and that the console stays empty.
async fn asks_nobody_else(browser: &Browser, page: &Page) {
    let origin = &page.server;
    let requests = browser.requests().await;
    let ours: Vec<&String> = requests
        .iter()
        .filter(|(document, _)| document.starts_with(origin))
        .map(|(_, address)| address)
        .collect();
    assert!(
        ours.iter().any(|address| address.ends_with("/style.css")),
        "{requests:?}"
    );
    // A login begins here and is redirected: that is the provider's document.
    // Chromium's own icon of a date field is a data: URL, for which nobody is asked.
    let elsewhere = ours
        .iter()
        .find(|address| !address.starts_with(origin) && !address.starts_with("data:image/svg"));
    assert_eq!(elsewhere, None, "{}", page.heading);
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{}: {complaints:?}", page.heading);
}

/// Checks for thirty kilobytes all told: page, style, script and pictures.
async fn is_light(browser: &Browser, page: &Page) {
    const WEIGHT: &str = "
        return performance.getEntriesByType('navigation')
          .concat(performance.getEntriesByType('resource'))
          .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0)";
    let weight = browser.run(WEIGHT).await.as_u64().unwrap();
    let is_light = weight > 0 && weight < 30 * 1024;
    assert!(is_light, "{}: {weight}", page.heading);
}

/// The popup may be closed at any moment, and nobody scrolls before that.
#[tokio::test]
async fn in_a_popup_what_to_do_and_what_to_copy_is_seen_without_scrolling() {
    const BELOW: &str = "
        scrollTo(0, 0);
        return [...document.querySelectorAll('.lead, .facts')]
          .filter((element) => element.getBoundingClientRect().bottom > innerHeight)
          .map((element) => element.outerHTML);";
    let site = Site::start().await;
    let browser = Browser::open().await;
    for page in site.popups() {
        page.open(&browser).await;
        browser.resize(SIZES[0].0, SIZES[0].1).await;
        assert_eq!(browser.run(BELOW).await, json!([]), "{}", page.heading);
    }
}

#[tokio::test]
async fn without_scripts_the_authid_stands_on_the_page() {
    let site = Site::start().await;
    let browser = Browser::open().await;
    browser.disable_scripts().await;
    browser.go(&site.app.url).await;
    browser.click("a.service[href='/login?id=stable']").await;
    browser.click("#allow").await;
    browser.see_heading("Your AuthID is ready").await;
    assert!(browser.find("#authid").await.is_displayed().await.unwrap());
    let copy = browser.find("button[data-copy]").await;
    assert!(
        !copy.is_displayed().await.unwrap(),
        "a button that would do nothing"
    );
    let authid = browser.value("#authid").await;
    assert_eq!(site.app.refresh(&authid).await.status, 200);
}

#[tokio::test]
async fn a_second_link_with_a_code_in_the_same_tab_takes_the_place_of_the_first() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    for code in ["first", "second"] {
        browser.go(&format!("{}/collect#{code}", app.url)).await;
        // The browser tells the page of a new fragment later.
        let taken = format!(
            "new Promise((done) => {{
               const field = document.querySelector('#code');
               const look = () => field.value === '{code}' ? done() : requestAnimationFrame(look);
               look();
             }})"
        );
        browser.run_async(&taken).await;
        let hash = browser.run("return location.hash").await;
        assert_eq!(hash, "");
    }
}
