//! Keys that are encrypted at rest, under AUTHSEAL_KEYS_PASSPHRASE.

use std::{fs, os::unix::fs::symlink, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::{Installation, ServerProcess, eventually, run};

const PASSPHRASE: &str = "never-print-this: correct horse";

/// With two keys, of which the file holds neither.
async fn protected() -> (Installation, String) {
    let (mut installation, kid) = Installation::with_key().await;
    installation.set_passphrase(PASSPHRASE);
    installation.run(&["keys", "protect"]).await.good();
    installation.new_key(&["--activate-in", "1h"]).await;
    (installation, kid)
}

fn access_token(answer: &crate::support::Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_running_server_notices_nothing_of_keys_that_are_protected_and_unprotected() {
    let (mut installation, kid) = Installation::with_key().await;
    installation.set_passphrase(PASSPHRASE);
    let server = installation.serve().await;
    let authid = installation.log_in("stable");
    let token = access_token(&server.refresh(&authid).await);
    for command in ["protect", "unprotect", "protect"] {
        let done = installation.run(&["keys", command]).await;
        assert!(done.good().contains(&kid), "{done:?}");
        let text = fs::read_to_string(installation.key_path(&kid)).unwrap();
        assert_eq!(text.contains("\"k\""), command == "unprotect");
        let before = reloads(&server).await;
        server.program.hang_up().await;
        eventually("it has looked", async || {
            (reloads(&server).await > before).then_some(())
        })
        .await;
        // The same keys: what was cached under them is still good.
        assert_eq!(access_token(&server.refresh(&authid).await), token);
    }
    let new = installation.new_key(&[]).await;
    server.has_key(&new, "sealing").await;
    let text = fs::read_to_string(installation.key_path(&new)).unwrap();
    assert!(text.starts_with("eyJ") && !text.contains(&new), "{text}");
    let restarted = installation.serve().await;
    assert_eq!(restarted.refresh(&authid).await.status, 200);
    // It is retired in the form that it has.
    installation.run(&["keys", "retire", &kid]).await.good();
    for server in [&server, &restarted] {
        server.has_key(&kid, "retired").await;
    }
    assert!(installation.keys().is_protected(&kid));
    for server in [server, restarted] {
        let said = server.program.so_far();
        assert!(
            !said.contains("never-print") && !said.contains("ERROR"),
            "{said}"
        );
    }
}

async fn reloads(server: &ServerProcess) -> f64 {
    let scrape = server.scrape().await;
    scrape.sum("authseal_key_reloads_total", &[])
}

#[tokio::test]
async fn a_wrong_or_missing_passphrase_is_one_line_that_names_the_setting() {
    let (mut installation, kid) = protected().await;
    let right = installation.environment();
    let plain: Vec<_> = right
        .iter()
        .copied()
        .filter(|(name, _)| *name != "AUTHSEAL_KEYS_PASSPHRASE")
        .collect();
    let with = |name, value| [plain.clone(), vec![(name, value)]].concat();
    for (environment, hint) in [
        (
            plain.clone(),
            "set AUTHSEAL_KEYS_PASSPHRASE, or AUTHSEAL_KEYS_PASSPHRASE_FILE",
        ),
        (
            with("AUTHSEAL_KEYS_PASSPHRASE", "never-print-this"),
            "with AUTHSEAL_KEYS_PASSPHRASE: it was protected with another passphrase",
        ),
    ] {
        for command in [
            &["keys", "list"][..],
            &["serve"],
            &["keys", "new"],
            &["check"],
        ] {
            let failed = run(command, &environment).await;
            assert_eq!(failed.status.code(), Some(1), "{failed:?}");
            let text = String::from_utf8(failed.stderr).unwrap();
            let lines = text.lines().filter(|line| line.contains("_PASSPHRASE"));
            assert_eq!(lines.count(), 1, "{command:?}: {text}");
            assert!(text.contains(hint) && text.contains(&kid), "{text}");
            assert!(!text.contains("never-print"), "{text}");
        }
    }
    // As Docker and systemd give it.
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("{PASSPHRASE}\n")).unwrap();
    let path = file.path().to_str().unwrap();
    let listed = run(
        &["keys", "list"],
        &with("AUTHSEAL_KEYS_PASSPHRASE_FILE", path),
    )
    .await;
    assert!(listed.status.success(), "{listed:?}");
    for command in ["protect", "unprotect"] {
        let (unset, _) = Installation::with_key().await;
        let refused = unset.run(&["keys", command]).await;
        assert!(
            refused.bad().contains("AUTHSEAL_KEYS_PASSPHRASE"),
            "{refused:?}"
        );
    }
    // Half of it protected: a plain key beside them is read, too.
    installation.set_passphrase(PASSPHRASE);
    installation.run(&["keys", "unprotect"]).await.good();
    installation.new_key(&[]).await;
    assert_eq!(installation.keys().iter().count(), 3);
    let checked = installation.run(&["check"]).await;
    let warning = "AUTHSEAL_KEYS_PASSPHRASE is set, but keys are in clear in the folder";
    let said = format!("{}{}", checked.stdout, checked.stderr);
    assert!(said.contains(warning) && said.contains(&kid), "{said}");
}

#[tokio::test]
async fn a_running_server_without_the_passphrase_goes_on_with_the_keys_it_has() {
    let (mut installation, kid) = Installation::with_key().await;
    let server = installation.serve().await;
    let authid = installation.log_in("stable");
    installation.set_passphrase(PASSPHRASE);
    installation.run(&["keys", "protect"]).await.good();
    let said = server.program.says("the keys stay as they were: ").await;
    assert!(said.contains("set AUTHSEAL_KEYS_PASSPHRASE"), "{said}");
    assert_eq!(server.refresh(&authid).await.status, 200);
    installation.run(&["keys", "unprotect"]).await.good();
    server.has_key(&kid, "sealing").await;
}

#[tokio::test]
async fn no_first_key_is_made_beside_keys_that_do_not_open() {
    let (mut installation, kid) = Installation::with_key().await;
    let plain: Vec<(String, String)> = installation
        .environment()
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let plain: Vec<(&str, &str)> = plain
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    installation.set_passphrase(PASSPHRASE);
    installation.run(&["keys", "protect"]).await.good();
    let authid = installation.log_in("stable");
    let (path, history) = (
        installation.key_path(&kid),
        installation.keys_dir.join("history.txt"),
    );
    let away = path.with_extension("away");
    // At the start, also without the marker: refused, and not waited for.
    fs::remove_file(&history).unwrap();
    let refused = run(&["serve"], &plain).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    // Revocations are followed all the same.
    let revoked = run(&["revoke", &installation.lineage(&authid)], &plain).await;
    let said = String::from_utf8(revoked.stdout).unwrap();
    assert!(
        said.starts_with("Revoked ") && said.contains("Warning: the keys"),
        "{said}"
    );
    // Without the keys the server waits; their coming alone does not help.
    fs::rename(&path, &away).unwrap();
    let server = ServerProcess::start(&plain).await;
    assert_eq!(server.refresh(&authid).await.status, 503);
    fs::rename(&away, &path).unwrap();
    let ready = eventually("it says why", async || {
        let ready = crate::key_absence::ready(&server).await;
        ready.body.contains("_PASSPHRASE").then_some(ready)
    })
    .await;
    assert_eq!(ready.status, 503);
    assert!(
        ready.body.contains("waiting for the keys: ") && ready.body.contains("cannot be read"),
        "{ready:?}"
    );
    assert_eq!(server.refresh(&authid).await.status, 503);
    installation.run(&["keys", "unprotect"]).await.good();
    eventually("it serves, and the login is revoked", async || {
        (server.refresh(&authid).await.status == 401).then_some(())
    })
    .await;
    let keys = installation.keys();
    let kids: Vec<&str> = keys.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids, [kid]);
}

