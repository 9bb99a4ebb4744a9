//! Calls that a refresh makes again after a failure.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use authseal::listen::{Body, Handler, Peer};
use http::Request;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    task::JoinSet,
    time::Instant,
};

use crate::support::{
    Answer, Asked, Gate, Piece, Scrape, ScriptedProvider, TestApp, TestAppBuilder, answer,
    eventually, gated, json, tokens,
};

const TOKEN: &str = "never-print-refresh";
const HOUR: Duration = Duration::from_secs(3600);
/// First tries that one provider gets at once, and later ones.
const FIRST_TRIES: usize = 128;
const LATER_TRIES: usize = 16;

fn failure() -> Vec<Piece> {
    json("500 Internal Server Error", "{}")
}

fn good() -> Vec<Piece> {
    tokens("never-print-access", None)
}

/// An answer that is no token, and does not count as a failure of the provider.
fn nonsense() -> Vec<Piece> {
    json("200 OK", "<html>")
}

/// Fails so often, and then gives tokens.
fn failing(times: usize, how: Vec<Piece>) -> ScriptedProvider {
    let calls = AtomicUsize::new(0);
    ScriptedProvider::start(
        move |_| match calls.fetch_add(1, Ordering::SeqCst) < times {
            true => how.clone(),
            false => good(),
        },
    )
}

fn with(provider: &ScriptedProvider, kind: &str) -> TestAppBuilder {
    TestApp::builder().scripted(provider, kind)
}

/// Refreshes a new login.
async fn refresh(app: &TestApp) -> Answer {
    app.refresh(&app.seal("scripted", TOKEN)).await
}

fn retry_after(seconds: u32) -> Vec<Piece> {
    let headers = format!("Retry-After: {seconds}\r\n");
    answer("429 Too Many Requests", &headers, "{}")
}

