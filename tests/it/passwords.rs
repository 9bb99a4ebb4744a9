//! LOGIN_PASSWORD: one shared password before the pages, and what it costs to guess.

use std::time::Duration;

use crate::support::{Answer, Browser, TestApp, TestAppBuilder, authid_on, get, login_link};

pub const PASSWORD: &str = "never-print password";

fn with_password() -> TestAppBuilder {
    TestApp::builder().env("AUTHSEAL_LOGIN_PASSWORD", PASSWORD)
}

/// What the form on a password page sends.
fn next(page: &Answer) -> String {
    let (_, rest) = page
        .body
        .split_once("name=\"next\" value=\"")
        .expect("a password page");
    let (next, _) = rest.split_once('"').unwrap();
    next.replace("&#38;", "&")
}

/// Types a password into the page.
pub async fn enter(app: &TestApp, browser: &mut Browser, page: &Answer, password: &str) -> Answer {
    let fields = [("next", next(page)), ("password", password.to_owned())];
    let fields = fields
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    browser
        .post(&format!("{}/password", app.url), &fields)
        .await
}

#[tokio::test]
async fn who_knows_the_password_goes_where_he_wanted_to_go() {
    let app = with_password().start().await;
    for path in ["/", "/?type=stable", "/login?id=stable", "/revoke"] {
        // So that the guesses before are forgotten.
        app.clock.advance(Duration::from_secs(60));
        let mut browser = Browser::default();
        let asked = browser.get(&format!("{}{path}", app.url)).await;
        assert_eq!(asked.status, 403, "{path}");
        assert!(asked.body.contains("type=\"password\""), "{asked:?}");
        let wrong = enter(&app, &mut browser, &asked, "something else").await;
        assert_eq!(wrong.status, 403);
        assert!(wrong.body.contains("Wrong password"), "{wrong:?}");
        let entered = enter(&app, &mut browser, &wrong, PASSWORD).await;
        assert_eq!(entered.status, 303, "{entered:?}");
        assert_eq!(entered.header("location"), path);
        let page = browser.get(&format!("{}{path}", app.url)).await;
        assert!([200, 302].contains(&page.status.as_u16()), "{page:?}");
    }
}

#[tokio::test]
async fn the_program_that_opened_the_page_still_gets_the_authid() {
    let app = with_password().start().await;
    let mut browser = Browser::default();
    let start = format!("{}/?type=stable", app.url);
    let asked = browser
        .get_from("http://localhost:8200/ngclient/", &start)
        .await;
    let entered = enter(&app, &mut browser, &asked, PASSWORD).await;
    let start = format!("{}{}", app.url, entered.header("location"));
    let start = browser.get_from(&app.url, &start).await;
    let page = app.log_in_by(&mut browser, &login_link(&start.body)).await;
    authid_on(&page.body);
    let origin = "data-origin=\"http://localhost:8200\"";
    assert!(page.body.contains(origin), "{page:?}");
}

#[tokio::test]
async fn a_hand_over_survives_the_password_too() {
    let app = with_password().start().await;
    let token = "4k9x2m7q1z8w5v3t6y0u";
    let mut browser = Browser::default();
    let asked = browser
        .get(&format!("{}/?type=stable&token={token}", app.url))
        .await;
    let fetch = format!("{}/fetch?token={token}", app.url);
    assert!(get(&fetch, &[]).await.body.contains("wait"));
    let entered = enter(&app, &mut browser, &asked, PASSWORD).await;
    let start = format!("{}{}", app.url, entered.header("location"));
    let start = browser.get(&start).await;
    let page = app.log_in_by(&mut browser, &login_link(&start.body)).await;
    app.hand_over(&mut browser, &page).await;
    assert!(get(&fetch, &[]).await.body.contains("v2:stable:"));
}

#[tokio::test]
async fn guesses_from_one_address_become_slow() {
    let app = with_password().start().await;
    let mut browser = Browser::default();
    let asked = browser.get(&app.url).await;
    for _ in 0..5 {
        let answer = enter(&app, &mut browser, &asked, "a guess").await;
        assert_eq!(answer.status, 403);
    }
    // The right one is not even looked at.
    let refused = enter(&app, &mut browser, &asked, PASSWORD).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), "15");
    assert!(refused.body.contains("in 15 seconds"), "{refused:?}");
    app.clock.advance(Duration::from_secs(15));
    assert_eq!(
        enter(&app, &mut browser, &asked, PASSWORD).await.status,
        303
    );
}

#[tokio::test]
async fn a_session_ends_with_its_time_its_password_and_its_key() {
    let app = with_password().start().await;
    let mut browser = Browser::default();
    let asked = browser.get(&app.url).await;
    enter(&app, &mut browser, &asked, PASSWORD).await;
    assert_eq!(browser.get(&app.url).await.status, 200);

    let keys = app.app.keyring.current();
    let keys: Vec<_> = keys
        .iter()
        .map(|key| key.to_json().expose().to_owned())
        .collect();
    let keys = format!("{{\"keys\":[{}]}}", keys.join(","));
    let same_keys = |password: &str| {
        let app = TestApp::builder().env("AUTHSEAL_KEYS_DIR", "");
        app.env("AUTHSEAL_KEYS", &keys)
            .env("AUTHSEAL_LOGIN_PASSWORD", password)
    };
    let replica = same_keys(PASSWORD).start().await;
    assert_eq!(browser.get(&replica.url).await.status, 200);
    let changed = same_keys("never-print another").start().await;
    assert_eq!(browser.get(&changed.url).await.status, 403);
    let other_keys = with_password().start().await;
    assert_eq!(browser.get(&other_keys.url).await.status, 403);

    app.clock.advance(Duration::from_secs(12 * 60 * 60));
    assert_eq!(browser.get(&app.url).await.status, 403);
}

#[tokio::test]
async fn nothing_sealed_for_another_purpose_passes_for_a_session() {
    let app = with_password().start().await;
    let open = TestApp::start().await;
    let begun = get(&format!("{}/login?id=stable", open.url), &[]).await;
    let (_, value) = begun.header("set-cookie").split_once('=').unwrap();
    let value = value.split(';').next().unwrap();
    for value in [value, "", "x", "a.b", &"x".repeat(5000)] {
        let cookie = format!("authseal-session={value}");
        assert_eq!(get(&app.url, &[("cookie", &cookie)]).await.status, 403);
    }
}
