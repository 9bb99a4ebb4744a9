//! Logins that nobody uses any more.

use std::{fs, path::Path, time::Duration};

use authseal::clock::{Clock, UnixTime};

use super::{get, open, put};

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
