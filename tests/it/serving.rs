//! From the first answer to the last: health, and stopping without losing a
//! request. The program itself, where it is about the program.

use std::{net::SocketAddr, time::Duration};

use authseal::{
    clock::Clock,
    keyring::{KeySource, Keyring},
};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

use crate::support::{
    Gate, Program, ScriptedProvider, TestApp, connect, gated, get, hang_up, run, seal,
    send_refresh, tokens,
};

/// To see that something does not happen; nothing waits for its end.
const A_WHILE: Duration = Duration::from_millis(50);

#[tokio::test]
async fn health_is_asked_on_the_admin_address_alone() {
    let app = TestApp::start().await;
    for (path, status, body) in [
        ("/healthz", 200, "ok\n"),
        ("/readyz", 200, "ready\n"),
        ("/", 404, "There is /healthz, /readyz and /metrics.\n"),
        (
            "/refresh",
            404,
            "There is /healthz, /readyz and /metrics.\n",
        ),
    ] {
        let answer = get(&format!("{}{path}", app.admin_url), &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (status, body)
        );
    }
    assert_eq!(get(&format!("{}/readyz", app.url), &[]).await.status, 404);
}

#[tokio::test]
async fn without_a_key_that_may_seal_it_is_alive_but_not_ready() {
    let app = TestApp::start().await;
    let authid = app.seal("stable", "never-print-refresh");
    let kid = app.app.keyring.current().iter().next().unwrap().kid.clone();
    let folder = authseal::keyring::KeyFolder::new(&app.keys_dir);
    folder.remove_key(&kid, app.clock.now()).unwrap();
    let says = app.app.keyring.reload().unwrap_err().to_string();
    assert!(says.contains("make one with authseal keys new"), "{says}");
    assert_eq!(
        get(&format!("{}/healthz", app.admin_url), &[]).await.status,
        200
    );
    assert_eq!(
        get(&format!("{}/readyz", app.admin_url), &[]).await.status,
        503
    );
    assert_eq!(app.refresh(&authid).await.status, 401);
    let login = get(&format!("{}/login?id=stable", app.url), &[]).await;
    assert_eq!(login.status, 500, "{login:?}");
}

/// Waits until new connections are refused.
async fn closed(address: SocketAddr) {
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

async fn rest_of(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let app = TestApp::builder()
        .scripted(&provider, "stable")
        .start()
        .await;
    let authid = app.seal("scripted", "never-print-refresh");
    let mut stream = connect(&app).await;
    send_refresh(&mut stream, &authid).await;
    provider.asked_times(1).await;

    let address = app.app.address.unwrap();
    let mut stopped = tokio::spawn(app.stop());
    closed(address).await;
    assert!(timeout(A_WHILE, &mut stopped).await.is_err());
    gate.open();
    let answer = rest_of(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_provider_call_without_a_client_is_finished_before_the_end() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| {
        tokens("never-print-access", Some("never-print-new"))
    });
    let app = TestApp::builder()
        .scripted(&provider, "single-use")
        .start()
        .await;
    let authid = app.seal("scripted", "never-print-refresh");
    hang_up(&app, &authid, &provider).await;

    let address = app.app.address.unwrap();
    let mut stopped = tokio::spawn(app.stop());
    closed(address).await;
    assert!(timeout(A_WHILE, &mut stopped).await.is_err());
    gate.open();
    stopped.await.unwrap();
}

#[tokio::test]
async fn the_program_answers_what_is_under_way_and_ends_well_on_sigterm() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let keys = tempfile::tempdir().unwrap();
    let tables = tempfile::NamedTempFile::new().unwrap();
    let moved = format!(
        "[provider.dropbox]\ntoken_url = {:?}",
        provider.url("/token")
    );
    std::fs::write(tables.path(), moved).unwrap();
    let environment = [
        ("AUTHSEAL_PUBLIC_URL", "http://localhost"),
        ("AUTHSEAL_LISTEN", "127.0.0.1:0"),
        ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:0"),
        ("AUTHSEAL_KEYS_DIR", keys.path().to_str().unwrap()),
        ("AUTHSEAL_PROVIDERS", tables.path().to_str().unwrap()),
        ("DROPBOX_CLIENT_ID", "id"),
        ("DROPBOX_CLIENT_SECRET", "never-print-secret"),
    ];
    let program = Program::start(&["serve"], &environment);
    let addresses = program.says("serving http://localhost on ").await;
    let (address, admin) = addresses.split_once(", health on ").unwrap();

    let health = run(&["health"], &[("AUTHSEAL_ADMIN_LISTEN", admin)]).await;
    assert_eq!(health.status.code(), Some(0));
    assert_eq!(health.stdout, b"ready\n");

    let keyring = Keyring::load(KeySource::Folder(keys.path().into())).unwrap();
    let now = Clock::system().now();
    let authid = seal(&keyring, now, "dropbox", "never-print-refresh");
    let mut stream = TcpStream::connect(address).await.unwrap();
    send_refresh(&mut stream, &authid).await;
    provider.asked_times(1).await;
    program.terminate().await;
    closed(address.parse().unwrap()).await;
    gate.open();
    let answer = rest_of(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (status, output) = program.end().await;
    assert_eq!(status.code(), Some(0), "{output}");

    let health = run(&["health"], &[("AUTHSEAL_ADMIN_LISTEN", admin)]).await;
    assert_eq!(health.status.code(), Some(1));
    assert!(
        String::from_utf8(health.stderr)
            .unwrap()
            .contains("refused")
    );
}

#[tokio::test]
async fn two_servers_share_logins_when_they_share_keys() {
    let provider = ScriptedProvider::start(|_| tokens("never-print-access", None));
    let one = TestApp::builder()
        .scripted(&provider, "stable")
        .start()
        .await;
    let keys = one.app.keyring.current();
    let set: Vec<String> = keys
        .iter()
        .map(|key| key.to_json().expose().to_owned())
        .collect();
    let set = format!("{{\"keys\":[{}]}}", set.join(","));
    let two = TestApp::builder()
        .scripted(&provider, "stable")
        .env("AUTHSEAL_KEYS_DIR", "")
        .env("AUTHSEAL_KEYS", &set);
    let two = two.start().await;
    let authid = one.seal("scripted", "never-print-refresh");
    assert_eq!(two.refresh(&authid).await.status, 200);
}
