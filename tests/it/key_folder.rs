//! `authseal check` looks at the keys folder as `serve` would find it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use crate::support::{Finished, Installation};

async fn check(installation: &Installation) -> Finished {
    installation.run(&["check"]).await
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn assert_wrong(checked: &Finished, hints: &[&str]) {
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    for hint in hints {
        assert!(checked.stderr.contains(hint), "{hint}: {checked:?}");
    }
}

#[tokio::test]
async fn what_the_folder_is_like_is_shown() {
    let (installation, _) = Installation::with_key().await;
    let checked = check(&installation).await;
    let text = checked.good();
    for fact in [
        "Keys folder    mode 0700, of user ",
        "writable",
        " MiB free",
        "history.txt knows 1 of its keys",
    ] {
        assert!(text.contains(fact), "{fact}: {text}");
    }
}

#[tokio::test]
async fn a_folder_that_others_can_write_to_is_wrong_and_the_command_mends_it() {
    let (installation, _) = Installation::with_key().await;
    for mode in [0o777, 0o770, 0o1777] {
        set_mode(&installation.keys_dir, mode);
        let checked = check(&installation).await;
        let shown = format!("mode {mode:04o}");
        assert_wrong(&checked, &["others can write to", &shown, "run: chmod 700"]);
        let (_, mends) = checked.stderr.split_once("run: ").unwrap();
        let shell = std::process::Command::new("sh")
            .args(["-c", mends.lines().next().unwrap()])
            .status();
        assert!(shell.unwrap().success());
        check(&installation).await.good();
    }
}

#[tokio::test]
async fn links_to_nowhere_are_named() {
    let (installation, _) = Installation::with_key().await;
    for name in ["revoked.txt", "history.txt", "abc.jwk"] {
        let link = installation.keys_dir.join(name);
        let _ = fs::rename(&link, link.with_extension("away"));
        symlink("nowhere", &link).unwrap();
        let message = format!("{name} cannot be read: No such file");
        assert_wrong(&check(&installation).await, &[&message]);
        fs::remove_file(&link).unwrap();
        let _ = fs::rename(link.with_extension("away"), &link);
    }
    let keys = &installation.keys_dir;
    let real = keys.with_extension("real");
    fs::rename(keys, &real).unwrap();
    symlink(&real, keys).unwrap();
    let checked = check(&installation).await;
    assert!(
        checked
            .good()
            .contains(&format!("a link to {}", real.display()))
    );
    fs::remove_dir_all(real).unwrap();
    assert_wrong(&check(&installation).await, &["is a link to nowhere"]);
}

#[tokio::test]
async fn a_folder_that_cannot_get_its_first_key_is_wrong() {
    let installation = Installation::new(std::time::Duration::from_secs(60)).await;
    let checked = check(&installation).await;
    assert!(checked.good().contains("does not exist yet"), "{checked:?}");
    // Not even root can write there.
    let keys = &installation.keys_dir;
    for place in ["/proc/authseal/keys", "/proc/self/task"] {
        symlink(place, keys).unwrap();
        let checked = check(&installation).await;
        let hint = match place {
            "/proc/self/task" => "serve could not write its first key",
            _ => "is a link to nowhere",
        };
        assert_wrong(&checked, &[hint]);
        fs::remove_file(keys).unwrap();
    }
    fs::write(keys, "").unwrap();
    assert_wrong(
        &check(&installation).await,
        &["keys folder", "cannot be read"],
    );
}

#[tokio::test]
async fn files_of_another_user_are_named() {
    let (installation, kid) = Installation::with_key().await;
    let key = installation.key_path(&kid);
    if std::os::unix::fs::chown(&key, Some(12_345), None).is_err() {
        println!("not shown: only root can give a file away");
        return;
    }
    let checked = check(&installation).await;
    assert_wrong(&checked, &["belongs to user 12345", "run: chown 0 "]);
    // What root writes in the service's folder is the service's.
    let path = &installation.keys_dir;
    std::os::unix::fs::chown(path, Some(12_345), Some(12_345)).unwrap();
    fs::remove_file(path.join("history.txt")).unwrap();
    let authid = installation.log_in("stable");
    installation.run(&["revoke", &authid]).await.good();
    for name in ["revoked.txt", "history.txt"] {
        let metadata = fs::metadata(path.join(name)).unwrap();
        assert_eq!(
            std::os::unix::fs::MetadataExt::uid(&metadata),
            12_345,
            "{name}"
        );
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    check(&installation).await.good();
}
