//! Logins that nobody uses any more.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use authseal::clock::{Clock, UnixTime};

use super::{copy_folder, get, open, open_on, put, test_disk::TestDisk};
use crate::support::eventually;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn contains(folder: &Path, text: &str) -> bool {
    let bytes = fs::read(folder.join("logins.redb")).unwrap();
    memchr::memmem::find(&bytes, text.as_bytes()).is_some()
}

#[tokio::test]
async fn what_has_expired_is_gone_from_the_file_and_what_is_used_stays() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("store");
    let clock = Clock::manual(UnixTime(1_800_000_000));
    let store = open(&folder, &clock);
    put(&store, 1, "unused since").await.unwrap();
    put(&store, 2, "used at first").await.unwrap();
    store.tell_rotating("auth0").await.unwrap();
    clock.advance(100 * DAY);
    put(&store, 2, "used later").await.unwrap();
    store.close().await;
    assert!(contains(&folder, "unused since"));

    clock.advance(81 * DAY);
    let store = open(&folder, &clock);
    assert_eq!(get(&store, 1).await, Ok(None));
    assert_eq!(get(&store, 2).await, Ok(Some("used later".into())));
    assert_eq!(store.news(0.0).await.unwrap().rotating, ["auth0"]);
    store.close().await;
    for gone in ["unused since", "used at first"] {
        assert!(!contains(&folder, gone), "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_later_what_has_expired_is_gone_while_logins_are_refreshed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("store");
    let clock = Clock::manual(UnixTime(1_800_000_000));
    let store = open(&folder, &clock);
    put(&store, 1_000, "unused since").await.unwrap();
    let compacted = Arc::new(AtomicBool::new(false));
    let clients = (0..8).map(|number| {
        let (store, compacted) = (store.clone(), compacted.clone());
        tokio::spawn(async move {
            let mut last = String::new();
            for round in 0.. {
                last = format!("round {round} of {number}");
                put(&store, number, &last).await.unwrap();
                if compacted.load(Ordering::Relaxed) {
                    break;
                }
            }
            last
        })
    });
    let clients: Vec<_> = clients.collect();
    clock.advance(100 * DAY);
    put(&store, 1_001, "used later").await.unwrap();
    clock.advance(81 * DAY);
    eventually("it is gone", async || {
        (!contains(&folder, "unused since")).then_some(())
    })
    .await;
    compacted.store(true, Ordering::Relaxed);
    for (number, client) in (0..).zip(clients) {
        let last = client.await.unwrap();
        assert_eq!(get(&store, number).await, Ok(Some(last)));
    }
    assert_eq!(get(&store, 1_000).await, Ok(None));
    assert_eq!(get(&store, 1_001).await, Ok(Some("used later".into())));
}

#[tokio::test]
async fn a_crash_at_any_moment_of_compacting_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let clock = Clock::manual(UnixTime(1_800_000_000));
    let store = open(&path, &clock);
    put(&store, 1_000, "unused since").await.unwrap();
    clock.advance(100 * DAY);
    for number in 0..40 {
        put(&store, number, &"x".repeat(700)).await.unwrap();
    }
    store.close().await;
    clock.advance(81 * DAY);
    // The folder before each change.
    let disk = TestDisk::default();
    let moments = Arc::new(AtomicUsize::new(0));
    disk.watch({
        let (folder, path, moments) = (folder.path().to_owned(), path.clone(), moments.clone());
        move |_| {
            let moment = moments.fetch_add(1, Ordering::Relaxed);
            copy_folder(&path, &folder.join(format!("left-{moment}")));
        }
    });
    open_on(&disk, &path, &clock).close().await;
    assert!(!contains(&path, "unused since"));
    let moments = moments.load(Ordering::Relaxed);
    println!("{moments} moments");
    for moment in 0..moments {
        let left = folder.path().join(format!("left-{moment}"));
        let store = open(&left, &clock);
        for number in 0..40 {
            let found = get(&store, number).await;
            assert_eq!(found, Ok(Some("x".repeat(700))), "{moment}");
        }
        store.close().await;
        assert!(!contains(&left, "unused since"), "{moment}");
        assert!(!left.join("logins.redb.new").exists(), "{moment}");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_by_years_empties_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("store");
    let clock = Clock::manual(UnixTime(1_800_000_000));
    let store = open(&folder, &clock);
    put(&store, 1, "value").await.unwrap();
    store.close().await;
    for time in [4_000_000_000, 0, 1_800_000_000] {
        clock.set(UnixTime(time));
        let store = open(&folder, &clock);
        assert_eq!(get(&store, 1).await, Ok(Some("value".into())), "{time}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_file_that_is_mostly_free_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("store");
    let clock = Clock::manual(UnixTime(1_800_000_000));
    let size = || fs::metadata(folder.join("logins.redb")).unwrap().len();
    let store = open(&folder, &clock);
    let long = "x".repeat(1 << 20);
    for number in 0..16 {
        put(&store, number, &long).await.unwrap();
    }
    for number in 0..16 {
        put(&store, number, "short").await.unwrap();
    }
    store.close().await;
    let before = size();
    let store = open(&folder, &clock);
    assert!(size() < before / 2, "{} of {before}", size());
    assert_eq!(get(&store, 3).await, Ok(Some("short".into())));
}
