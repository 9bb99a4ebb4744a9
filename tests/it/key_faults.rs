//! Everything that can be wrong with the keys under a running server: it says what
//! is wrong, counts it, goes on with the last good set, and is whole again when it
//! is mended.

mod table;

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use serde_json::json;
pub use table::write_private;
use table::{FAULTS, Folder, key_with};

use crate::support::{Installation, Scrape, ServerProcess, eventually};

#[tokio::test]
async fn a_running_server_says_what_is_wrong_and_goes_on_with_the_last_good_keys() {
    let (installation, kid) = Installation::with_key().await;
    let server = installation.serve().await;
    let folder = Folder {
        path: installation.keys_dir.clone(),
        key: installation.key_path(&kid),
    };
    let authid = installation.log_in("stable");
    let before = server.refresh(&authid).await;
    assert_eq!(before.status, 200);
    for (what, breaks, message) in FAULTS {
        let new_login = installation.log_in("stable");
        let good = server.scrape().await;
        assert_eq!(good.sum("authseal_keys_loaded", &[]), 1.0, "{what}");
        let undo = breaks(&folder);
        server.program.says(&message.replace("KID", &kid)).await;
        let errors = |scrape: &Scrape| scrape.sum("authseal_key_reload_errors_total", &[]);
        let broken = server.scrape().await;
        assert!(errors(&broken) > errors(&good), "{what}: {}", broken.text);
        assert_eq!(broken.sum("authseal_keys_loaded", &[]), 0.0, "{what}");
        assert_eq!(broken.key_state(&kid), "sealing", "{what}");
        for authid in [&authid, &new_login] {
            let answer = server.refresh(authid).await;
            assert_eq!(answer.status, 200, "{what}: {answer:?}");
        }
        undo();
        mended(&server, what).await;
        assert!(!server.program.so_far().contains("never-print"), "{what}");
    }
}

async fn mended(server: &ServerProcess, what: &str) {
    eventually(&format!("it is whole again after {what}"), async || {
        let scrape = server.scrape().await;
        (scrape.sum("authseal_keys_loaded", &[]) == 1.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_command_that_the_message_names_mends_a_world_readable_key() {
    let (installation, _) = Installation::with_key().await;
    let server = installation.serve().await;
    let path = installation.key_path("open");
    write_private(&path, &key_with("open", "use", json!("enc")), 0o644);
    let mends = server.program.says("open.jwk can be read by others").await;
    let (_, mends) = mends.split_once("run: ").unwrap();
    let shell = Command::new("sh").args(["-c", mends]).status().unwrap();
    assert!(shell.success(), "{mends}");
    server.has_key("open", "pending").await;
    mended(&server, "chmod").await;
}

#[tokio::test]
async fn a_key_that_this_user_may_not_read_is_named() {
    let (installation, kid) = Installation::with_key().await;
    let path = installation.key_path(&kid);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        println!("not shown: this user reads everything");
        return;
    }
    let listed = installation.run(&["keys", "list"]).await;
    let message = format!("{kid}.jwk cannot be read: Permission denied");
    assert!(listed.bad().contains(&message), "{listed:?}");
}
