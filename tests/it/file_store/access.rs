//! Users of the folder: one process, and nobody but its owner.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
};

use super::{UNCACHED, stop, with_a_login};
use crate::support::{Installation, ServerProcess, get, skipped};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn only_its_owner_may_read_what_is_made() {
    let installation = Installation::with_store(UNCACHED).await;
    let (_server, _) = with_a_login(&installation).await;
    let folder = installation.store_dir();
    assert_eq!(mode(&folder), 0o700);
    for name in ["logins.redb", "store.lock", "store-history.txt"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_folder_or_file_that_others_may_use_is_refused_with_the_remedy() {
    let installation = Installation::with_store(UNCACHED).await;
    let (server, authid) = with_a_login(&installation).await;
    stop(server).await;
    let folder = installation.store_dir();
    for (path, wrong, right) in [
        (folder.clone(), 0o750, 0o700),
        (folder.join("logins.redb"), 0o640, 0o600),
    ] {
        set_mode(&path, wrong);
        let refused = installation.run(&["serve"]).await;
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let remedy = format!("run: chmod {right:o} '{}'", path.display());
        assert!(refused.stderr.contains(&remedy), "{}", refused.stderr);
        set_mode(&path, right);
    }
    let server = installation.serve().await;
    server.refresh(&authid).await.good();
}

#[tokio::test]
async fn nobody_is_told_to_close_a_folder_of_other_programs() {
    let mut installation = Installation::with_store(UNCACHED).await;
    let folder = installation.store_dir();
    fs::create_dir(&folder).unwrap();
    set_mode(&folder, 0o755);
    fs::write(folder.join("of-another-program"), "").unwrap();
    let refused = installation.run(&["serve"]).await;
    let own = folder.join("authseal");
    let says = format!("use a folder of its own, such as {}", own.display());
    assert!(refused.bad().contains(&says), "{refused:?}");
    assert!(!refused.stderr.contains("chmod"));
    installation.set("AUTHSEAL_STORE_URL", &format!("file:{}", own.display()));
    installation.serve().await;
}

#[tokio::test]
async fn a_file_of_another_user_is_refused() {
    let installation = Installation::with_store(UNCACHED).await;
    let (server, _) = with_a_login(&installation).await;
    stop(server).await;
    let file = installation.store_dir().join("logins.redb");
    if chown(&file, Some(65_532), None).is_err() {
        return skipped("only root can give a file away");
    }
    let refused = installation.run(&["serve"]).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("belongs to user 65532"));
}

#[tokio::test]
async fn strangers_write_nothing_into_the_file() {
    let installation = Installation::with_store(UNCACHED).await;
    let (server, authid) = with_a_login(&installation).await;
    let file = installation.store_dir().join("logins.redb");
    let before = fs::read(&file).unwrap();
    for number in 0..20 {
        for made_up in [
            format!("v2:single-use:made-up-{number}"),
            format!("{authid}{number}"),
            authid[..authid.len() - 1 - number].to_owned(),
        ] {
            assert_ne!(server.refresh(&made_up).await.status, 200);
        }
        for path in ["login?id=single-use", "fetch?token=4k9x2m7q1z8w5v3t6y0u"] {
            get(&format!("{}/{path}", server.url), &[]).await;
        }
    }
    assert!(fs::read(&file).unwrap() == before);
}

#[tokio::test]
async fn a_second_server_is_told_which_process_has_the_folder_and_ends() {
    let installation = Installation::with_store(UNCACHED).await;
    let (server, authid) = with_a_login(&installation).await;
    let second = installation.run(&["serve"]).await;
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let folder = installation.store_dir();
    let holder = fs::read_to_string(folder.join("store.lock")).unwrap();
    let says = format!(
        "AUTHSEAL_STORE_URL: the store cannot be used: another authseal uses it, {}",
        holder.trim()
    );
    assert!(second.stderr.contains(&says), "{}", second.stderr);
    assert!(holder.starts_with("process "));
    server.refresh(&authid).await.good();

    // Somebody takes the lock for a leftover of a crash.
    fs::remove_file(folder.join("store.lock")).unwrap();
    let second = installation.run(&["serve"]).await;
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let says = "another authseal uses it, a process whose store.lock was deleted";
    assert!(second.stderr.contains(says), "{}", second.stderr);
    let shown = installation.run(&["store", "show", "--json"]).await;
    assert_eq!(shown.json()["logins"], 1);
    server.refresh(&authid).await.good();

    // A killed process leaves no lock.
    server.program.kill().await;
    let server: ServerProcess = installation.serve().await;
    server.refresh(&authid).await.good();
}
