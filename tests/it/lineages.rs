//! Stock Duplicati starts every job from the AuthID in its settings, generation 0,
//! also when the provider takes each refresh token once.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use authseal::keyring::KeyFolder;

use crate::support::{
    Answer, Asked, Piece, ScriptedProvider, TestApp, answer, form_request, send, tokens,
};

const HOUR: Duration = Duration::from_secs(3600);
const TIMES: u32 = 200;

fn newest(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let authid = answer.json()["v2_authid"].as_str().map(str::to_owned);
    authid.unwrap_or_else(|| panic!("{answer:?}"))
}

#[tokio::test]
async fn a_client_that_always_starts_from_the_login_never_replays_a_used_token() {
    let app = TestApp::start().await;
    let at_login = app.authid("single-use").await;
    for time in 1..=TIMES {
        let newest = app.open(&newest(&app.refresh(&at_login).await));
        assert_eq!(newest.generation, time);
        assert_eq!(newest.lineage, app.open(&at_login).lineage);
        app.clock.advance(HOUR);
    }
    let seen = app.provider.seen();
    assert_eq!(
        (seen.refreshes, seen.replays, seen.refusals),
        (u64::from(TIMES), 0, 0)
    );
}

#[tokio::test]
async fn it_survives_a_change_of_keys_and_a_renewal() {
    let app = TestApp::start().await;
    let at_login = app.authid("single-use").await;
    for _ in 0..3 {
        newest(&app.refresh(&at_login).await);
        app.clock.advance(HOUR);
    }
    let folder = KeyFolder::new(&app.keys_dir);
    let old = app.app.keyring.current().iter().next().unwrap().kid.clone();
    folder.create_key(app.clock.now(), Duration::ZERO).unwrap();
    app.app.keyring.reload().unwrap();
    // What is known was sealed under the old key, and the next under the new one.
    let renewed = newest(&app.refresh(&at_login).await);
    app.clock.advance(HOUR);
    newest(&app.refresh(&at_login).await);
    app.clock.advance(HOUR);
    folder.retire_key(&old, Some(app.clock.now())).unwrap();
    app.app.keyring.reload().unwrap();
    assert_eq!(app.refresh(&at_login).await.status, 401);
    for _ in 0..3 {
        newest(&app.refresh(&renewed).await);
        app.clock.advance(HOUR);
    }
    assert_eq!(app.provider.seen().replays, 0);
}

/// Gives "never-print-1", "never-print-2" and so on, and remembers what it was sent.
pub fn numbering() -> impl Fn(&Asked) -> Vec<Piece> + Send + Sync {
    let next = AtomicU64::new(1);
    move |asked| match asked.request_line.contains("/revoke") {
        true => answer("200 OK", "", ""),
        false => {
            let number = next.fetch_add(1, Ordering::SeqCst);
            tokens("never-print-access", Some(&format!("never-print-{number}")))
        }
    }
}

#[tokio::test]
async fn a_sliding_row_goes_on_from_its_newest_token_too() {
    let provider = ScriptedProvider::start(numbering());
    let app = TestApp::builder().scripted(&provider, "sliding");
    let app = app.start().await;
    let at_login = app.seal("scripted", "never-print-0");
    for _ in 0..TIMES {
        newest(&app.refresh(&at_login).await);
        app.clock.advance(HOUR);
    }
    let sent = provider.asked();
    assert_eq!(sent.len(), TIMES as usize);
    for (number, asked) in sent.iter().enumerate() {
        assert_eq!(
            asked.field("refresh_token"),
            format!("never-print-{number}")
        );
    }
}

#[tokio::test]
async fn a_revoked_login_is_refused_without_asking_the_provider() {
    let provider = ScriptedProvider::start(numbering());
    let tables = format!(
        "[provider.once]\nname = \"Once\"\ncredentials = [\"ONCE\"]\n\
         authorize_url = \"https://provider.example/authorize\"\n\
         token_url = {:?}\nrevoke_url = {:?}\nrefresh_tokens = \"single-use\"\n\
         [service.once]\nprovider = \"once\"\nname = \"Once\"\nscope = \"files\"\n",
        provider.url("/token"),
        provider.url("/revoke")
    );
    let app = TestApp::builder()
        .tables(&tables)
        .env("ONCE_CLIENT_ID", "once")
        .env("ONCE_CLIENT_SECRET", crate::support::CLIENT_SECRET);
    let app = app.start().await;
    let at_login = app.seal("once", "never-print-0");
    for _ in 0..3 {
        newest(&app.refresh(&at_login).await);
        app.clock.advance(HOUR);
    }
    let mut request = form_request(&format!("{}/revoked", app.url), &[]);
    request
        .headers_mut()
        .insert("X-AuthID", at_login.parse().unwrap());
    send(request).await.good();
    provider.forget();
    // What the client has may be used up, and is not sent again.
    let refused = app.refresh(&at_login).await;
    assert_eq!(refused.status, 401, "{refused:?}");
    assert!(
        refused.header("x-reason").contains("revoked"),
        "{refused:?}"
    );
    assert!(provider.asked().is_empty());

    let lineage = app.open(&at_login).lineage.to_string();
    KeyFolder::new(&app.keys_dir)
        .revoke(&lineage, None)
        .unwrap();
    app.app.keyring.reload().unwrap();
    provider.forget();
    assert_eq!(app.refresh(&at_login).await.status, 401);
    assert!(provider.asked().is_empty());
}
