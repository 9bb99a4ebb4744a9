//! `POST /token`: what an OAuth library gets for an AuthID.

use std::time::Duration;

use crate::support::{Answer, TestApp, emulators::Emulated, form_request, post_form, send};

/// The refresh grant with these parameters besides.
pub async fn refresh(url: &str, authid: &str, others: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", authid)];
    form.extend_from_slice(others);
    post_form(&format!("{url}/token"), &form).await
}

/// RFC 6749 section 5.1; returns the refresh token.
fn assert_granted(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert!(!body["access_token"].as_str().unwrap().is_empty());
    body["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_authid_is_traded_as_a_refresh_token_is() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    let answer = refresh(&app.url, &authid, &[]).await;
    assert_eq!(assert_granted(&answer), authid);
    // Duplicati's endpoint has the same token from the same cache.
    let same = app.refresh(&authid).await.json();
    assert_eq!(same["access_token"], answer.json()["access_token"]);
    assert_eq!(app.provider.seen().refreshes, 1);
}

#[tokio::test]
async fn client_credentials_are_accepted_and_mean_nothing() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    let in_body = [("client_id", "rclone"), ("client_secret", "anything")];
    assert_granted(&refresh(&app.url, &authid, &in_body).await);
    for credentials in ["Basic cmNsb25lOmFueXRoaW5n", "Basic ???", "Bearer x"] {
        let form = [("grant_type", "refresh_token"), ("refresh_token", &authid)];
        let mut request = form_request(&format!("{}/token", app.url), &form);
        let value = credentials.parse().unwrap();
        request.headers_mut().insert("authorization", value);
        assert_granted(&send(request).await);
    }
}

#[tokio::test]
async fn the_scope_of_the_login_may_be_named_in_any_order() {
    let emulated = Emulated::start(&["dropbox"]).await;
    let authid = emulated.credential("dropbox").await;
    for scope in [
        "files.content.write files.content.read files.metadata.read files.metadata.write",
        "files.metadata.write files.metadata.read  files.content.read files.content.write",
        "",
    ] {
        let answer = refresh(&emulated.app.url, &authid, &[("scope", scope)]).await;
        assert_eq!(answer.status, 200, "{scope}: {answer:?}");
    }
}

#[tokio::test]
async fn whoever_keeps_each_newer_authid_needs_nothing_of_this_server() {
    let short = Duration::from_secs(3600);
    let app = TestApp::builder().access_token_lifetime(short);
    let app = app.start().await;
    let first = app.authid("single-use").await;
    let mut newest = first.clone();
    for generation in 1..=5 {
        let next = assert_granted(&refresh(&app.url, &newest, &[]).await);
        assert_eq!(app.open(&next).generation, generation);
        // What a server knows that has never seen the login.
        newest = app.reseal(&app.open(&next));
        app.clock.advance(short);
    }
    let seen = app.provider.seen();
    assert_eq!((seen.refreshes, seen.replays), (5, 0));
}

#[tokio::test]
async fn an_older_authid_is_answered_with_the_newest_one() {
    let app = TestApp::start().await;
    let first = app.authid("single-use").await;
    let second = assert_granted(&refresh(&app.url, &first, &[]).await);
    assert_ne!(first, second);
    assert_eq!(
        assert_granted(&refresh(&app.url, &first, &[]).await),
        second
    );
    let third = assert_granted(&refresh(&app.url, &second, &[]).await);
    assert_eq!(third, second);
}

#[tokio::test]
async fn after_a_change_of_keys_the_answer_is_under_the_new_one() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    let key = authseal::keyring::KeyFolder::new(&app.keys_dir)
        .create_key(app.clock.now(), Duration::ZERO)
        .unwrap();
    app.app.keyring.reload().unwrap();
    let newer = assert_granted(&refresh(&app.url, &authid, &[]).await);
    let keys = app.app.keyring.current();
    let opened = authseal::seal::open(&keys, app.clock.now(), &newer).unwrap();
    assert_eq!(opened.kid, key.kid);
}
