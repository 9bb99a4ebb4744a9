//! What the client hears when the provider misbehaves: the status table of
//! docs/endpoints.md.

use std::time::Duration;

use crate::support::{Answer, CLIENT_SECRET, Piece, ScriptedProvider, TestApp, answer, json};

pub const REFRESH_TOKEN: &str = "never-print-refresh";
pub const ACCESS_TOKEN: &str = "never-print-access";

/// Sends one refresh to a provider that answers like this.
pub async fn refresh_with(pieces: Vec<Piece>, deadline: Duration) -> (Answer, ScriptedProvider) {
    let provider = ScriptedProvider::start(move |_| pieces.clone());
    let app = TestApp::builder()
        .scripted(&provider, "stable")
        .provider_deadline(deadline);
    let app = app.start().await;
    let authid = app.seal("scripted", REFRESH_TOKEN);
    let answer = app.refresh(&authid).await;
    assert_shows_no_secret(&answer, &authid);
    (answer, provider)
}

fn assert_shows_no_secret(answer: &Answer, authid: &str) {
    let everything = format!("{answer:?}");
    for secret in [REFRESH_TOKEN, CLIENT_SECRET, authid] {
        assert!(!everything.contains(secret), "{answer:?}");
    }
    let shows_token = everything.contains(ACCESS_TOKEN);
    assert!(!shows_token || answer.status == 200, "{answer:?}");
}

/// What every failure has, whatever its cause.
pub fn assert_is_a_failure(answer: &Answer, status: u16, name: &str) {
    assert_eq!(answer.status, status, "{name}: {answer:?}");
    let reason = answer.header("x-reason");
    assert!((1..=300).contains(&reason.len()), "{name}: {reason}");
    let printable = reason.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    assert!(printable, "{name}: {reason:?}");
    assert!(!reason.ends_with('.'), "{name}: {reason}");
    assert_eq!(answer.body, reason, "{name}");
    assert_eq!(answer.header("content-type"), "text/plain", "{name}");
    assert_eq!(answer.header("cache-control"), "no-store", "{name}");
    assert_eq!(answer.header("retry-after"), "", "{name}");
}

pub const PATIENT: Duration = Duration::from_secs(60);

/// Checks an answer after which the refresh is tried twice more.
pub async fn check(name: &str, pieces: Vec<Piece>, status: u16, hint: &str) {
    check_calls(name, pieces, status, hint, 3).await;
}

/// Checks a failure, and the number of times that the provider was asked.
async fn check_calls(name: &str, pieces: Vec<Piece>, status: u16, hint: &str, calls: usize) {
    let (answer, provider) = refresh_with(pieces, PATIENT).await;
    assert_is_a_failure(&answer, status, name);
    let reason = answer.header("x-reason");
    assert!(reason.contains(hint), "{name}: {reason}");
    assert_eq!(provider.asked().len(), calls, "{name}");
}

pub fn text(text: &str) -> Piece {
    Piece::Text(text.into())
}

