//! Revocations fail closed: whatever becomes of revoked.txt, who was revoked stays so.

use std::{fs, path::Path};

use crate::support::{Installation, ServerProcess, eventually, get};

async fn revocations(server: &ServerProcess, are_whole: bool) {
    eventually(
        &format!("the revocations are whole: {are_whole}"),
        async || {
            let scrape = server.scrape().await;
            let loaded = scrape.sum("authseal_revocations_loaded", &[]);
            (loaded == f64::from(are_whole)).then_some(())
        },
    )
    .await;
}

async fn refused(server: &ServerProcess, authid: &str) {
    eventually("the AuthID is refused", async || {
        (server.refresh(authid).await.status == 401).then_some(())
    })
    .await;
}

/// What editors, scripts and disks do to the file, and what is said of it.
type Damage = (&'static str, fn(&Path, &str), &'static str);

const DAMAGES: [Damage; 8] = [
    (
        "emptied",
        |path, _| fs::write(path, "").unwrap(),
        "has lost 2 of its lines",
    ),
    (
        "cut in the middle of a line",
        |path, text| fs::write(path, &text[..text.len() / 2]).unwrap(),
        "has lost 1 of its lines",
    ),
    (
        "cut before its last letter",
        |path, text| fs::write(path, &text[..text.len() - 2]).unwrap(),
        "line 2: not a lineage",
    ),
    (
        "deleted",
        |path, _| fs::remove_file(path).unwrap(),
        "revoked.txt is gone",
    ),
    (
        "overwritten",
        |path, _| fs::write(path, "{\"not\": \"one\"}\n").unwrap(),
        "line 1: not a lineage",
    ),
    (
        "a line removed by hand",
        |path, text| fs::write(path, text.lines().next().unwrap()).unwrap(),
        "has lost 1 of its lines",
    ),
    (
        "a folder in its place",
        |path, _| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
        "cannot be read: it is a folder",
    ),
    (
        "a link to nowhere",
        |path, _| {
            fs::remove_file(path).unwrap();
            std::os::unix::fs::symlink("nowhere", path).unwrap();
        },
        "cannot be read: No such file",
    ),
];

fn restore(path: &Path, text: &str) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir(path);
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn who_was_revoked_stays_revoked_whatever_becomes_of_the_file() {
    let (installation, _) = Installation::with_key().await;
    let server = installation.serve().await;
    let revoked = [installation.log_in("stable"), installation.log_in("stable")];
    for authid in &revoked {
        installation.run(&["revoke", authid]).await.good();
        refused(&server, authid).await;
    }
    let other = installation.log_in("stable");
    let path = installation.keys_dir.join("revoked.txt");
    let text = fs::read_to_string(&path).unwrap();
    for (what, damage, says) in DAMAGES {
        damage(&path, &text);
        revocations(&server, false).await;
        for authid in &revoked {
            assert_eq!(server.refresh(authid).await.status, 401, "{what}");
        }
        assert_eq!(server.refresh(&other).await.status, 200, "{what}");
        // The server may have looked while the file was half written, or not there yet.
        eventually(&format!("{what} is told"), async || {
            let ready = get(&format!("{}/readyz", server.admin_url), &[]).await;
            assert_eq!(ready.status, 200, "{what}");
            ready.body.contains(says).then_some(())
        })
        .await;
        server.program.says(says).await;
        restore(&path, &text);
        revocations(&server, true).await;
    }
    let scrape = server.scrape().await;
    assert_eq!(scrape.sum("authseal_keys_loaded", &[]), 1.0);
    assert_eq!(scrape.sum("authseal_revocations", &[]), 2.0);
}

/// The history has a copy of what was read, but not of what was written by hand since: a
/// file that can't be read may hold such lines.
#[tokio::test]
async fn a_server_that_starts_with_a_damaged_file_serves_nobody_who_was_revoked() {
    for (what, damage, says) in DAMAGES {
        let (installation, _) = Installation::with_key().await;
        let revoked = [installation.log_in("stable"), installation.log_in("stable")];
        for authid in &revoked {
            installation.run(&["revoke", authid]).await.good();
        }
        let good = installation.log_in("stable");
        let path = installation.keys_dir.join("revoked.txt");
        let text = fs::read_to_string(&path).unwrap();
        damage(&path, &text);
        let server = installation.serve().await;
        let waits = says.contains("cannot be read");
        let (to_revoked, to_good) = if waits { (503, 503) } else { (401, 200) };
        for authid in &revoked {
            assert_eq!(server.refresh(authid).await.status, to_revoked, "{what}");
        }
        assert_eq!(server.refresh(&good).await.status, to_good, "{what}");
        let ready = get(&format!("{}/readyz", server.admin_url), &[]).await;
        assert_eq!(ready.status == 503, waits, "{what}");
        assert!(ready.body.contains(says), "{what}: {ready:?}");
        assert_eq!(ready.body.contains("which logins are revoked"), waits);
        restore(&path, &text);
        eventually("it serves", async || {
            (server.refresh(&good).await.status == 200).then_some(())
        })
        .await;
        for authid in &revoked {
            assert_eq!(server.refresh(authid).await.status, 401, "{what}");
        }
    }
}

