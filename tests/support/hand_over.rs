//! A login that hands the AuthID to the program that opened the start page with a
//! token, as Duplicati's old web UI does.

use serde_json::{Value, json};

use super::{Answer, Browser, TestApp, get, login_link};

/// As Duplicati makes them up.
pub const TOKEN: &str = "4k9x2m7q1z8w5v3t6y0u";

/// The start page, opened with this token.
pub async fn open(app: &TestApp, browser: &mut Browser, token: &str) -> Answer {
    let start = format!("{}/?type=stable&token={token}", app.url);
    browser.get(&start).await
}

/// Logs in from there, and returns the page that asks who gets the AuthID.
pub async fn log_in(app: &TestApp, browser: &mut Browser, token: &str) -> Answer {
    let start = open(app, browser, token).await;
    app.log_in_by(browser, &login_link(&start.body)).await
}

/// The same, and the click: the last page.
pub async fn log_in_and_confirm(app: &TestApp, token: &str) -> Answer {
    let mut browser = Browser::default();
    let page = log_in(app, &mut browser, token).await;
    app.hand_over(&mut browser, &page).await
}

pub async fn fetch(app: &TestApp, token: &str) -> Value {
    let url = format!("{}/fetch?token={token}", app.url);
    get(&url, &[]).await.json()
}

pub async fn state(app: &TestApp, token: &str) -> Value {
    let url = format!("{}/token-state?token={token}", app.url);
    get(&url, &[]).await.json()
}

pub fn no_such_entry() -> Value {
    json!({"error": "No such entry"})
}

pub fn not_ready() -> Value {
    json!({"wait": "Not ready"})
}

/// The cookie never has the token, comes only along with links on our own pages, and lasts
/// this many seconds.
pub fn assert_strict(cookie: &str, max_age: u32, is_secure: bool) {
    assert!(!cookie.contains(TOKEN), "{cookie}");
    let mut attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
    attributes.sort_unstable();
    let max_age = format!("Max-Age={max_age}");
    let mut expected = vec!["HttpOnly", &max_age, "Path=/", "SameSite=Strict"];
    expected.extend(is_secure.then_some("Secure"));
    assert_eq!(attributes, expected);
}