#[tokio::test]
async fn a_key_file_that_asks_for_hours_of_work_is_refused_at_once() {
    let (installation, kid) = protected().await;
    let server = installation.serve().await;
    let good = fs::read_to_string(installation.key_path(&kid)).unwrap();
    let header = json!({
        "alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2s": "c2FsdHNhbHQ", "p2c": 1u64 << 31,
    });
    let (_, rest) = good.split_once('.').unwrap();
    let hostile = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
    let path = installation.key_path("hostile");
    super::key_faults::write_private(&path, &hostile, 0o600);
    let said = server.program.says("hostile.jwk is not a whole").await;
    assert!(said.contains("\"p2c\" is not between"), "{said}");
    let authid = {
        fs::remove_file(&path).unwrap();
        installation.log_in("stable")
    };
    assert_eq!(server.refresh(&authid).await.status, 200);
}

#[tokio::test]
async fn an_exported_set_is_encrypted_unless_it_is_asked_for_in_clear() {
    let (installation, kid) = protected().await;
    let authid = installation.log_in("stable");
    let exported = installation.run(&["keys", "export"]).await;
    assert!(exported.good().starts_with("eyJ"), "{exported:?}");
    let plain = installation.run(&["keys", "export", "--plain"]).await;
    assert_eq!(plain.json()["keys"].as_array().unwrap().len(), 2);
    let refused = installation.run(&["keys", "export", "--json"]).await;
    assert!(refused.bad().contains("--plain"), "{refused:?}");

    let passphrase = ("AUTHSEAL_KEYS_PASSPHRASE", PASSPHRASE);
    for (set, others) in [
        (exported.good(), vec![passphrase]),
        (plain.good(), vec![]),
        (plain.good(), vec![passphrase]),
    ] {
        let environment = [vec![("AUTHSEAL_KEYS", set)], others].concat();
        let shown = run(&["authid", "show", &authid], &environment).await;
        assert!(shown.status.success(), "{shown:?}");
        let listed = run(&["keys", "list", "--json"], &environment).await;
        let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
        assert_eq!(listed["keys"][0]["kid"], kid.as_str());
        assert_eq!(listed["keys"][0]["protected"], set.starts_with("eyJ"));
    }
    let without = run(&["keys", "list"], &[("AUTHSEAL_KEYS", exported.good())]).await;
    let text = String::from_utf8(without.stderr).unwrap();
    assert!(text.contains("AUTHSEAL_KEYS is protected: set"), "{text}");
}

