//! A provider whose refresh tokens stay has no use for the store.

use super::{
    fleet::{Fleet, refresh},
    redis::{Redis, calls},
};
use crate::support::Client;

#[tokio::test(flavor = "multi_thread")]
async fn a_stable_provider_never_touches_the_store() {
    let fleet = Fleet::new(&["dropbox", "box"]).await;
    let redis = Redis::start().await;
    let replica = fleet.replica(Some(&redis.url())).await;
    let client = Client::new();
    let mut used = Vec::new();
    for provider in ["dropbox", "box"] {
        let authid = fleet.log_in(provider).authid;
        let before = calls(&redis).await;
        for _ in 0..50 {
            refresh(&client, &replica.process.url, &authid).await.good();
        }
        assert_eq!(fleet.emulator(provider).calls("/token").len(), 50);
        used.push(calls(&redis).await - before);
    }
    assert_eq!(used[0], 0);
    // Begin and settle, each with what it runs inside of Redis.
    assert!(used[1] >= 100, "{used:?}");
}
