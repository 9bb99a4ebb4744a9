//! Sliding providers: with a store, a login lasts for 90 days after its last use.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use authseal::clock::UnixTime;

use crate::support::{Asked, Piece, ScriptedProvider, TestApp, json, tokens};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const START: UnixTime = UnixTime(1_800_000_000);

/// A provider whose refresh tokens end 90 days after they were issued, and stay valid after
/// their use. A token is the time at which it was issued.
fn provider(now: &Arc<Mutex<UnixTime>>) -> ScriptedProvider {
    let now = now.clone();
    ScriptedProvider::start(move |asked: &Asked| -> Vec<Piece> {
        let now = *now.lock().unwrap();
        let token = asked.field("refresh_token");
        let issued: u64 = token.trim_start_matches("never-print-").parse().unwrap();
        match now.since(UnixTime(issued)) < 90 * DAY {
            true => tokens("never-print-a", Some(&format!("never-print-{}", now.0))),
            false => json("400 Bad Request", r#"{"error":"invalid_grant"}"#),
        }
    })
}

/// Refreshes every 60 days by the AuthID of the login, and restarts each time. Returns the
/// statuses.
async fn refreshed_rarely(store: &str) -> Vec<u16> {
    let keys = tempfile::tempdir().unwrap();
    let keys = keys.path().join("keys");
    let now = Arc::new(Mutex::new(START));
    let provider = provider(&now);
    let mut authid = None;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let app = TestApp::builder()
            .scripted(&provider, "sliding")
            .env("AUTHSEAL_KEYS_DIR", keys.to_str().unwrap())
            .env("AUTHSEAL_STORE_URL", store);
        let app = app.start().await;
        app.clock.set(*now.lock().unwrap());
        let first = || app.seal("scripted", &format!("never-print-{}", START.0));
        let authid = authid.get_or_insert_with(first);
        statuses.push(app.refresh(authid).await.status.as_u16());
        app.stop().await;
        let mut now = now.lock().unwrap();
        *now = now.plus(60 * DAY);
    }
    statuses
}

#[tokio::test]
async fn a_sliding_login_lasts_for_90_days_after_its_last_use() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("file:{}", folder.path().join("store").display());
    assert_eq!(refreshed_rarely(&store).await, [200, 200, 200, 200]);
    assert_eq!(refreshed_rarely("").await, [200, 200, 401, 401]);
}
