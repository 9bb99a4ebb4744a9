//! OAuth libraries of other authors, openid-client and requests-oauthlib, hold an
//! AuthID as their refresh token, and know of authseal what any OAuth server says.

mod library;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::support::{ScriptedProvider, TestApp, answer, emulators::Emulated};
use library::{AUTHENTICATIONS, LIBRARIES, Library, authid, entered, revoke};

const LIFETIME: Duration = Duration::from_secs(3600);

/// The token that a library got, which the demo provider must have accepted.
fn granted(result: &Value) -> Value {
    assert_eq!(result["status"], 200, "{result}");
    let token = &result["token"];
    let token_type = token["token_type"].as_str().unwrap();
    assert!(token_type.eq_ignore_ascii_case("bearer"), "{result}");
    assert_eq!(token["expires_in"], 3600, "{result}");
    token.clone()
}

/// A library's own error, of this code and with words that help.
fn assert_failed(library: Library, result: &Value, code: &str, helps: &str) {
    let failure = &result["failure"];
    assert_eq!(failure["error"], code, "{library:?}: {result}");
    assert_eq!(failure["class"], library.failure(code), "{result}");
    let description = failure["error_description"].as_str().unwrap();
    assert!(description.contains(helps), "{library:?}: {result}");
    if library == Library::OpenidClient {
        let is_later = code == "temporarily_unavailable";
        let status = if is_later { 503 } else { 400 };
        assert_eq!(failure["status"], status, "{result}");
    }
}

/// Another server with the same keys and providers, which knows nothing else.
async fn another(app: &TestApp) -> TestApp {
    let tables = app.keys_dir.with_file_name("providers.toml");
    let another = TestApp::builder()
        .env("AUTHSEAL_KEYS_DIR", app.keys_dir.to_str().unwrap())
        .env("AUTHSEAL_PROVIDERS", tables.to_str().unwrap())
        .start()
        .await;
    let late = app.clock.now().since(another.clock.now());
    another.clock.advance(late);
    another
}

#[tokio::test]
async fn each_library_refreshes_however_it_authenticates() {
    for library in LIBRARIES {
        let app = TestApp::start().await;
        let mut token = entered(&app.authid("stable").await);
        for (refreshed, authentication) in AUTHENTICATIONS.into_iter().enumerate() {
            let asked = json!({
                "issuer": app.url,
                "authentication": authentication,
                "token": token,
                "scope": "files",
                "resource": app.provider.url("/files"),
            });
            let result = granted(&library.refresh_as(asked).await);
            assert_eq!(authid(&result), authid(&token));
            assert_ne!(result["access_token"], token["access_token"]);
            token = result;
            assert_eq!(app.provider.seen().refreshes, 1 + refreshed as u64);
            app.clock.advance(LIFETIME);
        }
    }
}

#[tokio::test]
async fn each_library_keeps_up_with_single_use_refresh_tokens() {
    for library in LIBRARIES {
        let app = TestApp::start().await;
        let files = app.provider.url("/files");
        let mut token = entered(&app.authid("single-use").await);
        for generation in 1..=3 {
            let result = library.refresh(&app.url, &files, &token).await;
            let next = granted(&result);
            assert_eq!(app.open(authid(&next)).generation, generation);
            assert_ne!(next["access_token"], token["access_token"]);
            // Before the access token is too old, there is nothing to rotate.
            let again = granted(&library.refresh(&app.url, &files, &next).await);
            for name in ["access_token", "refresh_token"] {
                assert_eq!(again[name], next[name], "{library:?}");
            }
            token = again;
            app.clock.advance(LIFETIME);
        }
        let another = another(&app).await;
        let result = library.refresh(&another.url, &files, &token).await;
        assert_eq!(app.open(authid(&granted(&result))).generation, 4);
        let seen = app.provider.seen();
        assert_eq!((seen.refreshes, seen.replays), (4, 0), "{library:?}");
        assert_eq!(another.provider.seen().refreshes, 0);
    }
}

#[tokio::test]
async fn under_a_prefix_openid_client_finds_its_way() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}/seal", listener.local_addr().unwrap());
    let app = TestApp::builder()
        .listener(listener)
        .env("AUTHSEAL_PUBLIC_URL", &issuer)
        .start()
        .await;
    let refresh_token = app.provider.issue_refresh_token("stable").unwrap();
    let token = entered(&app.seal("stable", &refresh_token));
    let files = app.provider.url("/files");
    granted(&Library::OpenidClient.refresh(&issuer, &files, &token).await);
}

#[tokio::test]
async fn what_is_no_authid_of_this_server_is_an_invalid_grant() {
    let app = TestApp::start().await;
    let files = app.provider.url("/files");
    let good = app.authid("stable").await;
    let (head, tag) = good.rsplit_once('.').unwrap();
    let tampered = format!("{head}.{}", tag.chars().rev().collect::<String>());
    let elsewhere = TestApp::start().await.authid("stable").await;
    for library in LIBRARIES {
        for authid in [&tampered, &elsewhere] {
            let result = library.refresh(&app.url, &files, &entered(authid)).await;
            assert_failed(library, &result, "invalid_grant", "Log in again");
        }
    }
    assert_eq!(app.provider.seen().refreshes, 0);
}

#[tokio::test]
async fn another_scope_is_an_invalid_scope() {
    let app = TestApp::start().await;
    let token = entered(&app.authid("stable").await);
    for library in LIBRARIES {
        let asked = json!({
            "issuer": app.url,
            "authentication": "none",
            "token": token,
            "scope": "files contacts",
            "resource": app.provider.url("/files"),
        });
        let result = library.refresh_as(asked).await;
        assert_failed(library, &result, "invalid_scope", "Leave scope out");
    }
    assert_eq!(app.provider.seen().refreshes, 0);
}

#[tokio::test]
async fn a_provider_that_is_down_is_temporarily_unavailable() {
    for library in LIBRARIES {
        let provider = ScriptedProvider::start(|_| answer("500 Internal Server Error", "", ""));
        let app = TestApp::builder().scripted(&provider, "stable");
        let app = app.start().await;
        let token = entered(&app.seal("scripted", "never-print-refresh"));
        let files = app.provider.url("/files");
        let result = library.refresh(&app.url, &files, &token).await;
        assert_failed(library, &result, "temporarily_unavailable", "later");
        assert!(!provider.asked().is_empty());
    }
}

#[tokio::test]
async fn openid_client_ends_a_login_at_its_provider() {
    let emulated = Emulated::start(&["google", "microsoft"]).await;
    let (url, books) = (&emulated.app.url, emulated.at("google").books());
    for authentication in AUTHENTICATIONS {
        let token = entered(&emulated.credential("googledrive").await);
        let asked = json!({ "issuer": url, "authentication": authentication, "token": token });
        let token = Library::OpenidClient.refresh_as(asked).await["token"].clone();
        assert!(books.accepts(token["access_token"].as_str().unwrap()));
        assert_eq!(revoke(url, authentication, &token).await, json!({}));
        assert_eq!(books.live_grants(), 0, "{authentication}");
        for library in LIBRARIES {
            let result = library.refresh(url, url, &token).await;
            assert_failed(library, &result, "invalid_grant", "Log in again");
        }
    }
    let token = entered(&emulated.credential("onedrivev2").await);
    let failure = &revoke(url, "none", &token).await["failure"];
    assert_eq!(failure["error"], "unsupported_token_type", "{failure}");
    assert_eq!(failure["class"], "ResponseBodyError");
}
