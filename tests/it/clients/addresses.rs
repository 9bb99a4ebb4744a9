//! What users write as `--oauth-url`: old servers took a slash at the end and any case, and
//! Duplicati's web UIs cut `/refresh` off.

use http::{Method, Request};
use http_body_util::Full;

use super::super::authid::app;
use crate::support::{Answer, ScriptedProvider, TestApp, get, post_form, send, tokens};

/// Endings of an oauth-url. Whoever sends an AuthID there wants an access token.
const ENDINGS: [&str; 12] = [
    "",
    "/",
    "/refresh",
    "/refresh/",
    "/Refresh",
    "/REFRESH",
    "/Refresh/",
    "//refresh",
    "//refresh/",
    "/?type=scripted",
    "/refresh?type=scripted",
    "/refresh/?type=scripted",
];

/// An endpoint that is asked with an AuthID answers a program, not a browser.
fn is_page(answer: &Answer) -> bool {
    answer.header("content-type").contains("html") || answer.body.contains("<html")
}

/// The addresses whose answer to this AuthID is not that of `/refresh`.
async fn others(app: &TestApp, prefix: &str, authid: &str) -> Vec<String> {
    let wanted = app.refresh(authid).await;
    let mut others = Vec::new();
    for ending in ENDINGS {
        let url = format!("{}{prefix}{ending}", app.url);
        let answer = get(&url, &[("X-AuthID", authid)]).await;
        let is_same = answer.status == wanted.status
            && answer.body == wanted.body
            && answer.header("x-reason") == wanted.header("x-reason");
        if !is_same || is_page(&answer) {
            others.push(format!("{prefix}{ending} is {}", answer.status));
        }
    }
    others
}

#[tokio::test]
async fn an_authid_is_traded_wherever_an_oauth_url_may_end() {
    let (app, _provider) = app().await;
    let authid = app.seal("scripted", "never-print-refresh");
    assert_eq!(app.refresh(&authid).await.status, 200);
    assert_eq!(others(&app, "", &authid).await, [""; 0]);
}

#[tokio::test]
async fn so_it_is_below_a_prefix_that_the_proxy_keeps() {
    let provider = ScriptedProvider::start(|_| tokens("never-print-access", None));
    let app = TestApp::builder()
        .scripted(&provider, "stable")
        .env("AUTHSEAL_PUBLIC_URL", "https://auth.example/seal");
    let app = app.start().await;
    let authid = app.seal("scripted", "never-print-refresh");
    assert_eq!(others(&app, "/seal", &authid).await, [""; 0]);
}

#[tokio::test]
async fn an_authid_that_is_refused_gets_the_same_answer_at_all_of_them() {
    let (app, _provider) = app().await;
    for authid in ["v2:scripted:cut", "\"", ""] {
        assert_eq!(others(&app, "", authid).await, [""; 0], "{authid:?}");
    }
}

#[tokio::test]
async fn a_form_is_taken_at_every_spelling_of_refresh() {
    let (app, _provider) = app().await;
    let authid = app.seal("scripted", "never-print-refresh");
    for path in ["/refresh/", "/Refresh", "//refresh"] {
        let url = format!("{}{path}", app.url);
        let answer = post_form(&url, &[("authid", &authid)]).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_address_that_is_wrong_gives_a_reason_and_no_page_to_who_has_an_authid() {
    let (app, _provider) = app().await;
    let authid = app.seal("scripted", "never-print-refresh");
    for path in ["/refresh/more", "/oauth/refresh", "/refreshed"] {
        let answer = get(&format!("{}{path}", app.url), &[("X-AuthID", &authid)]).await;
        assert!(!is_page(&answer), "{path}: a page with {}", answer.status);
        assert!(!answer.header("x-reason").is_empty(), "{path}: no reason");
    }
}

#[tokio::test]
async fn a_method_that_is_not_taken_gives_no_page_to_who_has_an_authid() {
    let (app, _provider) = app().await;
    let authid = app.seal("scripted", "never-print-refresh");
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/refresh", app.url))
            .header("X-AuthID", &authid);
        let answer = send(request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.status, 405);
        assert!(!is_page(&answer), "{answer:?}");
    }
}

#[tokio::test]
async fn without_an_authid_the_address_of_duplicatis_own_button_leads_to_the_login() {
    let (app, _provider) = app().await;
    for path in ["/refresh", "/refresh/", "/Refresh", "//refresh"] {
        let answer = get(&format!("{}{path}?type=scripted", app.url), &[]).await;
        assert_eq!(answer.status, 302, "{path}");
        assert_eq!(answer.header("location"), "/?type=scripted", "{path}");
    }
    // A browser that comes to the start page itself sees it.
    let page = get(&format!("{}/?type=scripted", app.url), &[]).await;
    assert!(page.status == 200 && is_page(&page), "{page:?}");
}
