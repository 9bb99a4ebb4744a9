//! A full disk, and a clock that was set back: nothing half done, nobody locked out.

use std::{fs, path::Path, process::Output, time::Duration};

use authseal::{
    clock::{Clock, UnixTime},
    keyring::KeyFolder,
};

use crate::support::{Installation, TestApp, get, shell};

/// Every file of the folder with its content, hidden ones too.
fn contents(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            (
                path.display().to_string(),
                fs::read_to_string(path).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

/// A command that can write no byte to any file. Either the write fails, as on a
/// full disk, or it kills.
async fn without_room(installation: &Installation, kills: bool, command: &str) -> Output {
    let ignored = if kills { "" } else { "trap '' XFSZ;" };
    let script = format!("{ignored} ulimit -f 0; exec \"$AUTHSEAL\" {command}");
    shell(&script, &installation.environment()).await
}

#[tokio::test]
async fn a_full_disk_is_named_and_leaves_the_folder_as_it_was() {
    let (installation, kid) = Installation::with_key().await;
    installation.new_key(&["--activate-in", "1h"]).await;
    let revoked = installation.log_in("stable");
    installation.run(&["revoke", &revoked]).await.good();
    let server = installation.serve().await;
    let authid = installation.log_in("stable");
    for (command, says) in [
        ("keys new".to_owned(), "no key could be written to "),
        (
            format!("keys retire {kid} --force"),
            ".jwk could not be retired: ",
        ),
        (
            format!("revoke {authid}"),
            "revoked.txt could not be written: ",
        ),
    ] {
        let before = contents(&installation.keys_dir);
        let failed = without_room(&installation, false, &command).await;
        assert_eq!(failed.status.code(), Some(1), "{failed:?}");
        let text = String::from_utf8(failed.stderr).unwrap();
        assert!(text.contains(says) && text.contains("too large"), "{text}");
        assert!(failed.stdout.is_empty());
        assert_eq!(contents(&installation.keys_dir), before, "{command}");

        let killed = without_room(&installation, true, &command).await;
        assert_eq!(killed.status.code(), None, "{killed:?}");
        installation.run(&["keys", "list"]).await.good();
    }
    assert_eq!(server.refresh(&authid).await.status, 200);
    let scrape = server.scrape().await;
    assert_eq!(scrape.sum("authseal_key_reload_errors_total", &[]), 0.0);
    let next = installation.new_key(&[]).await;
    server.knows_key(&next).await;
}

#[tokio::test]
async fn serve_does_not_start_with_a_first_key_that_it_could_not_write() {
    let installation = Installation::new(Duration::from_secs(60)).await;
    let failed = without_room(&installation, false, "serve").await;
    assert_eq!(failed.status.code(), Some(1));
    let text = String::from_utf8(failed.stderr).unwrap();
    assert!(text.contains("no key could be written to "), "{text}");
    assert!(contents(&installation.keys_dir).is_empty());
}

fn set_back(clock: &Clock, by: u64) {
    clock.set(UnixTime(clock.now().0 - by));
}

#[tokio::test]
async fn a_clock_that_is_set_back_across_nbf_and_exp_locks_nobody_out() {
    let app = TestApp::start().await;
    let keys = KeyFolder::new(&app.keys_dir);
    let start = app.clock.now();
    let old = app.app.keyring.current().iter().next().unwrap().kid.clone();
    let under_old = app.authid("stable").await;
    let new = keys
        .create_key(start, Duration::from_secs(1000))
        .unwrap()
        .kid;
    let end = UnixTime(start.0 + 2000);
    keys.retire_key(&old, Some(end)).unwrap();
    app.app.keyring.reload().unwrap();

    app.clock.advance(Duration::from_secs(3000));
    let under_new = app.authid("stable").await;
    assert_eq!(app.refresh(&under_new).await.json()["expires"], 3600);
    assert_eq!(app.refresh(&under_old).await.status, 401);

    for (set_back_by, sealing) in [(1500, &new), (700, &old), (100_000, &old)] {
        set_back(&app.clock, set_back_by);
        let ready = get(&format!("{}/readyz", app.admin_url), &[]).await;
        assert_eq!(ready.status, 200);
        let keys = app.app.keyring.current();
        let seals = keys.sealing(app.clock.now()).unwrap();
        assert_eq!(seals.kid, *sealing, "{set_back_by}");
        // Opening asks for no nbf, and the old key's end lies ahead again.
        for authid in [&under_new, &under_old, &app.authid("stable").await] {
            let answer = app.refresh(authid).await;
            assert_eq!(answer.status, 200, "{set_back_by}: {answer:?}");
            // What was cached lives no longer for it.
            let expires = answer.json()["expires"].as_u64().unwrap();
            assert!(expires <= 3600, "{set_back_by}: {expires}");
        }
        let access = app.refresh(&under_new).await;
        assert_eq!(access.status, 200);
    }
    app.clock.advance(Duration::from_secs(100_000 + 700 + 1500));
    assert_eq!(app.refresh(&under_old).await.status, 401);
    assert_eq!(app.refresh(&under_new).await.status, 200);
}
