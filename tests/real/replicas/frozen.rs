//! A replica that stands still, as under SIGSTOP or on a host that swaps.

use super::{
    fleet::{Fleet, refresh},
    redis::Redis,
};
use crate::support::{Client, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stands_still_after_it_sent_is_waited_for() {
    let fleet = Fleet::new(&["jottacloud"]).await;
    let redis = Redis::start().await;
    let frozen = fleet.replica(Some(&redis.url())).await.process;
    let other = fleet.replica(Some(&redis.url())).await.process;
    let login = fleet.log_in("jottacloud");
    let emulator = fleet.emulator("jottacloud");
    let (worked, go) = emulator.late("/token");
    let client = Client::new();
    let meanwhile = async {
        worked.notified().await;
        emulator.mend();
        frozen.program.freeze().await;
        // The answer waits in its socket.
        go.notify_one();
        // Each of these waits 15 seconds, so it stands still for 30.
        for _ in 0..2 {
            // On a busy machine Redis may be late, for another 503.
            eventually("the other has waited", async || {
                let answer = refresh(&client, &other.url, &login.authid).await;
                assert_eq!(answer.status, 503, "{answer:?}");
                let reason = answer.header("x-reason");
                reason.starts_with("Another server").then_some(())
            })
            .await;
        }
        frozen.program.thaw().await;
        fleet.refreshes_again(&other.url, &login).await;
    };
    let (_, ()) = tokio::join!(refresh(&client, &frozen.url, &login.authid), meanwhile);
    for url in [&frozen.url, &other.url] {
        fleet.refreshes_again(url, &login).await;
    }
    assert_eq!(fleet.replays(), 0);
    assert_eq!(emulator.books().live_grants(), 1);
}
