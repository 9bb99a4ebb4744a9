//! An answer with a new refresh token and a fault elsewhere: the login goes on with the
//! new token, for the old one is used up.

use std::time::Duration;

use crate::support::{Answer, Piece, ScriptedProvider, TestApp, answer, eventually, json, tokens};

const OLD: &str = "never-print-old";
const NEW: &str = "never-print-new";
const GOOD: &str = r#"{"access_token":"never-print-a","token_type":"Bearer","expires_in":3600,"refresh_token":"never-print-new""#;

/// What is no reason to refuse an answer.
const TOLERATED: [&str; 1] = ["something behind it"];

fn text(text: impl Into<String>) -> Piece {
    Piece::Text(text.into())
}

fn ok(body: &str) -> Vec<Piece> {
    json("200 OK", body)
}

/// A body that stops in the middle.
fn broken(headers: &str, body: &str) -> Vec<Piece> {
    vec![text(format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n{body}"))]
}

/// A provider that takes each token once: it has used up the old one when it gives this.
fn strict(first: Vec<Piece>) -> ScriptedProvider {
    ScriptedProvider::start(move |asked| match asked.field("refresh_token").as_str() {
        OLD => first.clone(),
        NEW => tokens("never-print-b", Some("never-print-newer")),
        other => panic!("nobody was given {other}"),
    })
}

async fn app(provider: &ScriptedProvider, kind: &str, deadline: Duration) -> TestApp {
    let app = TestApp::builder().provider_deadline(deadline);
    app.scripted(provider, kind).start().await
}

/// Asks until the call before, whose client was given up on, is over.
async fn refresh_again(app: &TestApp, authid: &str) -> Answer {
    eventually("the call before is over", async || {
        let answer = app.refresh(authid).await;
        (answer.status != 503).then_some(answer)
    })
    .await
}

async fn check_salvaged(name: &str, first: Vec<Piece>, deadline: Duration) {
    for kind in ["single-use", "sliding", "stable"] {
        let provider = strict(first.clone());
        let app = app(&provider, kind, deadline).await;
        let authid = app.seal("scripted", OLD);
        let first = app.refresh(&authid).await;
        if first.status == 200 {
            assert!(TOLERATED.contains(&name), "{name}, {kind}: {first:?}");
            let newest = app.open(first.json()["v2_authid"].as_str().unwrap());
            assert_eq!(newest.refresh_token.expose(), NEW);
            continue;
        }
        assert_eq!(first.status, 503, "{name}, {kind}: {first:?}");
        assert!(!first.header("x-reason").contains("restart"), "{first:?}");
        let second = refresh_again(&app, &authid).await;
        assert_eq!(second.status, 200, "{name}, {kind}: {second:?}");
        let asked = provider.asked();
        let sent: Vec<String> = asked
            .iter()
            .map(|asked| asked.field("refresh_token"))
            .collect();
        assert_eq!(sent, [OLD, NEW], "{name}, {kind}");
    }
}

#[tokio::test]
async fn the_next_try_uses_the_token_of_a_faulty_answer() {
    let twice = GOOD.replace(
        r#""token_type""#,
        r#""access_token":"never-print-c","token_type""#,
    );
    let blank = GOOD.replace("never-print-a", "never-print-a ");
    let longer = format!("Content-Length: {}", GOOD.len() + 100);
    let chunk = format!("{:x}\r\n{GOOD}", GOOD.len() + 50);
    let faults = [
        ("a member twice", ok(&format!("{twice}}}"))),
        (
            "the token twice",
            ok(&format!("{GOOD},\"refresh_token\":\"{NEW}\"}}")),
        ),
        ("1e400", ok(&format!("{GOOD},\"expires_in\":1e400}}"))),
        ("201", json("201 Created", &format!("{GOOD}}}"))),
        ("203", json("203 Non-Authoritative", &format!("{GOOD}}}"))),
        ("a byte order mark", ok(&format!("\u{feff}{GOOD}}}"))),
        ("a blank behind the token", ok(&format!("{blank}}}"))),
        ("no end", ok(GOOD)),
        (
            "an unfinished member",
            ok(&format!("{GOOD},\"scope\":\"fil")),
        ),
        (
            "something behind it",
            ok(&format!("{GOOD}}}<!-- cached -->")),
        ),
        ("something before it", ok(&format!("while(1);{GOOD}}}"))),
        ("an array around it", ok(&format!("[{GOOD}}}]"))),
        (
            "no access token",
            ok(r#"{"token_type":"Bearer","refresh_token":"never-print-new"}"#),
        ),
        (
            "null for an access token",
            ok(r#"{"access_token":null,"token_type":"Bearer","refresh_token":"never-print-new"}"#),
        ),
        (
            "no length, broken off",
            broken("Content-Type: application/json", GOOD),
        ),
        ("too long a length", broken(&longer, GOOD)),
        (
            "a chunk broken off",
            broken("Transfer-Encoding: chunked", &chunk),
        ),
        (
            "no chunk's size",
            broken(
                "Transfer-Encoding: chunked",
                &format!("{:x}\r\n{GOOD}\r\nzz\r\n", GOOD.len()),
            ),
        ),
        (
            "500 with tokens",
            json("500 Internal Server Error", &format!("{GOOD}}}")),
        ),
        (
            "403 with tokens",
            json("403 Forbidden", &format!("{GOOD}}}")),
        ),
        (
            "a redirect with tokens",
            answer(
                "302 Found",
                "Location: /elsewhere\r\n",
                &format!("{GOOD}}}"),
            ),
        ),
    ];
    for (name, first) in faults {
        check_salvaged(name, first, Duration::from_secs(20)).await;
    }
    let head = text(format!("HTTP/1.1 200 OK\r\n\r\n{GOOD}"));
    let too_much = vec![head, Piece::Flood(300 * 1024)];
    check_salvaged("too much", too_much, Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_bad_header_costs_no_token_and_nobody_may_compress() {
    let many: String = (0..300).map(|n| format!("X-{n}: y\r\n")).collect();
    for bad in [
        "Bad Header: x\r\n",
        "Server : x\r\n",
        "X-Folded: b\r\n c\r\n",
        "nonsense\r\n",
        &many,
    ] {
        let provider = strict(answer("200 OK", bad, &format!("{GOOD}}}")));
        let app = app(&provider, "single-use", Duration::from_secs(20)).await;
        let authid = app.seal("scripted", OLD);
        let refreshed = app.refresh(&authid).await;
        assert_eq!(refreshed.status, 200, "{bad}: {refreshed:?}");
        let newest = app.open(refreshed.json()["v2_authid"].as_str().unwrap());
        assert_eq!(newest.refresh_token.expose(), NEW);
        let headers = &provider.asked()[0].headers;
        assert!(headers.contains(&("accept-encoding".into(), "identity".into())));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_hangs_behind_the_token_is_as_good() {
    let hanging = format!("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{GOOD}");
    let hanging = vec![text(hanging), Piece::Silence];
    check_salvaged("it hangs", hanging, Duration::from_millis(500)).await;
}

#[tokio::test]
async fn an_answer_that_only_speaks_of_a_refresh_token_changes_nothing() {
    let answers = [
        json(
            "400 Bad Request",
            r#"{"error":"invalid_request","refresh_token":"is-required"}"#,
        ),
        json("400 Bad Request", r#"{"refresh_token":"is-required"}"#),
        json(
            "401 Unauthorized",
            r#"{"error":"invalid_client","refresh_token":"never-print-new"}"#,
        ),
        json(
            "500 Internal Server Error",
            r#"{"refresh_token":"never-print-new"}"#,
        ),
        json(
            "503 Unavailable",
            r#"{"error":"server_error","error_description":"\"refresh_token\":\"x\""}"#,
        ),
        ok(r#"{"error":"temporarily_unavailable","refresh_token":"never-print-new"}"#),
        ok(r#"{"error":{"refresh_token":"is-required"}}"#),
        ok(r#"{"message":"refresh_token"}"#),
        ok(r#"{"refresh_token":"never-print-n"#),
        ok(r#"{"success":false,"refresh_token":"is required"}"#),
        ok(r#"{"success":false,"refresh_token":"***"}"#),
        broken(
            "Content-Length: 99",
            "access_token=a&refresh_token=never-print-n",
        ),
        ok("error=invalid_grant&refresh_token=never-print-new"),
        ok("<p>refresh_token=never-print-new</p>"),
        ok(""),
    ];
    for first in answers {
        let provider = ScriptedProvider::start({
            let first = first.clone();
            move |_| first.clone()
        });
        let app = app(&provider, "single-use", Duration::from_secs(20)).await;
        let authid = app.seal("scripted", OLD);
        app.refresh(&authid).await;
        app.refresh(&authid).await;
        for asked in provider.asked() {
            assert_eq!(asked.field("refresh_token"), OLD, "{first:?}");
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_not_called_a_restart() {
    let provider =
        ScriptedProvider::start(|_| vec![text("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")]);
    let app = TestApp::builder()
        .scripted(&provider, "single-use")
        .start()
        .await;
    let authid = app.seal("scripted", OLD);
    let lost = app.refresh(&authid).await;
    assert_eq!(lost.status, 503, "{lost:?}");
    provider.script(|_| json("400 Bad Request", r#"{"error":"invalid_grant"}"#));
    let refused = app.refresh(&authid).await;
    assert_eq!(refused.status, 401, "{refused:?}");
    let reason = refused.header("x-reason");
    assert!(
        reason.contains("no usable answer") && !reason.contains("restart"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_refusal_after_a_good_answer_is_not_called_a_lost_one() {
    let provider = ScriptedProvider::start(|_| json("503 Unavailable", ""));
    let app = app(&provider, "single-use", Duration::from_secs(20)).await;
    let authid = app.seal("scripted", OLD);
    assert_eq!(app.refresh(&authid).await.status, 503);
    // It had used nothing up, and gives no new one.
    provider.script(|_| tokens("never-print-a", None));
    assert_eq!(app.refresh(&authid).await.status, 200);
    app.clock.advance(Duration::from_secs(3600));
    provider.script(|_| json("400 Bad Request", r#"{"error":"invalid_grant"}"#));
    let refused = app.refresh(&authid).await;
    let reason = refused.header("x-reason");
    assert!(!reason.contains("no usable answer"), "{reason}");
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_not_called_a_broken_connection() {
    let twice =
        format!("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n{GOOD}}}");
    for first in [
        twice,
        format!("{GOOD}}}"),
        format!("ICY 200 OK\r\n\r\n{GOOD}}}"),
    ] {
        let provider = strict(vec![text(first.clone())]);
        let app = app(&provider, "single-use", Duration::from_secs(20)).await;
        let answer = app.refresh(&app.seal("scripted", OLD)).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        let reason = answer.header("x-reason");
        assert!(reason.contains("no valid HTTP"), "{first}: {reason}");
    }
}
