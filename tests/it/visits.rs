//! A login hands something over only when it was begun on our own page, which
//! said so, and in the browser that saw it.

use std::time::Duration;

use crate::support::{
    Answer, Browser, TestApp, authid_on,
    hand_over::{TOKEN, assert_strict, fetch, not_ready, open},
    login_link, login_links, parameter,
};

/// The result page of a login that hands nothing over, to nobody.
fn assert_for_nobody(page: &Answer) {
    assert_eq!(page.status, 200, "{page:?}");
    for word in ["hand-over", "data-origin", "data-trusted"] {
        assert!(!page.body.contains(word), "{word}: {page:?}");
    }
    authid_on(&page.body);
}

/// A login with this for the visit's cookie hands nothing over.
async fn assert_no_visit(app: &TestApp, nonce: &str, sealed: String) {
    let cookie = (format!("authseal-visit-{nonce}"), sealed);
    let mut forged = Browser {
        cookies: [cookie].into(),
        ..Browser::default()
    };
    let link = format!("/login?id=stable&visit={nonce}");
    assert_for_nobody(&app.log_in_by(&mut forged, &link).await);
}

/// Opens the page with a token and begins a login there; the link to it, and its state.
async fn begin_from_a_visit(app: &TestApp, browser: &mut Browser) -> (String, String) {
    let link = login_link(&open(app, browser, TOKEN).await.body);
    let begun = browser.get(&format!("{}{link}", app.url)).await;
    let state = parameter(begun.header("location"), "state");
    (link, state)
}

#[tokio::test]
async fn whoever_wants_to_hand_nothing_over_logs_in_all_the_same() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let start = open(&app, &mut browser, TOKEN).await;
    let links: Vec<String> = login_links(&start.body).collect();
    let alone = "/login?id=stable&send=no";
    assert_eq!((links.len(), links[1].as_str()), (2, alone));
    let page = app.log_in_by(&mut browser, alone).await;
    assert_for_nobody(&page);
    assert!(!page.body.contains("data-post"), "no address: {page:?}");
    assert_eq!(fetch(&app, TOKEN).await, not_ready());
    let authid = authid_on(&page.body);
    assert_eq!(app.refresh(&authid).await.status, 200);
}

/// An attacker opens the page with a token of their own, then sends a victim the
/// link that stands there.
#[tokio::test]
async fn anothers_link_straight_to_the_login_hands_nothing_over() {
    let app = TestApp::start().await;
    let mut attacker = Browser::default();
    let start = open(&app, &mut attacker, TOKEN).await;
    let link = login_link(&start.body);

    let with_a_visit_of_their_own = async {
        let mut victim = Browser::default();
        let evil = "https://evil.example/";
        victim.get_from(evil, &app.url).await;
        victim
    };
    for mut victim in [Browser::default(), with_a_visit_of_their_own.await] {
        let page = app.log_in_by(&mut victim, &link).await;
        assert_for_nobody(&page);
        assert_eq!(fetch(&app, TOKEN).await, not_ready());
    }
    let page = app.log_in_by(&mut attacker, &link).await;
    app.hand_over(&mut attacker, &page).await;
    let fetched = fetch(&app, TOKEN).await;
    assert_eq!(fetched["authid"], authid_on(&page.body));
}

#[tokio::test]
async fn only_the_visit_that_a_link_names_counts() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let start = open(&app, &mut browser, TOKEN).await;
    let link = login_link(&start.body);
    let visit = parameter(&format!("http://x{link}"), "visit");
    let other: String = visit.chars().rev().collect();
    for wrong in ["", "x", &visit[1..], &other, &format!("{visit}%0d%0a")] {
        let link = format!("/login?id=stable&visit={wrong}");
        assert_for_nobody(&app.log_in_by(&mut browser, &link).await);
    }
    // Under another nonce's name it does not open.
    let (_, sealed) = browser.cookies.first_key_value().unwrap();
    assert_no_visit(&app, &other, sealed.clone()).await;
    assert_eq!(fetch(&app, TOKEN).await, not_ready());
}

#[tokio::test]
async fn the_cookie_of_a_login_is_none_of_a_visit() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let (_, state) = begin_from_a_visit(&app, &mut browser).await;
    let login = browser.cookies[&format!("authseal-{state}")].clone();
    assert_no_visit(&app, &state, login).await;
}

#[tokio::test]
async fn a_visit_lasts_ten_minutes() {
    let app = TestApp::start().await;
    let opener = "http://localhost:8200/";
    for (seconds, lasts) in [(599, true), (600, false)] {
        let mut browser = Browser::default();
        let start = browser.get_from(opener, &app.url).await;
        app.clock.advance(Duration::from_secs(seconds));
        let page = app.log_in_by(&mut browser, &login_link(&start.body)).await;
        assert_eq!(page.body.contains("data-origin"), lasts, "{page:?}");
    }
}

/// Strict: with Lax, a link on a foreign page straight to /login would bring it.
#[tokio::test]
async fn the_cookie_comes_only_along_with_links_on_our_own_page() {
    let https = "https://auth.example/seal";
    for (public_url, prefix, secure) in [
        (None, "authseal-visit-", false),
        (Some(https), "__Host-authseal-visit-", true),
    ] {
        let mut builder = TestApp::builder();
        if let Some(public_url) = public_url {
            builder = builder.env("AUTHSEAL_PUBLIC_URL", public_url);
        }
        let app = builder.start().await;
        let start = open(&app, &mut Browser::default(), TOKEN).await;
        let cookie = start.header("set-cookie");
        assert!(cookie.starts_with(prefix), "{cookie}");
        assert_strict(cookie, 600, secure);
    }
}

#[tokio::test]
async fn whoever_wants_to_hand_nothing_over_is_not_asked_after_a_refusal_either() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let alone = format!("{}/login?id=stable&send=no", app.url);
    let begun = browser.get(&alone).await;
    let state = parameter(begun.header("location"), "state");
    let refused = format!("{}/logged-in?error=access_denied&state={state}", app.url);
    let again = login_link(&browser.get(&refused).await.body);
    let page = app.log_in_by(&mut browser, &again).await;
    assert_for_nobody(&page);
    assert!(!page.body.contains("data-post"), "{page:?}");
}

#[tokio::test]
async fn after_a_refusal_another_try_is_for_the_same_recipients() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let (link, state) = begin_from_a_visit(&app, &mut browser).await;
    let refused = format!("{}/logged-in?error=access_denied&state={state}", app.url);
    let page = browser.get(&refused).await;
    assert_eq!(page.status, 400, "{page:?}");
    let again = login_link(&page.body);
    assert_ne!(again, link, "a visit of its own");

    let page = app.log_in_by(&mut browser, &again).await;
    app.hand_over(&mut browser, &page).await;
    let fetched = fetch(&app, TOKEN).await;
    assert_eq!(fetched["authid"], authid_on(&page.body));
}
