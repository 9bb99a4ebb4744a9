//! Absence is no order: what happens when keys are gone that nobody has removed.

use std::{fs, path::Path};

use crate::support::{Answer, Installation, ServerProcess, eventually, get, post_form};

/// Moves everything of this folder away that ends like this, and returns what undoes it.
fn take_away(folder: &Path, endings: &'static [&str]) -> impl FnOnce() + use<> {
    let (folder, away) = (folder.to_owned(), folder.with_extension("away"));
    fs::create_dir_all(&away).unwrap();
    let entries = fs::read_dir(&folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names
        .filter(|name| endings.iter().any(|ending| name.ends_with(ending)))
        .collect();
    assert!(!names.is_empty());
    for name in &names {
        fs::rename(folder.join(name), away.join(name)).unwrap();
    }
    move || {
        for name in names {
            fs::rename(away.join(&name), folder.join(&name)).unwrap();
        }
    }
}

pub async fn ready(server: &ServerProcess) -> Answer {
    get(&format!("{}/readyz", server.admin_url), &[]).await
}

pub async fn missing_keys(server: &ServerProcess, count: f64) {
    eventually(&format!("{count} keys are missing"), async || {
        let scrape = server.scrape().await;
        let is_whole = f64::from(count == 0.0);
        let numbers = [
            scrape.sum("authseal_keys_missing", &[]),
            scrape.sum("authseal_keys_loaded", &[]),
        ];
        (numbers == [count, is_whole]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_running_server_keeps_the_keys_whose_files_are_gone() {
    let (installation, old) = Installation::with_key().await;
    let under_old = installation.log_in("stable");
    let new = installation.new_key(&[]).await;
    let server = installation.serve().await;
    server.has_key(&new, "sealing").await;
    missing_keys(&server, 0.0).await;
    let both_endings: [&[&str]; 3] = [&[".jwk"], &["k", "t"], &[""]];
    for (round, endings) in both_endings.into_iter().enumerate() {
        // Not cached: they are opened with the keys that are gone.
        let logins = [installation.log_in("stable"), installation.log_in("stable")];
        let put_back = take_away(&installation.keys_dir, endings);
        missing_keys(&server, 2.0).await;
        for authid in logins.iter().chain([&under_old]) {
            assert_eq!(server.refresh(authid).await.status, 200, "{round}");
        }
        let says = ready(&server).await;
        assert_eq!(says.status, 200);
        for part in ["ready\n", "no longer holds", &old, &new, "keys remove"] {
            assert!(says.body.contains(part), "{part}: {says:?}");
        }
        let login = get(&format!("{}/login?id=stable", server.url), &[]).await;
        assert_eq!(login.status, 302, "the new key still seals");
        put_back();
        missing_keys(&server, 0.0).await;
        assert_eq!(ready(&server).await.body, "ready\n");
    }
    server
        .program
        .says("ERROR the keys stay as they were")
        .await;
}

#[tokio::test]
async fn one_key_that_is_gone_stays_until_it_is_removed() {
    let (installation, old) = Installation::with_key().await;
    let under_old = installation.log_in("stable");
    let new = installation.new_key(&[]).await;
    let server = installation.serve().await;
    fs::remove_file(installation.key_path(&old)).unwrap();
    missing_keys(&server, 1.0).await;
    assert_eq!(server.refresh(&under_old).await.status, 200);
    // What is new is taken all the same.
    let newest = installation.new_key(&[]).await;
    server.has_key(&newest, "sealing").await;

    let removed = installation.run(&["keys", "remove", &old, "--yes"]).await;
    assert_eq!(removed.good(), format!("{old} is removed.\n"));
    missing_keys(&server, 0.0).await;
    let answer = server.refresh(&under_old).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("x-reason").contains("does not have the key"));
    // That key is retired first: its file is not missed.
    installation.run(&["keys", "retire", &new]).await.good();
    server.has_key(&new, "retired").await;
    fs::remove_file(installation.key_path(&new)).unwrap();
    server.program.hang_up().await;
    missing_keys(&server, 0.0).await;
}

#[tokio::test]
async fn the_last_key_goes_by_keys_remove_alone() {
    let (installation, kid) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    let server = installation.serve().await;
    // The folder is empty, the history with it: somebody means it all the same.
    let away = installation.keys_dir.with_extension("away");
    fs::rename(&installation.keys_dir, away).unwrap();
    fs::create_dir(&installation.keys_dir).unwrap();
    missing_keys(&server, 1.0).await;
    assert_eq!(server.refresh(&authid).await.status, 200);
    let command = ["keys", "remove", &kid, "--yes"];
    installation.run(&command).await.good();
    eventually("the key is removed", async || {
        (server.refresh(&authid).await.status == 401).then_some(())
    })
    .await;
    let says = ready(&server).await;
    assert_eq!(says.status, 503);
    assert!(says.body.contains("make one with authseal keys new"));
}

/// Everything that a client or a person can ask gets an answer that is not the end.
async fn waits(server: &ServerProcess, authid: &str, because: &str) {
    let refused = server.refresh(authid).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.header("retry-after"), "5");
    let reason = refused.header("x-reason");
    assert!(reason.contains("waits for its keys"), "{reason}");
    assert!(!reason.contains('/'), "no path is told: {reason}");
    for path in [
        "/",
        "/login?id=stable",
        "/renew",
        "/fetch?token=abcdefghijklmnopqrst",
    ] {
        let answer = get(&format!("{}{path}", server.url), &[]).await;
        assert_eq!(answer.status, 503, "{path}: {answer:?}");
    }
    let form = [("grant_type", "refresh_token"), ("refresh_token", authid)];
    let token = post_form(&format!("{}/token", server.url), &form).await;
    assert_eq!(token.status, 503, "{token:?}");
    assert_eq!(token.json()["error"], "temporarily_unavailable");
    let style = get(&format!("{}/style.css", server.url), &[]).await;
    assert_ne!(style.status, 503);
    let says = ready(server).await;
    assert_eq!(says.status, 503, "{says:?}");
    assert!(says.body.contains(because), "{because}: {says:?}");
    server.program.says("ERROR waiting for the keys: ").await;
}

#[tokio::test]
async fn a_server_without_the_keys_that_it_should_have_waits_for_them() {
    type Prepare = fn(&Installation);
    let removes_all: Prepare = |installation| {
        let _ = take_away(&installation.keys_dir, &[".jwk"]);
    };
    let leaves_revoked_txt: Prepare = |installation| {
        let _ = take_away(&installation.keys_dir, &[".jwk", "history.txt"]);
        fs::write(installation.keys_dir.join("revoked.txt"), "# none\n").unwrap();
    };
    let is_not_mounted: Prepare = |installation| {
        let _ = take_away(&installation.keys_dir, &["k", "t"]);
    };
    let does_not_exist: Prepare = |installation| {
        let away = installation.keys_dir.with_extension("away");
        fs::rename(&installation.keys_dir, away).unwrap();
    };
    let empties_the_history: Prepare = |installation| {
        let _ = take_away(&installation.keys_dir, &[".jwk"]);
        fs::write(installation.keys_dir.join("history.txt"), "").unwrap();
    };
    let has_other_line_breaks: Prepare = |installation| {
        let _ = take_away(&installation.keys_dir, &[".jwk"]);
        let path = installation.keys_dir.join("history.txt");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace('\n', "\r\n")).unwrap();
    };
    for (prepare, first_key, because) in [
        (removes_all, "make", "has had"),
        (empties_the_history, "make", "has history.txt and no key"),
        (has_other_line_breaks, "make", "has had"),
        (leaves_revoked_txt, "make", "has revoked.txt and no key"),
        (is_not_mounted, "never", "AUTHSEAL_FIRST_KEY is never"),
        (does_not_exist, "never", "It lies on the file system at /"),
    ] {
        let (installation, kid) = Installation::with_key().await;
        let authid = installation.log_in("stable");
        prepare(&installation);
        let mut environment = installation.environment();
        environment.push(("AUTHSEAL_FIRST_KEY", first_key));
        let server = ServerProcess::start(&environment).await;
        waits(&server, &authid, because).await;
        let checked = crate::support::run(&["check"], &environment).await;
        let text = String::from_utf8(checked.stderr).unwrap();
        assert_eq!(checked.status.code(), Some(1), "{text}");
        assert!(text.contains(because), "{text}");

        // The volume comes: no key was made, and everybody is served.
        let (away, here) = (
            installation.keys_dir.with_extension("away"),
            &installation.keys_dir,
        );
        fs::create_dir_all(here).unwrap();
        for entry in fs::read_dir(&away).unwrap() {
            let path = entry.unwrap().path();
            fs::rename(&path, here.join(path.file_name().unwrap())).unwrap();
        }
        eventually("it serves", async || {
            (server.refresh(&authid).await.status == 200).then_some(())
        })
        .await;
        assert_eq!(ready(&server).await.status, 200);
        let keys = installation.keys();
        let kids: Vec<&str> = keys.iter().map(|key| key.kid.as_str()).collect();
        assert_eq!(kids, [kid]);
    }
}

#[tokio::test]
async fn after_every_key_was_removed_only_keys_new_makes_one() {
    let (installation, kid) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    let remove = ["keys", "remove", &kid, "--yes"];
    installation.run(&remove).await.good();
    let server = installation.serve().await;
    waits(
        &server,
        &authid,
        "was removed. Make one with authseal keys new",
    )
    .await;
    let new = installation.new_key(&[]).await;
    server.has_key(&new, "sealing").await;
    assert_eq!(server.refresh(&authid).await.status, 401);
}

#[tokio::test]
async fn a_first_key_is_made_where_there_has_never_been_one() {
    type Prepare = fn(&Path);
    let cases: [Prepare; 2] = [
        |_| {},
        // As mkfs leaves a volume.
        |folder| fs::create_dir(folder.join("lost+found")).unwrap(),
    ];
    for prepare in cases {
        let installation = Installation::new(std::time::Duration::from_secs(60)).await;
        fs::create_dir(&installation.keys_dir).unwrap();
        prepare(&installation.keys_dir);
        let server = installation.serve().await;
        server.program.says("BACK IT UP").await;
        let keys = installation.keys();
        let kid = &keys.iter().next().unwrap().kid;
        let history = fs::read_to_string(installation.keys_dir.join("history.txt"));
        assert!(history.unwrap().contains(&format!("key {kid} made ")));
    }
}

#[tokio::test]
async fn where_one_key_is_missing_at_the_start_its_authids_wait_and_the_others_are_served() {
    let (installation, old) = Installation::with_key().await;
    let under_old = installation.log_in("stable");
    installation.new_key(&[]).await;
    let under_new = installation.log_in("stable");
    let away = installation.key_path(&old).with_extension("away");
    fs::rename(installation.key_path(&old), &away).unwrap();
    let server = installation.serve().await;
    missing_keys(&server, 1.0).await;
    let answer = server.refresh(&under_old).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(
        answer
            .header("x-reason")
            .contains("is missing on this server")
    );
    assert_eq!(server.refresh(&under_new).await.status, 200);
    assert_eq!(ready(&server).await.status, 200);
    fs::rename(away, installation.key_path(&old)).unwrap();
    missing_keys(&server, 0.0).await;
    assert_eq!(server.refresh(&under_old).await.status, 200);
}

#[tokio::test]
async fn a_folder_that_is_older_than_its_history_gets_one() {
    let (installation, kid) = Installation::with_key().await;
    let revoked = installation.log_in("stable");
    installation.run(&["revoke", &revoked]).await.good();
    let path = installation.keys_dir.join("history.txt");
    fs::remove_file(&path).unwrap();
    let lineage = installation.lineage(&revoked);
    let _server = installation.serve().await;
    eventually("the history is written", async || {
        let history = fs::read_to_string(&path).unwrap_or_default();
        let lines = [format!("key {kid} made "), format!("revoked {lineage}\n")];
        lines
            .iter()
            .all(|line| history.contains(line))
            .then_some(())
    })
    .await;
}
