//! What strangers and holders, networks and regions, do not share.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use http::Response;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use super::strangers::{good_login, nothing_is_under_way, refreshes, to_logins};
use crate::support::{
    Gate, Piece, Scrape, ScriptedProvider, TestApp, believing, elsewhere, eventually, gated, tokens,
};

#[tokio::test(start_paused = true)]
async fn a_code_that_has_not_had_its_turn_can_come_again() {
    let gate = Gate::closed();
    let slow = [vec![Piece::Wait(gate.clone())], good_login()].concat();
    let provider = ScriptedProvider::start(to_logins(slow));
    let app = Arc::new(believing(&provider).start().await);
    let mut others = JoinSet::new();
    let mut log_in = |number| {
        let app = app.clone();
        others.spawn(async move { app.log_in_from("scripted", &elsewhere(number)).await });
    };
    (0..16).for_each(&mut log_in);
    provider.asked_times(16).await;
    let login = app.begin("scripted").await;
    // It is loaded again while it waits, and its browser closes the first connection.
    let waiting = async || {
        let scrape = Scrape::of(&app.admin_url).await;
        (scrape.sum("authseal_provider_calls_waiting", &[]) == 1.0).then_some(())
    };
    tokio::select! {
        page = app.call_back(&login, "a-code", "192.0.2.1") => panic!("it had a turn: {page:?}"),
        () = eventually("it waits", waiting) => {}
    }
    eventually("it waits no more", async || {
        let scrape = Scrape::of(&app.admin_url).await;
        (scrape.sum("authseal_provider_calls_waiting", &[]) == 0.0).then_some(())
    })
    .await;
    // The queue is full, and it is sent away.
    (16..16 + 256).for_each(&mut log_in);
    eventually("the queue is full", async || {
        let scrape = Scrape::of(&app.admin_url).await;
        (scrape.sum("authseal_provider_calls_waiting", &[]) == 256.0).then_some(())
    })
    .await;
    let page = app.call_back(&login, "a-code", "192.0.2.1").await;
    assert_eq!(page.status, 502, "{page:?}");
    assert_eq!(page.header("set-cookie"), "");
    gate.open();
    others.join_all().await;
    app.call_back(&login, "a-code", "192.0.2.1").await.good();
}

#[tokio::test]
async fn a_network_takes_so_much_of_the_memory_of_used_logins() {
    let provider = ScriptedProvider::start(to_logins(good_login()));
    let app = believing(&provider).start().await;
    for number in 0..25 {
        let login = app.begin("scripted").await;
        let url = format!("{}/logged-in?state={}&error=x", app.url, login.state);
        let headers = [
            ("cookie", login.cookie.as_str()),
            ("x-forwarded-for", "192.0.2.1"),
        ];
        let page = crate::support::get(&url, &headers).await;
        assert_eq!(page.status, if number < 20 { 400 } else { 429 }, "{page:?}");
    }
    assert_eq!(app.log_in_from("scripted", "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn a_region_that_is_away_keeps_nobody_of_another_region_out() {
    let provider = ScriptedProvider::start(|_| good_login());
    let live = provider.url("").replace("http://", "");
    let table = format!(
        r#"
[provider.regional]
name = "Test provider"
credentials = ["TEST_SCRIPTED"]
authorize_url = "https://provider.example/authorize"
token_url = "http://{{region}}/token"
refresh_tokens = "stable"
redirect_path = "/logged-in"

[provider.regional.region]
parameter = "place"
# Nobody listens on port 1.
values = {{ away = "127.0.0.1:1", live = "{live}" }}

[service.regional]
provider = "regional"
name = "Test storage"
scope = "files"
"#
    );
    let app = believing(&provider).tables(&table).start().await;
    let log_in = async |place: &str, from: String| {
        let login = app.begin("regional").await;
        let code = format!("a-code&place={place}");
        app.call_back(&login, &code, &from).await
    };
    for number in 0..6 {
        assert_eq!(log_in("away", elsewhere(number)).await.status, 503);
    }
    log_in("live", elsewhere(7)).await.good();
}

#[tokio::test]
async fn strangers_and_holders_share_no_connection_to_a_provider() {
    let (provider, asked) = keeping_connections().await;
    let app = TestApp::builder()
        .scripted_at(&format!("http://{provider}/token"), "stable")
        .env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1")
        .env("AUTHSEAL_CACHE_MB", "0")
        .env("AUTHSEAL_ACCEPT_V2_PLAIN", "true");
    let app = app.start().await;
    for _ in 0..2 {
        assert_eq!(app.log_in_from("scripted", "192.0.2.1").await.status, 200);
        refreshes(&app, 1).await;
        let clear = "v2:scripted:never-print-clear";
        assert_eq!(app.refresh_from(clear, "192.0.2.1").await.status, 200);
    }
    // A clear AuthID is a stranger's until the provider has taken it.
    let (strangers, holders) = (0, 1);
    let expected = [strangers, holders, strangers, strangers, holders, holders];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_clear_authid_is_good_also_if_its_client_had_gone() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let app = believing(&provider)
        .env("AUTHSEAL_ACCEPT_V2_PLAIN", "true")
        .start()
        .await;
    let clear = "v2:scripted:never-print-clear";
    tokio::select! {
        answer = app.refresh_from(clear, "192.0.2.1") => panic!("{answer:?}"),
        () = provider.asked_times(1) => {}
    }
    gate.open();
    nothing_is_under_way(&app).await;
    // More often than one that may be made up is tried.
    for _ in 0..150 {
        assert_eq!(app.refresh_from(clear, "192.0.2.1").await.status, 200);
    }
    assert_eq!(provider.asked().len(), 1);
}

/// A token endpoint that keeps its connections, and a list of those that its requests
/// came by.
async fn keeping_connections() -> (SocketAddr, Arc<Mutex<Vec<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let list = asked.clone();
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let list = list.clone();
            let answer = service_fn(move |_request| {
                list.lock().unwrap().push(connection);
                let body = r#"{"access_token":"a","refresh_token":"r","token_type":"bearer"}"#;
                async move { Ok::<_, Infallible>(Response::new(body.to_owned())) }
            });
            let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            tokio::spawn(serving);
        }
    });
    (address, asked)
}
