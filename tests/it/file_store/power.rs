//! Disks that lose power, lose writes, refuse and hang, below the store of this process.
//! `failing_disk.rs` has volumes of the system.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use authseal::{
    clock::Clock,
    store::{FileFault, StoreError},
};

use super::{
    UNCACHED, get, open, open_on, place, put,
    test_disk::{TestDisk, Trouble},
};
use crate::support::{Random, TestApp, TestAppBuilder, eventually};

/// Number of moments at which the power fails; AUTHSEAL_POWER_FAILURES sets another.
fn power_failures() -> usize {
    let set = std::env::var("AUTHSEAL_POWER_FAILURES").ok();
    set.map_or(25, |number| number.parse().unwrap())
}

/// Round in which each login was stored last, as far as that was acknowledged.
type Acknowledged = Arc<Mutex<BTreeMap<u32, u32>>>;

fn value(round: u32) -> String {
    format!("{round} {}", "x".repeat(700))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_failure_at_any_moment_leaves_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, clock) = (TestDisk::default(), Clock::system());
    let store = open_on(&disk, &folder.path().join("store"), &clock);
    let acknowledged = Acknowledged::default();
    let left = Arc::new(Mutex::new(Vec::new()));
    let mut random = Random::seeded(1);
    disk.watch({
        let (acknowledged, left) = (acknowledged.clone(), left.clone());
        move |account| {
            let mut left = left.lock().unwrap();
            if left.len() < power_failures() && random.below(20) == 0 {
                let acknowledged = acknowledged.lock().unwrap().clone();
                left.push((account.after_power_failure(&mut random), acknowledged));
            }
        }
    });
    let clients = (0..8).map(|number| {
        let (store, acknowledged, left) = (store.clone(), acknowledged.clone(), left.clone());
        tokio::spawn(async move {
            for round in 0.. {
                if left.lock().unwrap().len() >= power_failures() {
                    break;
                }
                put(&store, number, &value(round)).await.unwrap();
                acknowledged.lock().unwrap().insert(number, round);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let left = std::mem::take(&mut *left.lock().unwrap());
    assert_eq!(left.len(), power_failures());
    for (moment, (bytes, acknowledged)) in left.into_iter().enumerate() {
        let path = folder.path().join(format!("left-{moment}"));
        place(&path, &bytes);
        let store = open(&path, &clock);
        for (number, round) in acknowledged {
            let found = get(&store, number).await.unwrap().unwrap();
            let found: u32 = found.split(' ').next().unwrap().parse().unwrap();
            assert!(found >= round, "{number} at {moment}: {found} of {round}");
        }
        store.close().await;
    }
}

#[tokio::test]
async fn after_an_fsync_that_failed_nothing_relies_on_what_was_written_before_it() {
    // A refresh makes two writes of two fsyncs each.
    for works in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let (disk, clock) = (TestDisk::default(), Clock::system());
        let path = folder.path().join("store");
        let store = open_on(&disk, &path, &clock);
        put(&store, 1, "before").await.unwrap();
        disk.set(Some(Trouble::LosesWrites(works)));
        let failed = put(&store, 1, "not acknowledged").await.unwrap_err();
        let is_fault = matches!(failed, StoreError::File(FileFault::System { .. }));
        assert!(is_fault, "{failed}");
        let refused = put(&store, 2, "not acknowledged").await;
        assert!(refused.is_err(), "it is not called stored later");
        disk.set(None);
        eventually("it stores again", async || {
            put(&store, 3, "after").await.ok()
        })
        .await;
        let seen = get(&store, 1).await.unwrap().unwrap();
        assert!(["before", "not acknowledged"].contains(&&*seen), "{seen}");
        assert_eq!(get(&store, 2).await, Ok(None));

        // The system believes that everything is on the disk. It must be so.
        let left = folder.path().join("left");
        place(&left, &disk.durable(&path.join("logins.redb")));
        let left = open(&left, &clock);
        assert_eq!(get(&left, 1).await, Ok(Some(seen)), "{works}");
        assert_eq!(get(&left, 3).await, Ok(Some("after".into())));
    }
}

#[tokio::test]
async fn a_disk_that_turns_full_or_read_only_acknowledges_nothing_and_loses_nothing() {
    for (kind, fault) in [
        (io::ErrorKind::StorageFull, FileFault::Full),
        (io::ErrorKind::ReadOnlyFilesystem, FileFault::ReadOnly),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (disk, clock) = (TestDisk::default(), Clock::system());
        let path = folder.path().join("store");
        let store = open_on(&disk, &path, &clock);
        put(&store, 1, "before").await.unwrap();
        disk.set(Some(Trouble::Refuses(kind)));
        for number in 1..3 {
            let refused = put(&store, number, "refused").await;
            assert_eq!(refused, Err(StoreError::File(fault.clone())));
        }
        disk.set(None);
        eventually("it stores again", async || {
            put(&store, 3, "after").await.ok()
        })
        .await;
        store.close().await;
        let store = open(&path, &clock);
        assert_eq!(get(&store, 1).await, Ok(Some("before".into())));
        assert_eq!(get(&store, 2).await, Ok(None));
        assert_eq!(get(&store, 3).await, Ok(Some("after".into())));
    }
}

#[tokio::test]
async fn a_change_that_was_given_up_on_a_hung_disk_is_made_when_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, clock) = (TestDisk::default(), Clock::system());
    let store = open_on(&disk, &folder.path().join("store"), &clock);
    let lease = store.lease(super::name(1), Duration::ZERO).await.unwrap();
    lease.mark_sent(Duration::ZERO).await.unwrap();
    disk.set(Some(Trouble::Hangs));
    let value = authseal::secret::Secret::new("late");
    let settling = lease.settle(Some((&value, super::LIFETIME)));
    let given_up = async {
        tokio::task::spawn_blocking({
            let disk = disk.clone();
            move || disk.has_hung()
        })
        .await
        .unwrap();
        tokio::time::pause();
    };
    let (settled, ()) = tokio::join!(settling, given_up);
    assert_eq!(settled, Err(StoreError::TooSlow));
    assert_eq!(get(&store, 2).await, Err(StoreError::TooSlow));
    tokio::time::resume();
    disk.set(None);
    eventually("it is stored", async || {
        (get(&store, 1).await == Ok(Some("late".into()))).then_some(())
    })
    .await;
}

/// A server with a store on this disk, in this folder.
fn app(disk: &TestDisk, folder: &tempfile::TempDir) -> TestAppBuilder {
    let url = format!("file:{}", folder.path().join("store").display());
    TestApp::builder()
        .env("AUTHSEAL_STORE_URL", &url)
        .access_token_lifetime(UNCACHED)
        .disk(disk.disk())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_single_use_services_notice_trouble_of_the_disk() {
    for trouble in [
        Trouble::Refuses(io::ErrorKind::StorageFull),
        Trouble::Refuses(io::ErrorKind::ReadOnlyFilesystem),
        Trouble::LosesWrites(0),
        Trouble::Hangs,
    ] {
        let (disk, folder) = (TestDisk::default(), tempfile::tempdir().unwrap());
        let app = app(&disk, &folder).start().await;
        let single_use = app.authid("single-use").await;
        let stable = app.authid("stable").await;
        app.refresh(&single_use).await.good();
        disk.set(Some(trouble));
        let before = app.provider.seen().refreshes;
        let refused = app.refresh(&single_use).await;
        assert_eq!(refused.status, 503, "{trouble:?}: {refused:?}");
        assert_eq!(app.provider.seen().refreshes, before, "nothing was sent");
        app.refresh(&stable).await.good();
        disk.set(None);
        eventually("it is mended", async || {
            (app.refresh(&single_use).await.status == 200).then_some(())
        })
        .await;
        assert_eq!(app.provider.seen().replays, 0, "{trouble:?}");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_hangs_does_not_keep_the_server_from_stopping() {
    let (disk, folder) = (TestDisk::default(), tempfile::tempdir().unwrap());
    let app = app(&disk, &folder).start().await;
    let single_use = app.authid("single-use").await;
    app.refresh(&single_use).await.good();
    disk.set(Some(Trouble::Hangs));
    let refreshing = async { app.refresh(&single_use).await };
    assert_eq!(refreshing.await.status, 503);
    let stopping = tokio::time::timeout(Duration::from_secs(30), app.stop());
    stopping.await.expect("it waits for the disk for ever");
    disk.set(None);
}
