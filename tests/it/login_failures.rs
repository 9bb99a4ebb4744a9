//! Logins that lead to no AuthID, and what the person reads.

use crate::support::{
    Answer, Browser, CLIENT_SECRET, Piece, ScriptedProvider, TestApp, answer, begin, callback, get,
    json, tokens,
};

const ATTACK: &str = "<script>alert(1)</script>\"'&";
const ESCAPED: &str = "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;";

/// One login at a provider that answers the exchange like this.
async fn log_in_with(pieces: Vec<Piece>) -> Answer {
    let provider = ScriptedProvider::start(move |_| pieces.clone());
    let app = TestApp::builder()
        .scripted(&provider, "stable")
        .start()
        .await;
    let mut browser = Browser::default();
    let request = begin(&app, &mut browser, "scripted").await;
    let page = browser
        .get(&callback(&app, &request, "code=never-print-code"))
        .await;
    assert_eq!(provider.asked().len(), 1);
    assert!(browser.cookies.is_empty(), "the cookie has served");
    page
}

#[tokio::test]
async fn a_person_who_refuses_can_try_again() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let request = begin(&app, &mut browser, "stable").await;
    let callback = callback(&app, &request, "error=access_denied&error_description=No.");
    let page = browser.get(&callback).await;
    assert_eq!(page.status, 400, "{page:?}");
    assert!(page.body.contains("access_denied</code> No."), "{page:?}");
    assert!(page.body.contains("href=\"/login?id=stable\""), "{page:?}");
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn a_providers_words_are_shown_escaped_and_only_in_their_own_login() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let request = begin(&app, &mut browser, "stable").await;
    let attack: String = form_urlencoded::byte_serialize(ATTACK.as_bytes()).collect();
    let query = format!("error={attack}&error_description={attack}");
    let callback = callback(&app, &request, &query);

    let elsewhere = get(&callback, &[]).await;
    assert_eq!(elsewhere.status, 400);
    assert!(!elsewhere.body.contains("alert"), "{elsewhere:?}");
    let page = browser.get(&callback).await;
    assert_eq!(page.status, 400);
    assert_eq!(page.body.matches(ESCAPED).count(), 2, "{page:?}");
    assert!(!page.body.contains("<script>"), "{page:?}");
}

#[tokio::test]
async fn without_a_refresh_token_the_page_says_where_to_remove_the_application() {
    for refresh_token in [None, Some("")] {
        let page = log_in_with(tokens("never-print-access", refresh_token)).await;
        assert_eq!(page.status, 503, "{page:?}");
        let manage_url = "href=\"https://provider.example/connected-apps\"";
        assert!(page.body.contains(manage_url), "{page:?}");
        assert!(page.body.contains("/login?id=scripted"), "{page:?}");
        assert!(!page.body.contains("never-print"), "{page:?}");
    }
}

#[tokio::test]
async fn an_exchange_that_fails_is_explained_without_secrets() {
    let error = |status, error: &str| {
        let words = format!("never-print-code {CLIENT_SECRET}");
        let body = serde_json::json!({"error": error, "error_description": words});
        json(status, &body.to_string())
    };
    let html = answer("200 OK", "", "<html>never-print-access</html>");
    for (pieces, status, hint) in [
        (
            error("400 Bad Request", "invalid_grant"),
            503,
            "invalid_grant",
        ),
        (
            error("401 Unauthorized", "invalid_client"),
            503,
            "client id or secret",
        ),
        (error("500 Oops", "server_error"), 503, "HTTP 500"),
        (html, 503, "is no token response"),
        (vec![], 503, "closed the connection"),
    ] {
        let page = log_in_with(pieces).await;
        assert_eq!(page.status, status, "{hint}: {page:?}");
        assert!(page.body.contains(hint), "{hint}: {page:?}");
        assert!(page.body.contains("/login?id=scripted"), "{page:?}");
        assert!(!page.body.contains("never-print"), "{page:?}");
        assert!(!page.body.contains(CLIENT_SECRET), "{page:?}");
    }
}

#[tokio::test]
async fn a_service_that_is_not_offered_cannot_be_logged_in_to() {
    let app = TestApp::start().await;
    for id in ["nowhere", "", "googledrive", "%3Cscript%3E"] {
        let page = get(&format!("{}/login?id={id}", app.url), &[]).await;
        assert_eq!(page.status, 404, "{id}: {page:?}");
        assert_eq!(page.header("set-cookie"), "");
        assert!(page.body.contains("href=\"/\""), "{page:?}");
    }
}
