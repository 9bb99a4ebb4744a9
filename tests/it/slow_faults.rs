//! Faults of the way to the provider: nobody there, too slow, too much, elsewhere.

use std::time::Duration;

use tokio::net::TcpSocket;

use super::faults::{
    ACCESS_TOKEN, PATIENT, REFRESH_TOKEN, assert_is_a_failure, check, refresh_with, text,
};
use crate::support::{Gate, Piece, ScriptedProvider, TestApp, answer, get, tokens};

const TEN_MEGABYTES: u64 = 10 * 1024 * 1024;

#[tokio::test]
async fn a_huge_answer_is_no_token_and_not_read_to_its_end() {
    let head = |length: &str| text(&format!("HTTP/1.1 200 OK\r\n{length}\r\n"));
    let length = format!("Content-Length: {TEN_MEGABYTES}\r\n");
    for (name, length) in [("with a length", length.as_str()), ("without", "")] {
        let pieces = vec![head(length), Piece::Flood(TEN_MEGABYTES)];
        let (answer, provider) = refresh_with(pieces, PATIENT).await;
        assert_is_a_failure(&answer, 503, name);
        assert!(
            answer.header("x-reason").contains("more than"),
            "{answer:?}"
        );
        let taken = provider.flooded();
        assert!(
            taken < TEN_MEGABYTES / 2,
            "{name}: {taken} bytes were taken"
        );
    }
    let endless = format!("Set-Cookie: {}\r\n", "x".repeat(1 << 20));
    check("a huge head", vec![head(&endless)], 503, "").await;
}

#[tokio::test]
async fn a_redirect_is_no_token_and_nobody_visits_its_target() {
    let target = ScriptedProvider::start(|_| tokens(ACCESS_TOKEN, None));
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let location = format!("Location: {}\r\n", target.url("/token"));
        check(status, answer(status, &location, ""), 503, "HTTP 30").await;
    }
    assert!(target.asked().is_empty());
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_named_in_the_reason() {
    // Bound, so that no other test gets the port, but nobody listens.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let url = format!("http://{address}/token");
    let app = TestApp::builder().scripted_at(&url, "stable").start().await;
    let answer = app.refresh(&app.seal("scripted", REFRESH_TOKEN)).await;
    assert_is_a_failure(&answer, 503, "refused");
    let reason = answer.header("x-reason");
    assert!(reason.contains("127.0.0.1: Connection refused"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_too_slow_is_given_up_in_time() {
    let ok = text("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n");
    for (name, pieces) in [
        ("no answer", vec![Piece::Silence]),
        ("half a head", vec![ok.clone(), Piece::Silence]),
        (
            "a head alone",
            vec![ok.clone(), text("\r\n"), Piece::Silence],
        ),
        (
            "half a body",
            vec![ok, text("\r\n{\"access_token\":"), Piece::Silence],
        ),
    ] {
        let (answer, _provider) = refresh_with(pieces, Duration::from_millis(300)).await;
        assert_is_a_failure(&answer, 503, name);
        assert!(answer.header("x-reason").contains("in time"), "{name}");
    }
}

#[tokio::test]
async fn a_slow_answer_within_the_deadline_is_good() {
    let gate = Gate::closed();
    let mut pieces = tokens(ACCESS_TOKEN, None);
    pieces.insert(0, Piece::Wait(gate.clone()));
    let provider = ScriptedProvider::start(move |_| pieces.clone());
    let app = TestApp::builder()
        .scripted(&provider, "stable")
        .start()
        .await;
    let authid = app.seal("scripted", REFRESH_TOKEN);
    let opens = async {
        provider.asked_times(1).await;
        // The rest of the server answers meanwhile.
        assert_eq!(get(&app.url, &[]).await.status, 200);
        gate.open();
    };
    let (answer, ()) = tokio::join!(app.refresh(&authid), opens);
    assert_eq!(answer.status, 200, "{answer:?}");
}
