//! A request over HTTP/1.1 in each state in which a shutdown can meet it.

use std::{io::Write, time::Duration};

use authseal::listen::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    Gate, TestApp, TestAppBuilder, begin_to_stop, connect, form_request, gated, is_unserved,
    rest_of, send_refresh, tokens,
};

pub const RESTARTING: &str = "This OAuth server is restarting. Try again in a moment";
pub const NEVER: Duration = Duration::from_secs(3600);
pub const SOON: Duration = Duration::from_millis(50);
/// Waits for everything.
pub const PATIENT: Times = Times {
    quiet: NEVER,
    rest_of_request: NEVER,
    drain: NEVER,
};
const HALF_A_HEAD: &str = "GET / HTTP/1.1\r\nHost: a\r\nX-";
const REST_OF_THE_HEAD: &str = "A: b\r\n\r\n";
const HALF_A_FORM: &str = "POST /refresh HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\
                           Content-Type: application/x-www-form-urlencoded\r\n\r\nauth";
const REST_OF_THE_FORM: &str = "id=ab";

/// Times of a shutdown.
#[derive(Clone, Copy)]
pub struct Times {
    pub quiet: Duration,
    pub rest_of_request: Duration,
    pub drain: Duration,
}

impl Times {
    pub fn app(self) -> TestAppBuilder {
        TestApp::builder().limits(Limits {
            quiet: self.quiet,
            rest_of_request: self.rest_of_request,
            drain: self.drain,
            ..Limits::default()
        })
    }
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// A connection that has been answered and is kept.
async fn kept(app: &TestApp) -> TcpStream {
    let mut stream = connect(app).await;
    say(
        &mut stream,
        "GET /privacy-policy HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"</html>") {
        answer.push(stream.read_u8().await.unwrap());
    }
    stream
}

/// A connection on which this much of a request has been sent.
async fn begun(app: &TestApp, is_kept: bool, text: &str) -> TcpStream {
    let mut stream = match is_kept {
        true => kept(app).await,
        false => connect(app).await,
    };
    say(&mut stream, text).await;
    stream
}

#[tokio::test]
async fn connections_that_were_not_accepted_yet_are_served() {
    let app = TestApp::start().await;
    let mut waiting = Vec::new();
    for _ in 0..8 {
        // Nothing is awaited here, so the server accepts nothing meanwhile.
        let mut stream = std::net::TcpStream::connect(app.app.address.unwrap()).unwrap();
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        waiting.push(TcpStream::from_std(stream).unwrap());
    }
    let stopped = tokio::spawn(app.stop());
    for mut stream in waiting {
        let answer = rest_of(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    stopped.await.unwrap();
}

#[tokio::test]
async fn what_comes_whole_while_the_server_stops_is_served() {
    let app = PATIENT.app().start().await;
    let whole = format!("{HALF_A_HEAD}{REST_OF_THE_HEAD}");
    let mut requests = Vec::new();
    for is_kept in [false, true] {
        for (sent, rest, status) in [
            ("", whole.as_str(), "200"),
            (HALF_A_HEAD, REST_OF_THE_HEAD, "200"),
            // No AuthID.
            (HALF_A_FORM, REST_OF_THE_FORM, "40"),
        ] {
            let stream = begun(&app, is_kept, sent).await;
            requests.push((stream, rest, status));
        }
    }
    let stopped = begin_to_stop(app).await;
    for (mut stream, rest, status) in requests {
        say(&mut stream, rest).await;
        let answer = rest_of(&mut stream).await;
        let start = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&start), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    stopped.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn half_a_head_is_answered_when_its_rest_does_not_come_in_time() {
    let times = Times {
        quiet: SOON,
        rest_of_request: SOON,
        ..PATIENT
    };
    let app = times.app().start().await;
    let (mut halves, mut silent) = (Vec::new(), Vec::new());
    for is_kept in [false, true] {
        halves.push(begun(&app, is_kept, HALF_A_HEAD).await);
        silent.push(begun(&app, is_kept, "").await);
    }
    let stopped = begin_to_stop(app).await;
    for mut stream in halves {
        is_unserved(&rest_of(&mut stream).await, RESTARTING);
    }
    for mut stream in silent {
        assert_eq!(rest_of(&mut stream).await, "");
    }
    stopped.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn so_is_half_a_form() {
    let times = Times {
        rest_of_request: SOON,
        ..PATIENT
    };
    let app = times.app().start().await;
    let mut stream = kept(&app).await;
    let stopped = begin_to_stop(app).await;
    say(&mut stream, HALF_A_FORM).await;
    is_unserved(&rest_of(&mut stream).await, RESTARTING);
    stopped.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_drain_deadline_every_request_is_answered() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let times = Times {
        drain: SOON,
        ..PATIENT
    };
    let app = times.app().scripted(&provider, "stable").start().await;
    let mut requests = Vec::new();
    for is_kept in [false, true] {
        for sent in [HALF_A_HEAD, HALF_A_FORM] {
            requests.push(begun(&app, is_kept, sent).await);
        }
        let mut stream = begun(&app, is_kept, "").await;
        send_refresh(&mut stream, &app.seal("scripted", "never-print-refresh")).await;
        requests.push(stream);
    }
    let token = app.seal("scripted", "never-print-refresh");
    let grant = [("grant_type", "refresh_token"), ("refresh_token", &token)];
    let request = form_request(&format!("{}/token", app.url), &grant);
    let token = tokio::spawn(crate::support::send(request));
    let mut idle = kept(&app).await;
    provider.asked_times(3).await;
    let stopped = begin_to_stop(app).await;
    for mut stream in requests {
        is_unserved(&rest_of(&mut stream).await, RESTARTING);
    }
    let answer = token.await.unwrap();
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert_eq!(answer.json()["error_description"], RESTARTING);
    assert_eq!(rest_of(&mut idle).await, "");
    gate.open();
    stopped.await.unwrap();
    assert_eq!(provider.asked().len(), 3);
}

#[tokio::test]
async fn a_request_that_arrives_while_its_idle_connection_is_being_closed_is_answered() {
    let times = Times {
        quiet: Duration::ZERO,
        ..PATIENT
    };
    let app = times.app().start().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(kept(&app).await);
    }
    for stream in &streams {
        // Nothing is awaited, so the server has not seen it when it is stopped.
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(stream.try_write(request).unwrap(), request.len());
    }
    let stopped = tokio::spawn(app.stop());
    for mut stream in streams {
        let answer = rest_of(&mut stream).await;
        match answer.starts_with("HTTP/1.1 200") {
            true => assert!(answer.contains("connection: close"), "{answer}"),
            false => is_unserved(&answer, RESTARTING),
        }
    }
    stopped.await.unwrap();
}