#[tokio::test]
async fn an_oauth_error_counts_whatever_client_error_it_came_with() {
    for status in [
        "403 Forbidden",
        "404 Not Found",
        "422 Unprocessable Content",
    ] {
        let dead = json(status, r#"{"error":"invalid_grant"}"#);
        check_calls(status, dead, 401, "invalid_grant", 1).await;
    }
}

#[tokio::test]
async fn a_status_that_no_token_endpoint_answers_with_is_named_and_tried_again() {
    for (status, hint) in [
        ("500 Internal Server Error", "HTTP 500"),
        ("503 Service Unavailable", "HTTP 503"),
        ("507 Insufficient Storage", "HTTP 507"),
        ("403 Forbidden", "HTTP 403"),
        ("404 Not Found", "HTTP 404"),
        ("409 Conflict", "HTTP 409"),
        ("204 No Content", "HTTP 204"),
        ("201 Created", "HTTP 201"),
    ] {
        // Whatever it holds, but for an error with a 4xx.
        let body = match status.starts_with('4') {
            true => format!(r#"{{"error":"Not Found","access_token":"{ACCESS_TOKEN}"}}"#),
            false => format!(r#"{{"error":"invalid_grant","access_token":"{ACCESS_TOKEN}"}}"#),
        };
        let body = if status.starts_with("204") { "" } else { &body };
        check(status, json(status, body), 503, hint).await;
    }
    // It did not say when to come again.
    let status = "429 Too Many Requests";
    check_calls(status, json(status, "{}"), 503, "slow down", 1).await;
}

#[tokio::test]
async fn a_refusal_is_told_by_whose_fault_it_is() {
    let log_in = "Log in again";
    let tell = "Tell the administrator";
    let later = "Try again later";
    let (bad, unauthorized) = ("400 Bad Request", "401 Unauthorized");
    for (status, error, expected, hint, calls) in [
        (bad, "invalid_grant", 401, log_in, 1),
        (unauthorized, "invalid_grant", 401, log_in, 1),
        (bad, "interaction_required", 401, log_in, 1),
        (bad, "invalid_client", 503, tell, 1),
        (unauthorized, "invalid_client", 503, tell, 1),
        (bad, "unauthorized_client", 503, tell, 1),
        (bad, "invalid_scope", 503, tell, 1),
        (bad, "unsupported_grant_type", 503, tell, 1),
        (bad, "temporarily_unavailable", 503, later, 3),
        (bad, "slow_down", 503, later, 1),
        // A provider that echoes what it was sent.
        (bad, REFRESH_TOKEN, 503, "unknown error code", 1),
    ] {
        let body = serde_json::json!({
            "error": error,
            "error_description": format!("{REFRESH_TOKEN} {CLIENT_SECRET} {ACCESS_TOKEN}"),
            "error_uri": "https://provider.example/why",
        });
        let name = format!("{status} {error}");
        let pieces = json(status, &body.to_string());
        check_calls(&name, pieces, expected, hint, calls).await;
    }
}

#[tokio::test]
async fn nonsense_is_tried_again_and_then_told() {
    let html = "<html><title>Log in</title>never-print-access</html>";
    let bare = |status: &str| format!("HTTP/1.1 {status}\r\n");
    let ok = bare("200 OK");
    let page = |status| answer(status, "Content-Type: text/html\r\n", html);
    for (name, pieces) in [
        ("HTML", page("200 OK")),
        ("HTML with 400", page("400 Bad Request")),
        ("HTML with 401", page("401 Unauthorized")),
        ("an empty body", json("200 OK", "")),
        ("an empty 400", json("400 Bad Request", "")),
        ("an empty object", json("200 OK", "{}")),
        ("no object", json("200 OK", r#"[{"access_token":"a"}]"#)),
        ("no error with 400", json("400 Bad Request", r#"{"a":1}"#)),
        (
            "an error object",
            json("400 Bad Request", r#"{"error":{"a":1}}"#),
        ),
        ("no string", json("200 OK", r#"{"access_token":7}"#)),
        ("an empty token", json("200 OK", r#"{"access_token":""}"#)),
        ("not UTF-8", json("200 OK", "{\"access_token\":\"\u{0}\"}")),
        ("cut before the headers", vec![]),
        ("cut in the status line", vec![text("HTTP/1.1 2")]),
        ("cut in the headers", vec![text(&ok), text("Content-Le")]),
        (
            "cut in the body",
            vec![
                text(&ok),
                text("Content-Length: 500\r\n\r\n{\"access_token\":\"never"),
            ],
        ),
        (
            "cut in a chunk",
            vec![
                text(&ok),
                text("Transfer-Encoding: chunked\r\n\r\n40\r\n{\"acc"),
            ],
        ),
        ("no HTTP", vec![text("220 mail.example ESMTP\r\n")]),
    ] {
        check(name, pieces, 503, "Try again later").await;
    }
}

#[tokio::test]
async fn what_can_be_understood_is_no_fault() {
    let body = |more: &str| format!(r#"{{"access_token":"{ACCESS_TOKEN}"{more}}}"#);
    let provider = ScriptedProvider::start(|_| Vec::new());
    let app = TestApp::builder().scripted(&provider, "stable");
    let app = app.start().await;
    for (more, expires) in [
        ("", 1800),
        (r#","expires_in":null"#, 1800),
        (r#","expires_in":"soon""#, 1800),
        (r#","expires_in":"3599""#, 3599),
        (r#","expires_in":3599"#, 3599),
        (r#","expires_in":3599.0,"token_type":"bearer""#, 3599),
        (
            r#","expires_in":60,"scope":["a","b"],"refresh_token":null"#,
            60,
        ),
        (r#","expires_in":60,"scope":"a b","refresh_token":"""#, 60),
    ] {
        for content_type in ["application/json; charset=utf-8", "text/javascript", ""] {
            let content_type = format!("Content-Type: {content_type}\r\n");
            let pieces = answer("200 OK", &content_type, &body(more));
            provider.script(move |_| pieces.clone());
            let authid = app.seal("scripted", REFRESH_TOKEN);
            let answer = app.refresh(&authid).await;
            assert_shows_no_secret(&answer, &authid);
            assert_eq!(answer.status, 200, "{more}: {answer:?}");
            let json = answer.json();
            assert_eq!(json["access_token"], ACCESS_TOKEN);
            assert_eq!(json["expires"], expires, "{more}");
            assert_eq!(json["type"], "scripted");
            assert!(json["v2_authid"].is_null(), "{more}");
        }
    }
}
