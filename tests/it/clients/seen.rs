//! authseal's own answers in every situation, held to those that are wanted.

use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::task::{JoinSet, LocalSet};

use super::{
    causes::{Cause, Seen},
    outcomes::Answers,
    situations::{SITUATIONS, Situation, Wanted},
};
use crate::support::{Answer, clients::Client};

/// Everything about the answers that is not as wanted.
fn complaints(situation: &Situation, seen: &Seen) -> Vec<String> {
    let clients = Client::all(&seen.server);
    let wanted = Answers::wanted(situation).cells(situation, &clients);
    let cells = Answers::seen(seen).cells(situation, &clients);
    let served = |answer: &Answer| {
        // While it is stopping, a server may still do what it was asked.
        let is_last = answer.header("connection") == "close";
        matches!(situation.cause, Cause::Draining) && answer.status == 200 && is_last
    };
    let mut complaints = Vec::new();
    if !served(&seen.refresh) {
        complaints.extend(about_refresh(situation, seen));
    }
    if !served(&seen.token) && seen.token.status != situation.token_status {
        complaints.push(format!("/token answers {}", seen.token.status));
    }
    for ((client, wanted), cell) in clients.iter().zip(wanted).zip(cells) {
        let answer = match client {
            Client::Duplicati(_) => &seen.refresh,
            Client::Rclone(_) => &seen.token,
        };
        if cell != wanted && !served(answer) {
            complaints.push(format!("{client}: {cell} instead of {wanted}"));
        }
    }
    complaints
}

/// The form of a failure at `/refresh`.
fn about_refresh(situation: &Situation, seen: &Seen) -> Vec<String> {
    let answer = &seen.refresh;
    let reason = answer
        .headers
        .get("x-reason")
        .map_or(&b""[..], |value| value.as_bytes());
    let reason = String::from_utf8_lossy(reason);
    let login = match seen.service {
        Some(service) => format!("{}/?type={service}", seen.server),
        None => seen.server.clone(),
    };
    let is_plain = answer.header("content-type").starts_with("text/plain");
    let [new_login, ask_again] = [Wanted::NewLogin, Wanted::AskAgain];
    let checks = [
        ("its status", answer.status == situation.wanted.status()),
        ("no reason", !reason.trim().is_empty()),
        ("more than 300 characters", reason.len() <= 300),
        (
            "not printable ASCII",
            reason.bytes().all(|byte| matches!(byte, b' '..=b'~')),
        ),
        ("a full stop at the end", !reason.ends_with('.')),
        (
            "no link to a login",
            situation.wanted != new_login || reason.contains(&login),
        ),
        (
            "no Retry-After",
            situation.wanted != ask_again || !answer.header("retry-after").is_empty(),
        ),
        ("the body is not text/plain", is_plain),
        (
            "the body is not the reason",
            answer.body.trim_end() == reason,
        ),
    ];
    let wrong = checks.iter().filter(|(_, is_right)| !is_right);
    let wrong: Vec<&str> = wrong.map(|(what, _)| *what).collect();
    match wrong.as_slice() {
        [] => Vec::new(),
        wrong => {
            let wrong = wrong.join("; ");
            vec![format!("/refresh: {wrong}: {} {reason:?}", answer.status)]
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_situation_is_answered_so_that_every_client_shows_the_reason() {
    // The crowds come last: other load would let their calls wait longer than they may.
    let is_alone =
        |situation: &Situation| matches!(situation.cause, Cause::Overload | Cause::OldBusy);
    let (alone, others): (Vec<_>, Vec<_>) = SITUATIONS.into_iter().partition(is_alone);
    let (mut seen, local) = (JoinSet::new(), LocalSet::new());
    for situation in others {
        let asking = async move { (situation, situation.cause.seen().await) };
        seen.spawn_local_on(asking, &local);
    }
    let mut seen = local.run_until(seen.join_all()).await;
    for situation in alone {
        let asking = local.run_until(situation.cause.seen());
        seen.push((situation, asking.await));
    }
    let position = |name| {
        SITUATIONS
            .iter()
            .position(|situation| situation.name == name)
    };
    seen.sort_by_key(|(situation, _)| position(situation.name));
    let judging = tokio::task::spawn_blocking(move || {
        let judged = seen.iter().map(|(situation, seen)| {
            let complaints = complaints(situation, seen);
            (situation.name, complaints)
        });
        judged.collect::<Vec<_>>()
    });
    let judged = judging.await.unwrap();
    let wrong = judged
        .iter()
        .filter(|(_, complaints)| !complaints.is_empty());
    let wrong: Vec<String> = wrong
        .map(|(name, complaints)| format!("{name}:\n    {}", complaints.join("\n    ")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Answers that are as wanted in every way.
fn ideal(situation: &Situation) -> Seen {
    let server = "https://auth.example";
    let reason = format!("A sentence. Log in again at {server}/?type=scripted");
    let token = serde_json::json!({ "error": "error_code", "error_description": reason });
    let answer = |status: u16, body: String| Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body,
    };
    let mut refresh = answer(situation.wanted.status(), reason.clone());
    for (name, value) in [
        ("x-reason", reason.as_str()),
        ("content-type", "text/plain; charset=utf-8"),
        ("retry-after", "1"),
    ] {
        refresh.headers.insert(name, value.parse().unwrap());
    }
    Seen {
        server: server.into(),
        service: Some("scripted"),
        refresh,
        token: answer(situation.token_status, token.to_string()),
    }
}

#[test]
fn only_an_answer_as_wanted_passes() {
    type Spoil = fn(&mut Seen);
    let reason = |seen: &mut Seen, text: &str| {
        seen.refresh.body = text.into();
        let value = HeaderValue::from_str(text).unwrap();
        seen.refresh.headers.insert("x-reason", value);
    };
    for situation in &SITUATIONS {
        let name = situation.name;
        assert_eq!(complaints(situation, &ideal(situation)), [""; 0], "{name}");
        let spoils: [Spoil; 5] = [
            |seen| seen.refresh.status = StatusCode::GATEWAY_TIMEOUT,
            |seen| seen.refresh.body = r#"{"error":"a"}"#.into(),
            |seen| drop(seen.refresh.headers.remove("x-reason")),
            |seen| drop(seen.refresh.headers.remove("content-type")),
            |seen| seen.token.status = StatusCode::UNAUTHORIZED,
        ];
        for spoil in spoils {
            let mut seen = ideal(situation);
            spoil(&mut seen);
            assert!(!complaints(situation, &seen).is_empty(), "{name}: {seen:?}");
        }
        let full_stop = "Log in again at https://auth.example/?type=scripted.";
        for text in ["\u{e4}", full_stop, &"a".repeat(301)] {
            let mut seen = ideal(situation);
            reason(&mut seen, text);
            assert!(!complaints(situation, &seen).is_empty(), "{name}: {text}");
        }
    }
}