fn broken_off() -> Vec<Piece> {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{";
    vec![Piece::Text(head.into())]
}

#[tokio::test]
async fn a_login_whose_token_stays_good_outlives_two_failures_and_no_third() {
    for how in [failure(), broken_off(), nonsense()] {
        for failures in 0..=3 {
            let provider = failing(failures, how.clone());
            let app = with(&provider, "stable").start().await;
            let answer = refresh(&app).await;
            let status = if failures < 3 { 200 } else { 503 };
            assert_eq!(answer.status, status, "{how:?}: {answer:?}");
            assert_eq!(provider.asked().len(), (failures + 1).min(3), "{how:?}");
        }
    }
}

#[tokio::test]
async fn a_single_use_token_whose_answer_is_lost_is_not_sent_again() {
    for how in [failure(), broken_off(), nonsense()] {
        let provider = failing(1, how.clone());
        let app = with(&provider, "single-use").start().await;
        let answer = refresh(&app).await;
        assert_eq!(answer.status, 503, "{how:?}: {answer:?}");
        assert_eq!(provider.asked().len(), 1, "{how:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_use_token_is_sent_once_a_connection_can_be_made() {
    // Bound, so that no other test gets the port, but nobody listens yet.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/token", socket.local_addr().unwrap());
    let pause = Duration::from_secs(3);
    let app = TestApp::builder().scripted_at(&url, "single-use");
    let app = app.retry_pauses([pause, pause]).start().await;
    let provider = async {
        eventually("a call has failed", async || {
            let scrape = Scrape::of(&app.admin_url).await;
            let calls = scrape.sum("authseal_provider_call_seconds_count", &[]);
            (calls >= 1.0).then_some(())
        })
        .await;
        let listener = socket.listen(16).unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !String::from_utf8_lossy(&asked).contains(TOKEN) {
            assert_ne!(stream.read_buf(&mut asked).await.unwrap(), 0);
        }
        for piece in good() {
            let Piece::Text(text) = piece else {
                unreachable!("an answer without a pause")
            };
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    };
    let (answer, ()) = tokio::join!(refresh(&app), provider);
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_over_in_seconds_is_waited_for_and_no_other() {
    let provider = failing(1, retry_after(1));
    let app = with(&provider, "stable").start().await;
    let began = Instant::now();
    let answer = refresh(&app).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(provider.asked().len(), 2);

    let without = json("429 Too Many Requests", "{}");
    for (how, kind) in [
        (retry_after(60), "stable"),
        (without, "stable"),
        (retry_after(1), "single-use"),
    ] {
        let provider = failing(1, how);
        let app = with(&provider, kind).start().await;
        let answer = refresh(&app).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(provider.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_new_refresh_token_in_a_failure_ends_the_tries() {
    let body = r#"{"access_token":"never-print-a","token_type":"Bearer","refresh_token":"newer"}"#;
    let provider = failing(1, json("500 Internal Server Error", body));
    let app = with(&provider, "stable").start().await;
    let authid = app.seal("scripted", TOKEN);
    assert_eq!(app.refresh(&authid).await.status, 503);
    assert_eq!(provider.asked().len(), 1);
    assert_eq!(app.refresh(&authid).await.status, 200);
    assert_eq!(provider.asked()[1].field("refresh_token"), "newer");
}

#[tokio::test]
async fn no_try_begins_behind_the_deadline_and_the_reason_comes_at_once() {
    let provider = failing(usize::MAX, failure());
    let app = with(&provider, "stable").retry_pauses([HOUR, HOUR]);
    let answer = refresh(&app.start().await).await;
    assert_eq!(answer.status, 503);
    let reason = answer.header("x-reason");
    assert!(reason.contains("HTTP 500"), "{reason}");
    assert_eq!(provider.asked().len(), 1);

    // The first pause fits in, and the second does not.
    provider.forget();
    let app = with(&provider, "stable").retry_pauses([Duration::ZERO, HOUR]);
    assert_eq!(refresh(&app.start().await).await.status, 503);
    assert_eq!(provider.asked().len(), 2);
}

/// True for the first request with this refresh token.
fn is_first(seen: &Mutex<HashSet<String>>, asked: &Asked) -> bool {
    seen.lock().unwrap().insert(asked.field("refresh_token"))
}

#[tokio::test]
async fn first_tries_that_hang_take_no_place_of_a_second_one() {
    let (fails, hangs) = (Gate::closed(), Gate::closed());
    let (fail, hang, seen) = (fails.clone(), hangs.clone(), Mutex::default());
    let provider = ScriptedProvider::start(move |asked| {
        match (
            asked.field("refresh_token") == TOKEN,
            is_first(&seen, asked),
        ) {
            (false, _) => [vec![Piece::Wait(hang.clone())], good()].concat(),
            (true, true) => [vec![Piece::Wait(fail.clone())], failure()].concat(),
            (true, false) => good(),
        }
    });
    let app = Arc::new(with(&provider, "stable").start().await);
    let mut refreshes = JoinSet::new();
    let authid = app.seal("scripted", TOKEN);
    let (failing, mut all) = (app.clone(), JoinSet::new());
    refreshes.spawn(async move { failing.refresh(&authid).await });
    provider.asked_times(1).await;
    // One more than there are places for.
    for number in 0..FIRST_TRIES {
        let app = app.clone();
        let authid = app.seal("scripted", &format!("never-print-{number}"));
        all.spawn(async move { app.refresh(&authid).await });
    }
    provider.asked_times(FIRST_TRIES).await;
    fails.open();
    let answer = refreshes.join_next().await.unwrap().unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    hangs.open();
    assert!(
        all.join_all()
            .await
            .iter()
            .all(|answer| answer.status == 200)
    );
}

#[tokio::test]
async fn second_tries_have_so_many_places_and_who_gets_none_gives_the_first_reason() {
    let (gate, seen) = (Gate::closed(), Mutex::default());
    let hang = gate.clone();
    let provider = ScriptedProvider::start(move |asked| match is_first(&seen, asked) {
        true => nonsense(),
        false => [vec![Piece::Wait(hang.clone())], good()].concat(),
    });
    let app = Arc::new(with(&provider, "stable").start().await);
    let mut refreshes = JoinSet::new();
    for number in 0..=LATER_TRIES {
        let app = app.clone();
        let authid = app.seal("scripted", &format!("never-print-{number}"));
        refreshes.spawn(async move { app.refresh(&authid).await });
    }
    let answer = refreshes.join_next().await.unwrap().unwrap();
    assert_eq!(answer.status, 503, "{answer:?}");
    let reason = answer.header("x-reason");
    assert!(reason.contains("is no token response"), "{reason}");
    assert_eq!(provider.asked().len(), 2 * LATER_TRIES + 1);
    gate.open();
    let others = refreshes.join_all().await;
    assert!(others.iter().all(|answer| answer.status == 200));
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_no_try() {
    let gate = Gate::closed();
    let calls = AtomicUsize::new(0);
    let provider = gated(&gate, move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => failure(),
        _ => good(),
    });
    let app = with(&provider, "stable").start().await;
    let authid = app.seal("scripted", TOKEN);
    let request = Request::get(format!("{}/refresh", app.url)).header("x-authid", &authid);
    let request = request.body(Body::Whole(Default::default())).unwrap();
    let peer = Peer::Ip("127.0.0.1".parse().unwrap());
    tokio::select! {
        reply = app.app.server.answer(&request, peer) => panic!("answered: {reply:?}"),
        () = provider.asked_times(1) => {}
    }
    gate.open();
    provider.asked_times(2).await;
    eventually("nothing is under way", async || {
        let scrape = Scrape::of(&app.admin_url).await;
        let names = ["authseal_provider_calls_under_way", "authseal_flights"];
        (names.map(|name| scrape.sum(name, &[])) == [0.0; 2]).then_some(())
    })
    .await;
    // Its token is cached.
    assert_eq!(app.refresh(&authid).await.status, 200);
    assert_eq!(provider.asked().len(), 2);
}
