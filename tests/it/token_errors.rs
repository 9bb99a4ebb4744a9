//! The error table of RFC 6749 section 5.2, case by case, and what it leaves open.

use std::time::Duration;

use http::Request;

use super::{
    faults::{ACCESS_TOKEN, REFRESH_TOKEN},
    token::refresh,
};
use crate::support::{
    Answer, CLIENT_SECRET, Piece, ScriptedProvider, TestApp, answer, get, json, post_form, send,
};

const FORM: &str = "application/x-www-form-urlencoded";

/// RFC 6749 section 5.2.
fn assert_is_error(answer: &Answer, status: u16, code: &str, name: &str) {
    assert_eq!(answer.status, status, "{name}: {answer:?}");
    assert_eq!(answer.header("content-type"), "application/json", "{name}");
    assert_eq!(answer.header("cache-control"), "no-store", "{name}");
    assert_eq!(answer.header("pragma"), "no-cache", "{name}");
    let body = answer.json();
    assert_eq!(body["error"], code, "{name}: {answer:?}");
    assert_eq!(body.as_object().unwrap().len(), 2, "{name}: {answer:?}");
    let description = body["error_description"].as_str().unwrap();
    let is_allowed = |char| matches!(char, ' ' | '!' | '#'..='[' | ']'..='~');
    assert!(description.chars().all(is_allowed), "{name}: {description}");
    assert!(description.len() > 10, "{name}: {description}");
}

async fn post(app: &TestApp, content_type: &str, body: String) -> Answer {
    let request = Request::post(format!("{}/token", app.url)).header("content-type", content_type);
    send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn what_is_no_refresh_grant_is_refused_before_anything_is_asked() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    let grant = "grant_type=refresh_token";
    for (form, code) in [
        (String::new(), "invalid_request"),
        (format!("refresh_token={authid}"), "invalid_request"),
        (
            format!("grant_type=&refresh_token={authid}"),
            "invalid_request",
        ),
        (grant.to_owned(), "invalid_request"),
        (format!("{grant}&refresh_token="), "invalid_request"),
        (format!("{grant}&authid={authid}"), "invalid_request"),
        (
            format!("{grant}&{grant}&refresh_token={authid}"),
            "invalid_request",
        ),
        (
            format!("{grant}&refresh_token={authid}&refresh_token=x"),
            "invalid_request",
        ),
        (
            format!("{grant}&refresh_token={authid}&scope=files&scope=files"),
            "invalid_request",
        ),
        (
            format!("{grant}&refresh_token={}", "x".repeat(70_000)),
            "invalid_request",
        ),
        (
            format!("grant_type=authorization_code&code=x&refresh_token={authid}"),
            "unsupported_grant_type",
        ),
        (
            "grant_type=client_credentials".to_owned(),
            "unsupported_grant_type",
        ),
        (
            "grant_type=password&username=a&password=b".to_owned(),
            "unsupported_grant_type",
        ),
        (
            format!("{grant}&refresh_token={authid}&scope=files+more"),
            "invalid_scope",
        ),
        (
            format!("{grant}&refresh_token={authid}&scope=Files"),
            "invalid_scope",
        ),
        (
            format!("{grant}&refresh_token={authid}&scope=%22"),
            "invalid_scope",
        ),
    ] {
        let answer = post(&app, FORM, form.clone()).await;
        assert_is_error(&answer, 400, code, &form[..form.len().min(100)]);
        assert!(!answer.body.contains(&authid));
        // What `rclone config reconnect` shows.
        let description = answer.json()["error_description"].to_string();
        let says_where = format!("Log in at {} in a browser", app.url);
        let is_login = code == "unsupported_grant_type";
        assert_eq!(description.contains(&says_where), is_login, "{description}");
    }
    let json_body = format!(r#"{{"grant_type":"refresh_token","refresh_token":"{authid}"}}"#);
    let answer = post(&app, "application/json", json_body).await;
    assert_is_error(&answer, 400, "invalid_request", "JSON");
    let in_query = format!("{}/token?{grant}&refresh_token={authid}", app.url);
    let answer = post_form(&in_query, &[]).await;
    assert_is_error(&answer, 400, "invalid_request", "query");
    assert_eq!(get(&in_query, &[]).await.status, 405);
    assert_eq!(app.provider.seen().refreshes, 0);
}

#[tokio::test]
async fn an_authid_that_is_good_for_nothing_is_an_invalid_grant() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    let elsewhere = TestApp::start().await.authid("stable").await;
    let (head, tag) = authid.rsplit_once('.').unwrap();
    let tampered = format!("{head}.{}", tag.chars().rev().collect::<String>());
    let ended = app.seal("stable", "never-issued");
    for (name, authid) in [
        ("no AuthID", "1//refresh-token-of-google"),
        ("V2 in clear", "v2:stable:refresh-token"),
        ("too long", &"x".repeat(20_000)),
        ("tampered", &tampered),
        ("another server's", &elsewhere),
        ("refused by the provider", &ended),
    ] {
        let answer = refresh(&app.url, authid, &[]).await;
        assert_is_error(&answer, 400, "invalid_grant", name);
    }
    let revoked = app.open(&authid).lineage.to_string();
    authseal::keyring::KeyFolder::new(&app.keys_dir)
        .revoke(&revoked, None)
        .unwrap();
    app.app.keyring.reload().unwrap();
    let answer = refresh(&app.url, &authid, &[]).await;
    assert_is_error(&answer, 400, "invalid_grant", "revoked");
}

