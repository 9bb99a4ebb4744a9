//! Moving from a Redis to a folder and back, by `authseal store copy`.

use super::{fleet::Fleet, redis::Redis};
use crate::support::{Client, Finished, run};

/// Copies, and returns what it said.
async fn copy(from: &str, to: &str) -> String {
    let copied: Finished = run(&["store", "copy", "--from", from, "--to", to], &[])
        .await
        .into();
    copied.good().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_move_to_a_folder_and_back_and_none_is_lost() {
    let fleet = Fleet::new(&["box"]).await;
    let redis = Redis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let folder = format!("file:{}/store", folder.path().display());
    let logins: Vec<_> = (0..20).map(|_| fleet.log_in("box")).collect();
    let client = Client::new();
    let (redis, folder) = (redis.url(), folder.as_str());
    for (from, to) in [(redis.as_str(), folder), (folder, redis.as_str())] {
        let replica = fleet.replica(Some(from)).await;
        for login in &logins {
            let url = &replica.process.url;
            super::fleet::refresh(&client, url, &login.authid)
                .await
                .good();
        }
        // Beside the running server, and again once it is stopped.
        let said = copy(from, to).await;
        assert!(said.starts_with("Copied 20 of 20 logins"), "{said}");
        let url = &replica.process.url;
        super::fleet::refresh(&client, url, &logins[3].authid).await;
        replica.process.program.terminate().await;
        assert!(replica.process.program.wait().await.success());
        copy(from, to).await;
        let again = copy(from, to).await;
        assert!(again.starts_with("Copied 0 of 20 logins"), "{again}");
    }
    let replica = fleet.replica(Some(&redis)).await;
    for login in &logins {
        let url = &replica.process.url;
        super::fleet::refresh(&client, url, &login.authid)
            .await
            .good();
    }
    assert_eq!(fleet.replays(), 0);
}
