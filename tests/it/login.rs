//! Logging in, as a browser lives it.

use std::collections::BTreeSet;

use crate::support::{Answer, Browser, TestApp, authid_on, begin, get, parameter};

pub fn assert_not_begun(page: &Answer) {
    assert_eq!(page.status, 400, "{page:?}");
    assert!(page.body.contains("can't be finished"), "{page:?}");
    assert!(!page.body.contains("v2:"), "{page:?}");
}

#[tokio::test]
async fn a_login_gives_an_authid_that_refreshes() {
    let app = TestApp::start().await;
    for service in ["stable", "single-use"] {
        let authid = app.authid(service).await;
        assert!(authid.starts_with(&format!("v2:{service}:")), "{authid}");
        let answer = app.refresh(&authid).await.good();
        let json = answer.json();
        assert_eq!(json["type"], service);
        assert_eq!(json["expires"], 3600);
        assert_eq!(json["v2_authid"].is_string(), service == "single-use");
    }
}

#[tokio::test]
async fn the_page_with_the_authid_is_kept_and_told_nowhere() {
    let app = TestApp::start().await;
    let page = app.log_in("stable").await;
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("x-frame-options"), "DENY");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    for lax in ["unsafe", "*", "http:", "data:"] {
        assert!(!policy.contains(lax), "{policy}");
    }
}

#[tokio::test]
async fn a_callback_is_refused_without_the_cookie_of_its_login() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let request = begin(&app, &mut browser, "stable").await;
    let callback = app.allow(&request).await;

    assert_not_begun(&get(&callback, &[]).await);
    for query in ["", "?code=x", "?code=x&state=", "?error=x&state=a%0d%0ab"] {
        let page = browser.get(&format!("{}/logged-in{query}", app.url)).await;
        assert_not_begun(&page);
    }
    assert_eq!(app.provider.seen().exchanges, 0);
    assert_eq!(browser.get(&callback).await.status, 200);
}

#[tokio::test]
async fn two_tabs_do_not_collide() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let first = begin(&app, &mut browser, "stable").await;
    let second = begin(&app, &mut browser, "single-use").await;
    assert_eq!(browser.cookies.len(), 2);
    let first = app.allow(&first).await;
    let second = app.allow(&second).await;
    for (callback, service) in [(second, "single-use"), (first, "stable")] {
        let page = browser.get(&callback).await;
        assert!(authid_on(&page.body).starts_with(&format!("v2:{service}:")));
    }
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn reloading_the_result_asks_the_provider_nothing() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let request = begin(&app, &mut browser, "stable").await;
    let callback = app.allow(&request).await;
    assert_eq!(browser.get(&callback).await.status, 200);
    let before = app.provider.seen();
    assert_not_begun(&browser.get(&callback).await);
    assert_eq!(app.provider.seen(), before);
}

#[tokio::test]
async fn state_is_a_short_nonce_and_pkce_goes_where_it_is_taken() {
    let app = TestApp::builder()
        .tables(WITHOUT_PKCE)
        .env("BARE_CLIENT_ID", "bare");
    let app = app
        .env("BARE_CLIENT_SECRET", "never-print-bare")
        .start()
        .await;
    let mut states = BTreeSet::new();
    for _ in 0..20 {
        let request = begin(&app, &mut Browser::default(), "stable").await;
        let state = parameter(&request, "state");
        let is_base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(
            state.len() <= 43 && state.chars().all(is_base64url),
            "{state}"
        );
        assert_eq!(parameter(&request, "code_challenge").len(), 43);
        assert_eq!(parameter(&request, "code_challenge_method"), "S256");
        assert_eq!(parameter(&request, "response_type"), "code");
        assert!(states.insert(state));
    }
    let request = begin(&app, &mut Browser::default(), "bare").await;
    assert!(!request.contains("code_challenge"), "{request}");
}

const WITHOUT_PKCE: &str = r#"
[provider.bare]
name = "Bare"
credentials = ["BARE"]
authorize_url = "https://provider.example/authorize"
token_url = "https://provider.example/token"
refresh_tokens = "stable"
[service.bare]
provider = "bare"
name = "Bare"
"#;
