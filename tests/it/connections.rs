//! Connections that ask for nothing, too many of them, and requests that are too
//! large or too slow.

use std::time::Duration;

use authseal::listen::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};

use crate::support::{
    Gate, Scrape, ScriptedProvider, TestApp, TestAppBuilder, connect, eventually, gated,
    is_unserved, post_form, rest_of, send_refresh, tokens,
};

const NEVER: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(50);
const OVERLOADED: &str = "This OAuth server is overloaded. Try again in a moment";
const TOO_LATE: &str = "The request took too long to reach this OAuth server. Try again";

fn with_limits(connections: &str, first_head: Duration, idle: Duration) -> TestAppBuilder {
    let limits = Limits {
        first_head,
        idle,
        ..Limits::default()
    };
    TestApp::builder()
        .limits(limits)
        .env("AUTHSEAL_MAX_CONNECTIONS", connections)
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// One whole answer on a connection that stays open.
async fn answer_to(stream: &mut TcpStream, request: &str) -> String {
    say(stream, request).await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"</html>") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        answer.extend(byte);
    }
    String::from_utf8(answer).unwrap()
}

async fn count(app: &TestApp, name: &str) -> f64 {
    Scrape::of(&app.admin_url).await.sum(name, &[])
}

const START_PAGE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn whoever_asks_for_nothing_is_closed() {
    let app = with_limits("100", SOON, NEVER).start().await;
    for half_a_request in ["", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HT"] {
        let mut stream = connect(&app).await;
        say(&mut stream, half_a_request).await;
        let answer = rest_of(&mut stream).await;
        assert!(!answer.contains("HTTP/1.1"), "{half_a_request:?}: {answer}");
    }
    let mut stream = connect(&app).await;
    say(&mut stream, "GET / HTTP/1.1\r\nHost: a\r\nX-").await;
    is_unserved(&rest_of(&mut stream).await, TOO_LATE);
    assert_eq!(
        count(&app, "authseal_connections_timed_out_total").await,
        4.0
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_been_answered_may_wait_longer_but_not_forever() {
    let app = with_limits("100", NEVER, SOON).start().await;
    let mut stream = connect(&app).await;
    answer_to(&mut stream, START_PAGE).await;
    assert_eq!(rest_of(&mut stream).await, "");

    let app = with_limits("100", SOON, NEVER).start().await;
    let mut asked_once = connect(&app).await;
    answer_to(&mut asked_once, START_PAGE).await;
    let mut silent = connect(&app).await;
    rest_of(&mut silent).await;
    answer_to(&mut asked_once, START_PAGE).await;
}

#[tokio::test]
async fn with_no_room_left_whoever_never_asked_makes_it() {
    let app = with_limits("10", NEVER, NEVER).start().await;
    let mut kept = connect(&app).await;
    answer_to(&mut kept, START_PAGE).await;
    let mut half_open = Vec::new();
    for _ in 0..50 {
        let mut stream = connect(&app).await;
        say(&mut stream, "GET / HTTP/1.1\r\nX-A: ").await;
        half_open.push(stream);
    }
    let mut late = connect(&app).await;
    answer_to(&mut late, START_PAGE).await;
    answer_to(&mut kept, START_PAGE).await;
    assert_eq!(count(&app, "authseal_connections").await, 10.0);
    let displaced = count(&app, "authseal_connections_displaced_total").await;
    assert_eq!(displaced, 42.0);
    let mut answers = JoinSet::new();
    for mut stream in half_open {
        answers.spawn(async move { rest_of(&mut stream).await });
    }
    for _ in 0..42 {
        is_unserved(&answers.join_next().await.unwrap().unwrap(), OVERLOADED);
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_will_soon_be_displaced_says_so_with_its_last_answer() {
    let app = with_limits("3", NEVER, NEVER).start().await;
    let mut kept = Vec::new();
    for _ in 0..4 {
        // The fourth displaces the first.
        let mut stream = connect(&app).await;
        let answer = answer_to(&mut stream, START_PAGE).await;
        assert!(!answer.contains("connection: close"), "{answer}");
        kept.push(stream);
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(rest_of(&mut kept[0]).await, "");
    let answer = answer_to(&mut kept[1], START_PAGE).await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(rest_of(&mut kept[1]).await, "");
}

/// A connection on which a form has been announced, and nothing of it sent.
async fn announce_form(app: &TestApp, length: usize) -> TcpStream {
    let mut stream = connect(app).await;
    let head = format!(
        "POST /refresh HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    );
    say(&mut stream, &head).await;
    stream
}

#[tokio::test]
async fn half_a_body_is_no_request_yet_and_makes_room_too() {
    let app = with_limits("10", NEVER, NEVER).start().await;
    let mut half_sent = Vec::new();
    for _ in 0..50 {
        let mut stream = announce_form(&app, 9).await;
        say(&mut stream, "auth").await;
        half_sent.push(stream);
    }
    answer_to(&mut connect(&app).await, START_PAGE).await;
}

#[tokio::test]
async fn who_holds_most_of_unfinished_requests_makes_room_for_a_small_one() {
    let limits = Limits {
        first_head: NEVER,
        idle: NEVER,
        unfinished_bytes: 256 * 1024,
        ..Limits::default()
    };
    let app = TestApp::builder().limits(limits).start().await;
    let half = "b".repeat(30 * 1024);
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut stream = announce_form(&app, 60_000).await;
        // One that was displaced has been closed.
        let _ = stream.write_all(half.as_bytes()).await;
        held.push(stream);
    }
    eventually("somebody has made room", async || {
        (count(&app, "authseal_connections_displaced_total").await > 0.0).then_some(())
    })
    .await;
    let answer = post_form(&format!("{}/refresh", app.url), &[("authid", "x")]).await;
    assert_eq!(answer.status, 401, "{answer:?}");
}

#[tokio::test]
async fn a_newcomer_is_not_displaced_for_a_crowd_that_has_asked_once() {
    let app = with_limits("10", NEVER, NEVER).start().await;
    let mut newcomer = connect(&app).await;
    say(&mut newcomer, "GET / HTTP/1.1\r\n").await;
    let mut crowd = Vec::new();
    for _ in 0..50 {
        let mut stream = connect(&app).await;
        answer_to(&mut stream, START_PAGE).await;
        crowd.push(stream);
    }
    answer_to(&mut newcomer, "Host: a\r\n\r\n").await;
}

#[tokio::test]
async fn a_request_without_one_host_is_refused() {
    let app = TestApp::start().await;
    for head in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ] {
        let mut stream = connect(&app).await;
        say(&mut stream, head).await;
        let answer = rest_of(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    // HTTP/1.0 knows no Host.
    let mut stream = connect(&app).await;
    say(&mut stream, "GET / HTTP/1.0\r\n\r\n").await;
    assert!(rest_of(&mut stream).await.starts_with("HTTP/1.0 200"));
}

/// A server that takes this many connections, all of which wait for the provider.
async fn full_house(
    connections: usize,
    gate: &Gate,
) -> (TestApp, ScriptedProvider, Vec<TcpStream>) {
    let provider = gated(gate, |_| tokens("never-print-access", None));
    let app = with_limits(&connections.to_string(), NEVER, NEVER).scripted(&provider, "stable");
    let app = app.start().await;
    let mut answered = Vec::new();
    for _ in 0..connections {
        let mut stream = connect(&app).await;
        send_refresh(&mut stream, &app.seal("scripted", "never-print-refresh")).await;
        answered.push(stream);
    }
    provider.asked_times(connections).await;
    (app, provider, answered)
}

#[tokio::test]
async fn nobody_is_displaced_who_is_being_answered_and_others_are_told_to_try_again() {
    let gate = Gate::closed();
    let (app, provider, answered) = full_house(3, &gate).await;
    let authid = app.seal("scripted", "never-print-refresh");
    let mut next = connect(&app).await;
    send_refresh(&mut next, &authid).await;
    is_unserved(&rest_of(&mut next).await, OVERLOADED);
    let mut next = announce_form(&app, 8).await;
    say(&mut next, "authid=a").await;
    is_unserved(&rest_of(&mut next).await, OVERLOADED);
    let grant = [("grant_type", "refresh_token"), ("refresh_token", &authid)];
    let answer = post_form(&format!("{}/token", app.url), &grant).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert_eq!(answer.json()["error_description"], OVERLOADED);
    assert_eq!(provider.asked().len(), 3);
    gate.open();
    for mut stream in answered {
        let answer = rest_of(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    for (name, expected) in [
        ("authseal_connections_displaced_total", 0.0),
        ("authseal_requests_unserved_total", 3.0),
    ] {
        assert_eq!(count(&app, name).await, expected, "{name}");
    }
    eventually("there is room again", async || {
        (count(&app, "authseal_connections").await == 0.0).then_some(())
    })
    .await;
    answer_to(&mut connect(&app).await, START_PAGE).await;
}

#[tokio::test]
async fn connections_above_the_limit_that_ask_for_nothing_make_room_for_a_request() {
    let gate = Gate::closed();
    let (app, _provider, _answered) = full_house(1, &gate).await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(connect(&app).await);
    }
    let mut next = connect(&app).await;
    say(&mut next, START_PAGE).await;
    is_unserved(&rest_of(&mut next).await, OVERLOADED);
    let open = count(&app, "authseal_connections").await;
    assert!(open <= 65.0, "{open}");
    gate.open();
}

#[tokio::test]
async fn who_has_said_all_he_has_to_say_gets_his_answer() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let app = TestApp::builder().scripted(&provider, "stable");
    let app = app.start().await;
    let mut stream = connect(&app).await;
    send_refresh(&mut stream, &app.seal("scripted", "never-print-refresh")).await;
    stream.shutdown().await.unwrap();
    provider.asked_times(1).await;
    gate.open();
    let answer = rest_of(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    eventually("the place is free", async || {
        (count(&app, "authseal_connections").await == 0.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_ends_leaves_its_place() {
    let app = with_limits("5", NEVER, NEVER).start().await;
    for _ in 0..20 {
        let mut stream = connect(&app).await;
        answer_to(&mut stream, START_PAGE).await;
    }
    eventually("all places are free", async || {
        (count(&app, "authseal_connections").await == 0.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_refused_and_the_server_goes_on() {
    let app = TestApp::start().await;
    let long = "a".repeat(70 * 1024);
    let many = "X-A: b\r\n".repeat(5000);
    for (request, status) in [
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nX-A: {long}\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\n{many}\r\n"), "431"),
    ] {
        let mut stream = connect(&app).await;
        say(&mut stream, &request).await;
        let answer = rest_of(&mut stream).await;
        let shown = &answer[..answer.len().min(60)];
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{shown}");
    }
    answer_to(&mut connect(&app).await, START_PAGE).await;
}

#[tokio::test]
async fn an_authid_of_16_kib_fits_wherever_it_may_stand() {
    let app = TestApp::start().await;
    let longest = format!("v2:stable:{}", "A".repeat(16 * 1024 - 10));
    let escaped: String = longest.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let form = format!("authid={escaped}");
    for request in [
        format!(
            "GET /refresh HTTP/1.1\r\nHost: a\r\nX-AuthID: {longest}\r\nConnection: close\r\n\r\n"
        ),
        format!("GET /refresh?authid={escaped} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        format!(
            "POST /refresh HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len()
        ),
    ] {
        let mut stream = connect(&app).await;
        say(&mut stream, &request).await;
        let answer = rest_of(&mut stream).await;
        // It was read whole, and found not to be one.
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(answer.contains("x-reason:"), "{answer}");
    }
}