async fn with_provider(pieces: Vec<Piece>, deadline: Duration) -> Answer {
    let provider = ScriptedProvider::start(move |_| pieces.clone());
    let app = TestApp::builder()
        .scripted(&provider, "stable")
        .provider_deadline(deadline)
        .start()
        .await;
    let authid = app.seal("scripted", REFRESH_TOKEN);
    let answer = refresh(&app.url, &authid, &[]).await;
    for secret in [REFRESH_TOKEN, ACCESS_TOKEN, CLIENT_SECRET, &authid] {
        assert!(!format!("{answer:?}").contains(secret), "{answer:?}");
    }
    answer
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_gives_nothing_is_named_with_what_helps() {
    const PATIENT: Duration = Duration::from_secs(60);
    let (later, ours) = ("temporarily_unavailable", "server_error");
    let refused = r#"{"error":"invalid_grant","error_description":"say \"please\" \\ ü"}"#;
    for (name, pieces, status, code) in [
        (
            "its 400",
            json("400 Bad Request", refused),
            400,
            "invalid_grant",
        ),
        (
            "our secret",
            json("401 Unauthorized", r#"{"error":"invalid_client"}"#),
            500,
            ours,
        ),
        (
            "our request",
            json("400 Bad Request", r#"{"error":"invalid_request"}"#),
            500,
            ours,
        ),
        (
            "its 500",
            answer("500 Internal Server Error", "", "oops"),
            503,
            later,
        ),
        (
            "its 429",
            answer("429 Too Many Requests", "", "wait"),
            503,
            later,
        ),
        (
            "nonsense",
            json("200 OK", r#"{"token":"never-print-access"}"#),
            503,
            later,
        ),
        ("nothing", vec![], 503, later),
    ] {
        let answer = with_provider(pieces, PATIENT).await;
        assert_is_error(&answer, status, code, name);
    }
    let short = Duration::from_millis(100);
    let answer = with_provider(vec![Piece::Silence], short).await;
    assert_is_error(&answer, 503, later, "too slow");
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_again() {
    let app = TestApp::builder().env("AUTHSEAL_RATE_LIMIT", "1");
    let app = app.start().await;
    let authid = app.authid("stable").await;
    assert_eq!(refresh(&app.url, &authid, &[]).await.status, 200);
    let answer = refresh(&app.url, &authid, &[]).await;
    assert_is_error(&answer, 503, "temporarily_unavailable", "RATE_LIMIT");
    assert_eq!(answer.header("retry-after"), "3600");
}
