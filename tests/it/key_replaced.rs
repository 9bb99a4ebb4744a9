//! Leaked keys and missing files: nothing that is merely gone lets a leaked key open again.

use std::fs;

use crate::{
    key_absence::{missing_keys, ready},
    support::{Installation, ServerProcess, eventually},
};

/// With a key that leaked and was replaced; an AuthID under each, and the kids.
struct Replaced {
    installation: Installation,
    leaked: String,
    stolen: String,
    new: String,
    good: String,
}

impl Replaced {
    async fn new() -> Self {
        let (installation, leaked) = Installation::with_key().await;
        let stolen = installation.log_in("stable");
        let new = replace(&installation, &["--leaked", &leaked]).await;
        let good = installation.log_in("stable");
        Self {
            installation,
            leaked,
            stolen,
            new,
            good,
        }
    }

    /// Takes the new key's file away; `put_back` undoes it.
    fn lose_new(&self) {
        let path = self.installation.key_path(&self.new);
        fs::rename(&path, path.with_extension("away")).unwrap();
    }

    fn put_back(&self) {
        let path = self.installation.key_path(&self.new);
        fs::rename(path.with_extension("away"), path).unwrap();
    }

    async fn undo(&self) -> crate::support::Finished {
        let command = ["keys", "replace", "--undo", &self.leaked];
        self.installation.run(&command).await
    }
}

async fn replace(installation: &Installation, arguments: &[&str]) -> String {
    let command = [&["keys", "replace", "--json"], arguments].concat();
    let made = installation.run(&command).await;
    made.json()["kid"].as_str().unwrap().to_owned()
}

