//! Servers with too much to do, with a provider that is left alone, or about to stop.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use super::causes::{REFRESH_TOKEN, Seen, provider_says};
use crate::support::{
    Answer, Gate, Scrape, ScriptedProvider, TestApp, connect, eventually, gated, get, tokens,
};

/// Calls to one provider at once, and the calls that may wait.
const CALLS: usize = 128;
const QUEUE: usize = 1024;

/// Sees it on a clock of its own, which stands still while there is something to do: on a
/// busy machine, too, a crowd waits no longer than it may.
pub async fn on_its_own_clock<F: Future<Output = Seen>>(
    seen: impl FnOnce() -> F + Send + 'static,
) -> Seen {
    let seeing = tokio::task::spawn_blocking(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(seen())
    });
    seeing.await.unwrap()
}

/// Three logins have failed, and the next one waits in vain.
pub async fn breaker_open() -> Seen {
    let provider = ScriptedProvider::start(|_| provider_says("500 Internal Server Error", "{}"));
    // Single-use tokens are sent once, so that this takes no tries of its own.
    let app = TestApp::builder().scripted(&provider, "single-use");
    let app = app
        .breaker_rest(Duration::from_secs(3600))
        .provider_deadline(Duration::from_secs(1));
    let app = app.start().await;
    let login = || app.seal("scripted", REFRESH_TOKEN);
    for _ in 0..3 {
        app.refresh(&login()).await;
    }
    let seen = Seen::at_once(&app, &login()).await;
    assert_eq!(provider.asked().len(), 3);
    seen
}

pub async fn overload() -> Seen {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let app = TestApp::builder().scripted(&provider, "stable");
    let app = Arc::new(app.start().await);
    let mut others = JoinSet::new();
    for _ in 0..CALLS + QUEUE {
        let app = app.clone();
        others.spawn(async move {
            let authid = app.seal("scripted", REFRESH_TOKEN);
            app.refresh(&authid).await
        });
    }
    eventually("the queue is full", async || {
        let scrape = Scrape::of(&app.admin_url).await;
        let waiting = scrape.sum("authseal_provider_calls_waiting", &[]);
        (waiting >= QUEUE as f64).then_some(())
    })
    .await;
    // The crowd ends with its clock.
    Seen::of(&app, &app.seal("scripted", REFRESH_TOKEN)).await
}

/// Both requests are half sent when the server is told to stop.
pub async fn draining(app: TestApp) -> Seen {
    let authid = app.seal("scripted", REFRESH_TOKEN);
    let (server, readyz) = (app.url.clone(), format!("{}/readyz", app.admin_url));
    let refresh = begin_form(&app, "/refresh", &[("authid", &authid)]).await;
    let grant = [("grant_type", "refresh_token"), ("refresh_token", &authid)];
    let token = begin_form(&app, "/token", &grant).await;
    let stopping = tokio::spawn(app.stop());
    eventually("it stops", async || {
        (get(&readyz, &[]).await.status == 503).then_some(())
    })
    .await;
    let seen = Seen {
        server,
        service: Some("scripted"),
        refresh: finish(refresh).await,
        token: finish(token).await,
    };
    stopping.await.unwrap();
    seen
}

/// Sends a form but for its last byte, which is returned with the connection.
async fn begin_form(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> (TcpStream, char) {
    let mut form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let length = form.len();
    let last = form.pop().unwrap();
    let mut stream = connect(app).await;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    (stream, last)
}

async fn finish((mut stream, last): (TcpStream, char)) -> Answer {
    stream.write_all(&[last as u8]).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("closed unanswered");
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.parse().unwrap(), value.parse().unwrap())
    });
    Answer {
        status: status.parse().unwrap(),
        headers: headers.collect::<HeaderMap>(),
        body: body.into(),
    }
}