#[tokio::test]
async fn a_list_says_what_is_protected_and_how_often_each_key_was_used() {
    let (installation, kid) = protected().await;
    let list = async |admin: &str| {
        let mut environment = installation.environment();
        environment.retain(|(name, _)| *name != "AUTHSEAL_ADMIN_LISTEN");
        environment.push(("AUTHSEAL_ADMIN_LISTEN", admin));
        let json = run(&["keys", "list", "--json"], &environment).await;
        let text = run(&["keys", "list"], &environment).await;
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        (
            json["keys"][0].clone(),
            String::from_utf8(text.stdout).unwrap(),
        )
    };
    // Nobody is there to ask.
    let (key, text) = list("127.0.0.1:0").await;
    assert_eq!(
        (&key["protected"], &key["refreshes"]),
        (&json!(true), &json!(null))
    );
    assert!(text.lines().nth(1).unwrap().ends_with(" -"), "{text}");

    let server = installation.serve().await;
    let authid = installation.log_in("stable");
    for _ in 0..3 {
        assert_eq!(server.refresh(&authid).await.status, 200);
    }
    let admin = server.admin_url.strip_prefix("http://").unwrap();
    let (key, text) = list(admin).await;
    assert_eq!((&key["kid"], &key["refreshes"]), (&json!(kid), &json!(3)));
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[1].contains(" yes ") && lines[1].ends_with(" 3"),
        "{text}"
    );
    assert!(lines[2].ends_with(" 0"), "{text}");

    // A server of another folder counts for none of these.
    let (other, _) = Installation::with_key().await;
    let other = other.serve().await;
    let (key, _) = list(other.admin_url.strip_prefix("http://").unwrap()).await;
    assert_eq!(key["refreshes"], json!(null));
}

#[tokio::test]
async fn a_folder_that_is_a_dangling_link_is_said_to_be_one() {
    let installation = Installation::new(Duration::from_secs(60)).await;
    symlink("/no/such/volume", &installation.keys_dir).unwrap();
    for command in [&["keys", "new"][..], &["serve"]] {
        let refused = installation.run(command).await;
        let text = &refused.stderr;
        assert!(
            text.contains("it is a link to a folder that is not there"),
            "{refused:?}"
        );
    }
}
