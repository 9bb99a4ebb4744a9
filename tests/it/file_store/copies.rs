//! `authseal store show` and `authseal store copy`.

use std::{fs, os::unix::fs::PermissionsExt as _};

use authseal::clock::{Clock, UnixTime};

use super::{UNCACHED, get, open, put, put_all, stop, with_a_login};
use crate::support::{Installation, run};

#[tokio::test]
async fn logins_move_to_another_folder_beside_a_running_server_and_while_it_is_stopped() {
    let mut installation = Installation::with_store(UNCACHED).await;
    let (server, authid) = with_a_login(&installation).await;
    let shown = installation.run(&["store", "show", "--json"]).await.json();
    assert_eq!(shown["logins"], 1);
    assert_eq!(shown["in_progress"], 0);
    assert!(shown["file_bytes"].as_u64() > shown["bytes"].as_u64());
    let shown = installation.run(&["store", "show"]).await;
    assert!(shown.good().contains("Logins         1\n"), "{shown:?}");

    let other = installation.store_dir().with_file_name("other");
    let url = format!("file:{}", other.display());
    let copied = installation.run(&["store", "copy", "--to", &url]).await;
    assert!(
        copied.good().starts_with("Copied 1 of 1 logins"),
        "{copied:?}"
    );
    let again = installation.run(&["store", "copy", "--to", &url]).await;
    assert!(
        again.good().starts_with("Copied 0 of 1 logins"),
        "{again:?}"
    );

    // What is refreshed after the copy is newer, and comes with the next one.
    server.refresh(&authid).await.good();
    stop(server).await;
    let copied = installation.run(&["store", "copy", "--to", &url]).await;
    assert!(
        copied.good().starts_with("Copied 1 of 1 logins"),
        "{copied:?}"
    );
    installation.set("AUTHSEAL_STORE_URL", &url);
    let server = installation.serve().await;
    server.refresh(&authid).await.good();
    assert_eq!(installation.provider.seen().replays, 0);

    // Into the folder of a running server.
    let copied = installation
        .run(&[
            "store",
            "copy",
            "--from",
            &format!("file:{}", installation.store_dir().display()),
        ])
        .await;
    assert!(
        copied.good().starts_with("Copied 0 of 1 logins"),
        "{copied:?}"
    );
    server.refresh(&authid).await.good();
}

#[tokio::test]
async fn the_newer_of_two_wins_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(UnixTime(1_800_000_000));
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let (one, two) = (open(&one, &clock), open(&two, &clock));
    put(&one, 1, "older").await.unwrap();
    put(&two, 2, "older").await.unwrap();
    clock.set(UnixTime(1_800_000_100));
    put(&two, 1, "newer").await.unwrap();
    put(&one, 2, "newer").await.unwrap();
    // More than one page.
    put_all(&one, 10..1_210, "only here").await;
    one.tell_rotating("auth0").await.unwrap();
    one.tell_revoked(&super::name(7)).await.unwrap();
    let report = one.copy_to(&two, &clock).await.unwrap();
    assert_eq!((report.read.logins, report.copied), (1_202, 1_201));
    let report = two.copy_to(&one, &clock).await.unwrap();
    assert_eq!((report.read.logins, report.copied), (1_202, 1));
    for store in [&one, &two] {
        assert_eq!(get(store, 1).await, Ok(Some("newer".into())));
        assert_eq!(get(store, 2).await, Ok(Some("newer".into())));
        assert_eq!(get(store, 1_209).await, Ok(Some("only here".into())));
        let news = store.news(0.0).await.unwrap();
        assert_eq!((news.rotating.len(), news.revoked.len()), (1, 1));
    }
}

#[tokio::test]
async fn the_last_write_is_the_newer_also_by_a_clock_that_was_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(UnixTime(1_800_000_000));
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let (one, two) = (open(&one, &clock), open(&two, &clock));
    put(&one, 1, "first").await.unwrap();
    one.copy_to(&two, &clock).await.unwrap();
    clock.set(UnixTime(1_700_000_000));
    put(&one, 1, "second").await.unwrap();
    one.copy_to(&two, &clock).await.unwrap();
    assert_eq!(get(&two, 1).await, Ok(Some("second".into())));
}

#[tokio::test]
async fn two_uses_within_a_second_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(UnixTime(1_800_000_000));
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let (one, two) = (open(&one, &clock), open(&two, &clock));
    put(&one, 1, "first").await.unwrap();
    one.copy_to(&two, &clock).await.unwrap();
    put(&one, 1, "second").await.unwrap();
    one.copy_to(&two, &clock).await.unwrap();
    assert_eq!(get(&two, 1).await, Ok(Some("second".into())));
    put(&two, 1, "third").await.unwrap();
    let report = one.copy_to(&two, &clock).await.unwrap();
    assert_eq!(report.copied, 0);
    let report = two.copy_to(&one, &clock).await.unwrap();
    assert_eq!(report.copied, 1);
    assert_eq!(get(&one, 1).await, Ok(Some("third".into())));
}

#[tokio::test]
async fn what_cannot_be_copied_is_said_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let file = |name: &str| format!("file:{}", path(name));
    let check = async |arguments: &[&str], says: &str| {
        let failed: crate::support::Finished = run(arguments, &[]).await.into();
        assert!(failed.bad().contains(says), "{failed:?}");
        assert_eq!(failed.stderr.lines().count(), 1, "{failed:?}");
    };
    let absent = file("absent");
    check(
        &["store", "show", &absent],
        "there is no store in that folder",
    )
    .await;
    check(
        &["store", "show"],
        "name the store, or set AUTHSEAL_STORE_URL",
    )
    .await;
    check(
        &["store", "show", "http://x"],
        "neither the address of a Redis nor a folder",
    )
    .await;
    let copy =
        |from: &str, to: &str| ["store", "copy", "--from", from, "--to", to].map(str::to_owned);
    let copied = copy(&absent, &file("new"));
    let copied: Vec<&str> = copied.iter().map(String::as_str).collect();
    check(&copied, "there is no store in that folder").await;
    let itself = copy(&absent, &absent);
    let itself: Vec<&str> = itself.iter().map(String::as_str).collect();
    check(&itself, "cannot be copied to itself").await;
    assert!(!folder.path().join("absent").exists());
    fs::create_dir(path("there")).unwrap();
    std::os::unix::fs::symlink(path("there"), path("link")).unwrap();
    let linked = copy(&file("there"), &file("link"));
    let linked: Vec<&str> = linked.iter().map(String::as_str).collect();
    check(&linked, "cannot be copied to itself").await;
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    fs::set_permissions(&empty, fs::Permissions::from_mode(0o700)).unwrap();
    check(
        &["store", "show", &file("empty")],
        "there is no store in that folder",
    )
    .await;
    assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);

    // The address can stand in a file, because it may hold a password.
    fs::write(path("address"), absent).unwrap();
    let from_file = format!("@{}", path("address"));
    check(
        &["store", "show", &from_file],
        "there is no store in that folder",
    )
    .await;
}
