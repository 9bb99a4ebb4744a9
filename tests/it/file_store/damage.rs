//! Files that are damaged, missing, or of another version: nothing is made in their place,
//! and no older token comes back.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use authseal::{
    clock::Clock,
    store::{FileFault, StoreError},
};

use super::{UNCACHED, copy_folder, get, open, place, put_all, stop, with_a_login};
use crate::support::{Installation, Random, eventually};

/// Number of places at which the file is damaged, one after the other; AUTHSEAL_PLACES sets
/// another.
fn places() -> usize {
    let set = std::env::var("AUTHSEAL_PLACES").ok();
    set.map_or(60, |number| number.parse().unwrap())
}

async fn filled(folder: &Path, clock: &Clock) {
    let store = open(folder, clock);
    for round in 0..3 {
        let value = format!("{round} {}", "x".repeat(700));
        put_all(&store, 0..40, &value).await;
    }
    store.close().await;
}

/// True if the store has all, false if it says that it is damaged. It never has less.
async fn is_whole(folder: &Path, clock: &Clock) -> bool {
    let store = open(folder, clock);
    let mut is_whole = true;
    for number in 0..40 {
        match get(&store, number).await {
            // A changed value does not open: it is sealed.
            Ok(Some(value)) => assert!(differences(&value) <= 1, "an older token"),
            Ok(None) => panic!("a login is lost"),
            Err(StoreError::File(FileFault::Damaged { .. })) => {
                is_whole = false;
                break;
            }
            Err(other) => panic!("{other}"),
        }
    }
    store.close().await;
    is_whole
}

/// Number of bytes in which a value is not what was written last.
fn differences(value: &str) -> usize {
    let written = last_value();
    let pairs = value.bytes().zip(written.bytes());
    pairs.filter(|(one, other)| one != other).count() + value.len().abs_diff(written.len())
}

fn last_value() -> String {
    format!("2 {}", "x".repeat(700))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_loses_no_login_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let (path, clock) = (folder.path().join("store"), Clock::system());
    filled(&path, &clock).await;
    let whole = fs::read(path.join("logins.redb")).unwrap();
    let used: Vec<usize> = (0..whole.len())
        .filter(|place| whole[*place] != 0)
        .collect();
    let mut random = Random::seeded(1);
    let mut noticed = 0;
    let places = places();
    for round in 0..places {
        // The head of the file first.
        let place = match round < 20 {
            true => used[round * used.len().min(200) / 20],
            false => used[random.below(used.len())],
        };
        let mut changed = whole.clone();
        changed[place] ^= 1 << random.below(8);
        fs::write(path.join("logins.redb"), &changed).unwrap();
        noticed += usize::from(!is_whole(&path, &clock).await);
    }
    println!("{noticed} of {places} changes were noticed");
    assert!(noticed >= 5, "{noticed}");
    fs::write(path.join("logins.redb"), &whole).unwrap();
    assert!(is_whole(&path, &clock).await);
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (path, clock) = (folder.path().join("store"), Clock::system());
    filled(&path, &clock).await;
    let whole = fs::read(path.join("logins.redb")).unwrap();
    for length in [0, 1, 100, 4096, whole.len() / 2] {
        fs::write(path.join("logins.redb"), &whole[..length]).unwrap();
        assert!(!is_whole(&path, &clock).await, "{length}");
        let left = fs::read(path.join("logins.redb")).unwrap();
        assert!(left == whole[..length], "{length}");
    }
}

#[tokio::test]
async fn a_file_that_is_missing_is_not_made_again() {
    let installation = Installation::with_store(UNCACHED).await;
    let (server, authid) = with_a_login(&installation).await;
    stop(server).await;
    let folder = installation.store_dir();
    let (file, aside) = (folder.join("logins.redb"), folder.join("aside"));
    fs::rename(&file, &aside).unwrap();

    let server = installation.serve().await;
    let refused = server.refresh(&authid).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(
        refused.header("x-reason"),
        "This server's store, which has the newest Test provider token of this login, cannot be \
         used. Its log says why. Try again later"
    );
    server.program.says("has existed and is missing").await;
    let stable = installation.log_in("stable");
    server.refresh(&stable).await.good();
    assert!(!file.exists());
    assert_eq!(installation.provider.seen().replays, 0);

    fs::rename(&aside, &file).unwrap();
    eventually("it is back", async || {
        (server.refresh(&authid).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_taken_away_while_it_is_used_is_noticed() {
    let installation = Installation::with_store(UNCACHED).await;
    let (server, authid) = with_a_login(&installation).await;
    let folder = installation.store_dir();
    let aside = folder.with_file_name("aside");
    fs::rename(&folder, &aside).unwrap();
    assert_eq!(server.refresh(&authid).await.status, 503);
    server.program.says("moved, deleted or replaced").await;
    assert!(!folder.exists(), "no other is made");
    fs::rename(&aside, &folder).unwrap();
    eventually("it is back", async || {
        (server.refresh(&authid).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(installation.provider.seen().replays, 0);
}

#[tokio::test]
async fn an_empty_folder_in_the_place_of_the_one_in_use_stays_empty() {
    let installation = Installation::with_store(UNCACHED).await;
    let (server, authid) = with_a_login(&installation).await;
    let folder = installation.store_dir();
    let aside = folder.with_file_name("aside");
    fs::rename(&folder, &aside).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    for _ in 0..3 {
        assert_eq!(server.refresh(&authid).await.status, 503);
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::remove_dir(&folder).unwrap();
    fs::rename(&aside, &folder).unwrap();
    eventually("it is back", async || {
        (server.refresh(&authid).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(installation.provider.seen().replays, 0);
}

#[tokio::test]
async fn what_a_crash_leaves_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let (path, clock) = (folder.path().join("store"), Clock::system());
    let store = open(&path, &clock);
    put_all(&store, 0..40, &last_value()).await;
    let copy = folder.path().join("copy");
    copy_folder(&path, &copy);
    // A new file that was not finished.
    fs::write(copy.join("logins.redb.new"), "half").unwrap();
    assert!(is_whole(&copy, &clock).await);
    assert!(!copy.join("logins.redb.new").exists());
}

#[tokio::test]
async fn a_text_file_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    place(&path, b"no database");
    let file = path.join("logins.redb");
    let store = open(&path, &Clock::system());
    let error = get(&store, 1).await.unwrap_err().to_string();
    assert!(error.contains("is damaged"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"no database");
}
