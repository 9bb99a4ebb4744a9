//! Form of the answers of `/refresh`, as clients need it.

use crate::support::{Answer, ScriptedProvider, TestApp, get, json};

async fn refused(accept: Option<&str>) -> Answer {
    let app = TestApp::start().await;
    let accept = accept.map(|accept| ("Accept", accept));
    let headers: Vec<_> = accept
        .into_iter()
        .chain([("X-AuthID", "v2:stable:cut")])
        .collect();
    get(&format!("{}/refresh", app.url), &headers).await
}

#[tokio::test]
async fn a_failure_is_one_line_of_text_unless_json_is_asked_for_by_name() {
    for accept in [
        None,
        Some("*/*"),
        Some("text/html,application/xhtml+xml,*/*;q=0.8"),
    ] {
        let answer = refused(accept).await;
        let content_type = answer.header("content-type");
        assert!(
            content_type.starts_with("text/plain"),
            "{accept:?}: {answer:?}"
        );
        assert_eq!(
            answer.body.trim_end(),
            answer.header("x-reason"),
            "{accept:?}"
        );
    }
    for accept in [
        "application/json",
        "text/plain;q=0.5, application/json",
        "Application/JSON; q=0.9",
    ] {
        let answer = refused(Some(accept)).await;
        assert_eq!(
            answer.header("content-type"),
            "application/json",
            "{accept}"
        );
        let reason = answer.header("x-reason");
        let body = answer.json();
        assert_eq!(body["error_description"], reason, "{accept}");
        assert_eq!(body["message"], reason, "{accept}");
        assert_eq!(body["status"], answer.status.as_u16(), "{accept}");
        assert_eq!(body["code"], body["error"], "{accept}");
    }
}

#[tokio::test]
async fn expires_is_a_whole_number_of_32_bits_whatever_the_provider_says() {
    let provider = ScriptedProvider::start(|_| Vec::new());
    let app = TestApp::builder()
        .scripted(&provider, "stable")
        .env("AUTHSEAL_CACHE_MB", "0");
    let app = app.start().await;
    for expires_in in [
        "0",
        "1",
        "-1",
        "3599.0",
        "3599.9",
        "1e3",
        "2147483647",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "18446744073709551615",
        "1e300",
        "\"99999999999\"",
    ] {
        let body = format!(r#"{{"access_token":"never-print","expires_in":{expires_in}}}"#);
        provider.script(move |_| json("200 OK", &body));
        let authid = app.seal("scripted", "never-print-refresh");
        let answer = app.refresh(&authid).await;
        assert_eq!(answer.status, 200, "{expires_in}: {answer:?}");
        let expires = answer.json()["expires"].as_u64();
        let expires = expires.unwrap_or_else(|| panic!("{expires_in}: {answer:?}"));
        assert!(i32::try_from(expires).is_ok(), "{expires_in}: {expires}");
        assert!(!answer.body.contains('.'), "{expires_in}: {answer:?}");
    }
}

#[tokio::test]
async fn a_reason_spells_out_what_is_beyond_ascii() {
    let provider = ScriptedProvider::start(|_| json("503 Service Unavailable", "{}"));
    let token_url = provider.url("/token");
    for name in ["M\u{fc}ller Dr\u{ef}ve", "\u{96f2} Store"] {
        let table = format!(
            r#"
[provider.named]
name = "{name}"
credentials = ["TEST_SCRIPTED"]
authorize_url = "https://provider.example/authorize"
token_url = "{token_url}"
refresh_tokens = "single-use"
redirect_path = "/logged-in"

[service.named]
provider = "named"
name = "{name}"
scope = "files"
"#
        );
        let app = TestApp::builder()
            .scripted(&provider, "stable")
            .tables(&table);
        let app = app.start().await;
        let answer = app.refresh(&app.seal("named", "never-print-refresh")).await;
        let reason = answer.header("x-reason").replace("?type=", "");
        assert!(
            reason.bytes().all(|byte| matches!(byte, b' '..=b'~')),
            "{answer:?}"
        );
        assert!(!reason.contains('?'), "{name}: {answer:?}");
    }
}
