//! Servers that take AuthIDs of oauth-server, and cannot open one.

use std::{os::unix::fs::symlink, sync::Arc};

use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::causes::{Seen, provider_says};
use crate::support::{Answer, ScriptedProvider, TestApp, aes_crypt, post_form, tokens};

/// More than are opened and wait at once.
const CROWD: usize = 300;
const ID: &str = "0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "never-print-password";
/// What anybody may try before it is counted.
const TRIES: usize = 100;

fn authid() -> String {
    format!("{ID}:{PASSWORD}")
}

async fn app(provider: &ScriptedProvider, storage: &TempDir) -> TestApp {
    TestApp::builder()
        .scripted(provider, "stable")
        .env("AUTHSEAL_ACCEPT_V2_PLAIN", "true")
        .env("AUTHSEAL_V1_STORAGE", storage.path().to_str().unwrap())
        .start()
        .await
}

/// Many clients come at once with the same good AuthID. The file of each one is opened
/// apart.
pub async fn busy() -> Seen {
    let provider = ScriptedProvider::start(|_| tokens("never-print-access", None));
    let storage = tempfile::tempdir().unwrap();
    let content = json!({ "ServiceId": "scripted", "RefreshToken": "never-print-refresh" });
    let file = aes_crypt(content.to_string().as_bytes(), PASSWORD);
    std::fs::write(storage.path().join(ID), file).unwrap();
    let app = Arc::new(app(&provider, &storage).await);
    assert_eq!(app.refresh(&authid()).await.status, 200);
    let refresh = turned_away(&app, async |app| app.refresh(&authid()).await).await;
    let token = turned_away(&app, async |app| {
        let authid = authid();
        let form = [("grant_type", "refresh_token"), ("refresh_token", &authid)];
        post_form(&format!("{}/token", app.url), &form).await
    });
    Seen::with(&app, refresh, token.await).naming(None)
}

/// The answer to the first of a crowd that gets no token.
async fn turned_away<F>(app: &Arc<TestApp>, ask: impl Fn(Arc<TestApp>) -> F) -> Answer
where
    F: Future<Output = Answer> + 'static,
{
    let mut crowd = JoinSet::new();
    loop {
        for _ in 0..CROWD {
            crowd.spawn_local(ask(app.clone()));
        }
        let answers = std::mem::take(&mut crowd).join_all().await;
        if let Some(refused) = answers.into_iter().find(|answer| answer.status != 200) {
            return refused;
        }
    }
}

pub async fn unreadable() -> Seen {
    let provider = ScriptedProvider::start(|_| tokens("never-print-access", None));
    let storage = tempfile::tempdir().unwrap();
    // A regular file that nobody can read, root included: its first page is not there.
    symlink("/proc/self/mem", storage.path().join(ID)).unwrap();
    let app = app(&provider, &storage).await;
    Seen::of(&app, &authid()).await.naming(None)
}

pub async fn too_many() -> Seen {
    let refusal = r#"{"error":"invalid_grant"}"#;
    let provider = ScriptedProvider::start(move |_| provider_says("400 Bad Request", refusal));
    let storage = tempfile::tempdir().unwrap();
    let app = app(&provider, &storage).await;
    for number in 0..TRIES {
        let made_up = format!("v2:scripted:made-up-{number}");
        assert_eq!(app.refresh(&made_up).await.status, 401);
    }
    Seen::of(&app, "v2:scripted:made-up").await
}
