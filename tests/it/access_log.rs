//! One line a request, which tells an administrator what happened and a thief nothing.

use serde_json::Value;

use crate::support::{Answer, Installation, ServerProcess, get, post_form};

async fn serve(format: &str) -> (Installation, ServerProcess) {
    let (installation, _) = Installation::with_key().await;
    let mut environment = installation.environment();
    environment.push(("AUTHSEAL_LOG_FORMAT", format));
    environment.push(("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1"));
    let server = ServerProcess::start(&environment).await;
    (installation, server)
}

/// The line of the request with this id.
async fn line(server: &ServerProcess, id: &str) -> String {
    server.program.says(id).await;
    let said = server.program.so_far();
    let line = said.lines().find(|line| line.contains(id)).unwrap();
    line.to_owned()
}

async fn id_of(answer: &Answer) -> String {
    answer.header("x-request-id").to_owned()
}

#[tokio::test]
async fn a_request_is_told_by_route_status_login_and_client() {
    let (installation, server) = serve("json").await;
    let authid = installation.log_in("stable");
    let headers = [
        ("X-AuthID", authid.as_str()),
        ("X-Forwarded-For", "203.0.113.7"),
    ];
    let answer = get(&format!("{}/refresh", server.url), &headers).await;
    let id = id_of(&answer).await;
    let line: Value = serde_json::from_str(&line(&server, &id).await).unwrap();
    let lineage = installation.open(&authid).grant.lineage.short_hash();
    for (field, value) in [
        ("message", "answered"),
        ("method", "GET"),
        ("route", "/refresh"),
        ("service", "stable"),
        ("lineage", lineage.as_str()),
        ("client", "203.0.113.7"),
        ("request_id", id.as_str()),
        ("level", "INFO"),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    assert_eq!(line["status"], 200);
    assert!(line["ms"].is_u64(), "{line}");
    assert!(line["timestamp"].is_string(), "{line}");
}

#[tokio::test]
async fn nothing_that_could_be_a_secret_stands_in_it() {
    let (installation, server) = serve("text").await;
    let authid = installation.log_in("stable");
    let secret = "never-print-4k9x2m7q1z8w5v3t6y0u";
    for path in [
        &format!("/refresh?authid={authid}"),
        &format!("/{authid}"),
        &format!("/fetch?token={secret}"),
        &format!("/?type={secret}"),
        &format!("/login?id={secret}"),
        &format!("/logged-in?code={secret}&state={secret}"),
        &format!("/{secret}"),
    ] {
        let headers = [
            ("Referer", secret),
            ("User-Agent", secret),
            ("X-Forwarded-For", secret),
            ("X-Request-Id", &format!("{secret}:")),
            ("Cookie", &format!("authseal-session={secret}")),
        ];
        let answer = get(&format!("{}{path}", server.url), &headers).await;
        let line = line(&server, &id_of(&answer).await).await;
        assert!(line.contains("client=unknown@127.0.0.1"), "{line}");
    }
    post_form(&format!("{}/password", server.url), &[("password", secret)]).await;
    let said = server.program.so_far();
    assert!(!said.contains("never-print"), "{said}");
    assert!(!said.contains(&authid), "{said}");
    // Not on a terminal.
    assert!(!said.contains('\u{1b}'), "{said}");
    assert!(
        said.contains(" method=GET route=other status=404 ms="),
        "{said}"
    );
}

#[tokio::test]
async fn a_request_id_that_can_be_one_is_kept_and_any_other_is_replaced() {
    let (_installation, server) = serve("text").await;
    let url = format!("{}/privacy-policy", server.url);
    let given = "7f3b1c9e-2a44-4f0e-9d55-0123456789ab";
    let answer = get(&url, &[("X-Request-Id", given)]).await;
    assert_eq!(answer.header("x-request-id"), given);
    line(&server, given).await;
    for odd in [
        "short",
        "has blanks in it",
        "has:colons:in:it",
        &"x".repeat(65),
    ] {
        let answer = get(&url, &[("X-Request-Id", odd)]).await;
        let id = answer.header("x-request-id");
        assert!(id != odd && id.len() > 16, "{id}");
    }
    let (one, other) = (get(&url, &[]).await, get(&url, &[]).await);
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}
