//! A provider whose table says that refresh tokens stay, and which replaces them.

use super::{
    fleet::{Fleet, Replica, refresh},
    redis::Redis,
};
use crate::support::{Client, Scrape, eventually};

const LOUD: &str = "THE PROVIDER REPLACES REFRESH TOKENS";

fn is_noticed(scrape: &Scrape) -> bool {
    let labels = [("provider", "jottacloud")];
    scrape.sum("authseal_provider_rotates_unexpectedly", &labels) == 1.0
}

async fn check(replica: &Replica, authid: &str) {
    refresh(&Client::new(), &replica.process.url, authid)
        .await
        .good();
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_tell_each_other_and_those_that_are_started_later() {
    // It ends a login whose used token comes again.
    let fleet = Fleet::with(&["jottacloud"], "refresh_tokens = \"stable\"\n").await;
    let redis = Redis::start().await;
    let store = redis.url();
    let first = fleet.replica(Some(&store)).await;
    let second = fleet.replica(Some(&store)).await;
    let logins = [fleet.log_in("jottacloud"), fleet.log_in("jottacloud")];
    check(&first, &logins[0].authid).await;
    eventually("the second is told", async || {
        is_noticed(&second.process.scrape().await).then_some(())
    })
    .await;
    // Each begins again from generation 0, as Duplicati does.
    for _ in 0..3 {
        for login in &logins {
            check(&first, &login.authid).await;
            check(&second, &login.authid).await;
        }
    }
    let Replica { port, process } = first;
    assert_eq!(process.program.so_far().matches(LOUD).count(), 1);
    assert_eq!(second.process.program.so_far().matches(LOUD).count(), 1);
    process.program.kill().await;
    second.process.program.kill().await;

    let process = fleet.start(port, Some(&store), &[]).await;
    let restarted = Replica { port, process };
    for login in &logins {
        check(&restarted, &login.authid).await;
    }
    assert!(is_noticed(&restarted.process.scrape().await));
    assert_eq!(fleet.replays(), 0);
}