#[tokio::test]
async fn a_line_that_revokes_nothing_is_named_and_the_others_count() {
    let (installation, _) = Installation::with_key().await;
    let [early, late] = [installation.log_in("stable"), installation.log_in("stable")];
    let short = installation.open(&early).grant.lineage.short_hash();
    let path = installation.keys_dir.join("revoked.txt");
    let pasted = "v2:stable:never-print-this";
    let early = (installation.lineage(&early), early);
    let late = (installation.lineage(&late), late);
    let text = format!("{}\n{short}\n{pasted}\n{} # why\n", early.0, late.0);
    fs::write(&path, text).unwrap();
    let lines = [
        "line 2: not a lineage: eight hex digits",
        "line 3: not a lineage",
    ];
    // At the start, and later.
    for _ in 0..2 {
        let server = installation.serve().await;
        for line in lines {
            server.program.says(line).await;
        }
        for (_, authid) in [&early, &late] {
            assert_eq!(server.refresh(authid).await.status, 401);
        }
        let third = installation.log_in("stable");
        assert_eq!(server.refresh(&third).await.status, 200);
        let done = installation.run(&["revoke", &third]).await;
        assert!(done.good().contains("Warning: "), "{done:?}");
        refused(&server, &third).await;
        assert!(!server.program.so_far().contains("never-print"));
    }
    let checked = installation.run(&["check"]).await;
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    for line in lines {
        assert!(checked.stderr.contains(line), "{checked:?}");
    }
    assert!(!checked.stderr.contains("never-print"));
}

#[tokio::test]
async fn a_broken_key_keeps_no_revocation_from_being_followed() {
    let (installation, kid) = Installation::with_key().await;
    let server = installation.serve().await;
    let authids = [(); 3].map(|()| installation.log_in("stable"));
    let lineages = authids
        .each_ref()
        .map(|authid| installation.lineage(authid));
    let good = fs::read_to_string(installation.key_path(&kid)).unwrap();
    let other = installation.key_path("another");
    let breaks: [&dyn Fn(); 3] = [
        &|| fs::write(&other, "half").unwrap(),
        &|| fs::create_dir(installation.key_path("folder")).unwrap(),
        &|| fs::write(installation.key_path(&kid), &good[..20]).unwrap(),
    ];
    for ((authid, lineage), breaks) in authids.iter().zip(&lineages).zip(breaks) {
        breaks();
        server.program.says("the keys stay as they were").await;
        assert_eq!(server.refresh(authid).await.status, 200);
        let done = installation.run(&["revoke", lineage]).await;
        assert!(done.good().contains("Warning: the keys stay"), "{done:?}");
        refused(&server, authid).await;
    }
}

#[tokio::test]
async fn a_line_that_is_deleted_goes_by_undo_alone() {
    let (installation, _) = Installation::with_key().await;
    let server = installation.serve().await;
    let authid = installation.log_in("stable");
    installation.run(&["revoke", &authid]).await.good();
    refused(&server, &authid).await;
    fs::write(installation.keys_dir.join("revoked.txt"), "# nobody\n").unwrap();
    revocations(&server, false).await;
    assert_eq!(server.refresh(&authid).await.status, 401);
    let undone = installation.run(&["revoke", "--undo", &authid]).await;
    assert!(undone.good().starts_with("Undid "), "{undone:?}");
    eventually("the AuthID is good again", async || {
        (server.refresh(&authid).await.status == 200).then_some(())
    })
    .await;
    revocations(&server, true).await;
    let again = installation.run(&["revoke", &authid]).await;
    assert!(again.good().starts_with("Revoked "), "{again:?}");
    refused(&server, &authid).await;
}

/// A copy that is written in place, or a disk that was full: the text ends behind an undo that
/// was taken back later.
#[tokio::test]
async fn an_undo_that_was_taken_back_is_no_order_where_the_text_is_cut_behind_it() {
    let (installation, _) = Installation::with_key().await;
    let server = installation.serve().await;
    let authid = installation.log_in("stable");
    for command in [&["revoke"][..], &["revoke", "--undo"], &["revoke"]] {
        let command = [command, &[authid.as_str()]].concat();
        installation.run(&command).await.good();
    }
    refused(&server, &authid).await;
    let path = installation.keys_dir.join("revoked.txt");
    let text = fs::read_to_string(&path).unwrap();
    let undo_ends = text.trim_end().rfind('\n').unwrap() + 1;
    fs::write(&path, &text[..undo_ends]).unwrap();
    revocations(&server, false).await;
    assert_eq!(server.refresh(&authid).await.status, 401);
    let restarted = installation.serve().await;
    revocations(&restarted, false).await;
    assert_eq!(restarted.refresh(&authid).await.status, 401);
    // Who means it is heard.
    let undo = installation.run(&["revoke", "--undo", &authid]).await;
    assert!(undo.good().contains("Undid"), "{undo:?}");
    for server in [&server, &restarted] {
        revocations(server, true).await;
        assert_eq!(server.refresh(&authid).await.status, 200);
    }
}

#[tokio::test]
async fn every_rule_of_a_scope_is_taken_back_also_one_that_the_file_has_lost() {
    let (installation, _) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    let rule = ["revoke", "--all", "--before", "now"];
    installation.run(&rule).await.good();
    let server = installation.serve().await;
    fs::remove_file(installation.keys_dir.join("revoked.txt")).unwrap();
    revocations(&server, false).await;
    assert_eq!(server.refresh(&authid).await.status, 401);
    let undo = installation.run(&["revoke", "--all", "--undo"]).await;
    assert!(undo.good().contains("Undid all before="), "{undo:?}");
    revocations(&server, true).await;
    assert_eq!(server.refresh(&authid).await.status, 200);
}

/// A sync that deletes before it copies.
#[tokio::test]
async fn a_file_that_could_not_be_read_and_then_is_gone_is_waited_for() {
    let (installation, _) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    let lineage = installation.lineage(&authid);
    let path = installation.keys_dir.join("revoked.txt");
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    let server = installation.serve().await;
    assert_eq!(server.refresh(&authid).await.status, 503);
    fs::remove_file(&path).unwrap();
    server.program.says("could not be read before").await;
    assert_eq!(server.refresh(&authid).await.status, 503);
    fs::write(&path, format!("{lineage}\n")).unwrap();
    refused(&server, &authid).await;
}