async fn answers(server: &ServerProcess, authid: &str, status: u16) {
    eventually(&format!("the answer is {status}"), async || {
        (server.refresh(authid).await.status == status).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_leaked_key_stays_closed_where_the_file_that_replaced_it_is_gone() {
    let case = Replaced::new().await;
    let running = case.installation.serve().await;
    missing_keys(&running, 0.0).await;
    case.lose_new();
    missing_keys(&running, 1.0).await;
    let restarted = case.installation.serve().await;
    missing_keys(&restarted, 1.0).await;
    for (server, for_good) in [(&running, 200), (&restarted, 503)] {
        let refused = server.refresh(&case.stolen).await;
        assert_eq!(refused.status, 401, "{refused:?}");
        assert!(refused.header("x-reason").contains("retired"));
        assert_eq!(server.refresh(&case.good).await.status, for_good);
    }
    // Where there is nobody to remember it.
    let listed = case.installation.run(&["keys", "list"]).await;
    for part in [
        format!("{} leaked, and was replaced by {}.", case.leaked, case.new),
        format!("MISSING: {}.jwk", case.new),
    ] {
        assert!(listed.good().contains(&part), "{listed:?}");
    }
    let exported = case.installation.run(&["keys", "export"]).await;
    assert!(!exported.good().contains(&case.leaked), "it would open");

    case.put_back();
    missing_keys(&restarted, 0.0).await;
    assert_eq!(restarted.refresh(&case.good).await.status, 200);
    assert_eq!(restarted.refresh(&case.stolen).await.status, 401);
    assert_eq!(ready(&restarted).await.body, "ready\n");

    let set = case.installation.run(&["keys", "export"]).await;
    let environment = case.installation.environment();
    let mut environment: Vec<_> = environment
        .into_iter()
        .filter(|(name, _)| *name != "AUTHSEAL_KEYS_DIR")
        .collect();
    environment.push(("AUTHSEAL_KEYS", set.good().trim()));
    let without_disk = ServerProcess::start(&environment).await;
    assert_eq!(without_disk.refresh(&case.good).await.status, 200);
    assert_eq!(without_disk.refresh(&case.stolen).await.status, 401);
}

#[tokio::test]
async fn what_replaced_a_key_by_mistake_is_taken_back_for_running_and_for_new_servers() {
    let case = Replaced::new().await;
    let running = case.installation.serve().await;
    case.lose_new();
    let refused = case.undo().await;
    assert!(
        refused.bad().contains("is missing from") && refused.bad().contains("put it back"),
        "{refused:?}"
    );
    case.put_back();
    case.undo().await.good();
    answers(&running, &case.stolen, 200).await;
    // The history has it too: the other key's file is not asked for any more.
    case.lose_new();
    missing_keys(&running, 1.0).await;
    let restarted = case.installation.serve().await;
    for server in [&running, &restarted] {
        assert_eq!(server.refresh(&case.stolen).await.status, 200);
    }
    // And where the new key is lost for good.
    let case = Replaced::new().await;
    let running = case.installation.serve().await;
    case.lose_new();
    let remove = ["keys", "remove", &case.new, "--yes"];
    case.installation.run(&remove).await.good();
    answers(&running, &case.good, 401).await;
    assert_eq!(running.refresh(&case.stolen).await.status, 401);
    case.undo().await.good();
    answers(&running, &case.stolen, 200).await;
}

#[tokio::test]
async fn a_leaked_key_whose_file_is_gone_is_missed_by_nobody() {
    let case = Replaced::new().await;
    let running = case.installation.serve().await;
    let refused = async |kid: &str| {
        let command = ["keys", "remove", kid, "--yes"];
        let refused = case.installation.run(&command).await;
        let first = format!("remove {} first", case.leaked);
        assert!(refused.bad().contains(&first), "{refused:?}");
    };
    refused(&case.new).await;
    fs::remove_file(case.installation.key_path(&case.leaked)).unwrap();
    // A server may still have it.
    refused(&case.new).await;
    running.program.hang_up().await;
    let restarted = case.installation.serve().await;
    for server in [&running, &restarted] {
        missing_keys(server, 0.0).await;
        assert_eq!(ready(server).await.body, "ready\n");
        assert_eq!(server.refresh(&case.stolen).await.status, 401);
        assert_eq!(server.refresh(&case.good).await.status, 200);
    }
    // What is read is written down all the same.
    let login = case.installation.lineage(&case.good);
    let revoked = case.installation.keys_dir.join("revoked.txt");
    fs::write(revoked, format!("{login}\n")).unwrap();
    eventually("the history has it", async || {
        let path = case.installation.keys_dir.join("history.txt");
        let history = fs::read_to_string(path).unwrap();
        history.contains(&format!("revoked {login}")).then_some(())
    })
    .await;
    // A rule on it is no mistake.
    let rule = ["revoke", "--kid", &case.leaked, "--before", "now"];
    case.installation.run(&rule).await.good();
    let remove = |kid| ["keys", "remove", kid, "--yes"];
    for kid in [&case.leaked, &case.new] {
        case.installation.run(&remove(kid)).await.good();
    }
}

#[tokio::test]
async fn a_key_that_is_missing_when_the_folder_leaks_is_replaced_as_well() {
    let (installation, missing) = Installation::with_key().await;
    let stolen = installation.log_in("stable");
    installation.new_key(&[]).await;
    let server = installation.serve().await;
    fs::remove_file(installation.key_path(&missing)).unwrap();
    missing_keys(&server, 1.0).await;
    assert_eq!(server.refresh(&stolen).await.status, 200);
    replace(&installation, &["--all"]).await;
    answers(&server, &stolen, 401).await;
    missing_keys(&server, 0.0).await;
    let again = installation
        .run(&["keys", "replace", "--leaked", &missing])
        .await;
    assert!(again.good().contains("replaced already"), "{again:?}");
}

#[tokio::test]
async fn a_rule_on_a_leaked_key_holds_for_what_was_renewed_under_another_before() {
    let (installation, leaked) = Installation::with_key().await;
    let server = installation.serve().await;
    let stolen = installation.log_in("stable");
    let other = installation.new_key(&[]).await;
    server.has_key(&other, "sealing").await;
    let renewed = server.refresh(&stolen).await.json()["v2_authid"]
        .as_str()
        .unwrap()
        .to_owned();
    let made = replace(&installation, &["--leaked", &leaked]).await;
    server.has_key(&made, "sealing").await;
    assert_eq!(server.refresh(&stolen).await.status, 401);
    assert_eq!(server.refresh(&renewed).await.status, 200);
    let rule = ["revoke", "--kid", &leaked, "--before", "now"];
    installation.run(&rule).await.good();
    answers(&server, &renewed, 401).await;
    let under_other = installation.log_in("stable");
    assert_eq!(server.refresh(&under_other).await.status, 200);
}

#[tokio::test]
async fn a_folder_changed_by_hand_gets_its_leaked_keys_into_the_history() {
    let case = Replaced::new().await;
    let path = case.installation.keys_dir.join("history.txt");
    fs::remove_file(&path).unwrap();
    let server = case.installation.serve().await;
    let line = format!("key {} replaced ", case.leaked);
    let history = || fs::read_to_string(&path).unwrap_or_default();
    let last = || {
        let history = history();
        let mut lines = history.lines().filter(|line| line.contains(&case.leaked));
        lines.next_back().unwrap_or_default().to_owned()
    };
    eventually("the history has it", async || {
        last().starts_with(&line).then_some(())
    })
    .await;
    let lines = history().lines().count();
    // Taken back by hand.
    let new = case.installation.key_path(&case.new);
    let text = fs::read_to_string(&new).unwrap();
    let replaces = format!("[\"{}\"]", case.leaked);
    assert!(text.contains(&replaces));
    fs::write(&new, text.replace(&replaces, "[]")).unwrap();
    answers(&server, &case.stolen, 200).await;
    eventually("the history follows", async || {
        last().contains(" undone ").then_some(())
    })
    .await;
    assert_eq!(history().lines().count(), lines + 1, "{}", history());
}

/// Servers may still have it, and its file may come back.
#[tokio::test]
async fn a_key_that_is_missing_is_still_open_until_it_is_replaced_too() {
    let (installation, leaked) = Installation::with_key().await;
    let other = installation.new_key(&[]).await;
    fs::remove_file(installation.key_path(&other)).unwrap();
    let command = ["keys", "replace", "--json", "--leaked", &leaked];
    let first = installation.run(&command).await.json();
    assert_eq!(first["still_open"], serde_json::json!([other]));
    let command = [&command[..], &["--leaked", &other]].concat();
    let second = installation.run(&command).await.json();
    assert_eq!(second["still_open"], serde_json::json!([first["kid"]]));
}
