//! The audit log: what stands in it, and that no line of it can be taken out unnoticed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use authseal::keyring::KeyFolder;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use crate::support::{
    Finished, Installation, ServerProcess, TestApp, authid_on, eventually, get, post_form, run,
};

/// The lines of a log.
fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    whole
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

fn event_of(line: &Value) -> &str {
    line["event"].as_str().unwrap()
}

/// The lines of this event.
fn of<'l>(lines: &'l [Value], event: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

async fn has(path: &Path, event: &str) {
    eventually(event, async || {
        (!of(&lines(path), event).is_empty()).then_some(())
    })
    .await;
}

async fn verified(path: &Path) -> Value {
    let path = path.to_str().unwrap();
    let finished: Finished = run(&["audit", "verify", "--json", path], &[]).await.into();
    finished.json()
}

/// An installation whose servers and commands write to an audit log.
async fn installation() -> (Installation, PathBuf) {
    let mut installation = Installation::new(Duration::from_secs(3600)).await;
    let folder = installation.keys_dir.parent().unwrap().join("audit");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("audit.log");
    installation.set("AUTHSEAL_AUDIT_LOG", path.to_str().unwrap());
    (installation, path)
}

#[tokio::test]
async fn what_people_and_programs_do_stands_there_without_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let app = TestApp::builder()
        .env("AUTHSEAL_AUDIT_LOG", path.to_str().unwrap())
        .env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1");
    let app = app.start().await;
    let page = app.log_in("stable").await.good();
    let authid = authid_on(&page.body);
    app.refresh(&authid).await.good();
    let from = |client| [("X-AuthID", authid.as_str()), ("X-Forwarded-For", client)];
    let post = async |path: &str| {
        let form = [("authid", authid.as_str())];
        post_form(&format!("{}{path}", app.url), &form).await
    };
    assert_eq!(post("/renewed").await.status, 200);
    get(
        &format!("{}/logged-in?code=never-print&state=x", app.url),
        &[],
    )
    .await;
    app.refresh("never-print-garbage-that-is-no-authid").await;
    let lineage = app.open(&authid).lineage;
    let keys = KeyFolder::new(&app.keys_dir);
    keys.revoke(&lineage.to_string(), None).unwrap();
    app.app.keyring.reload().unwrap();
    let refused = get(&format!("{}/refresh", app.url), &from("203.0.113.7")).await;
    assert_eq!(refused.status, 401);
    app.stop().await;

    let text = fs::read_to_string(&path).unwrap();
    for secret in [&authid[..], "never-print", &lineage.to_string(), "access"] {
        assert!(!text.contains(secret), "{text}");
    }
    let lines = lines(&path);
    // The reloader may be faster than the test.
    let by_people = lines.iter().filter(|line| line["by"] != "file");
    let events: Vec<&str> = by_people.map(event_of).collect();
    let expected = [
        "chain_begun",
        "key_made",
        "started",
        "login",
        "renewed",
        "login_refused",
        "refused",
        "refused",
        "stopped",
    ];
    assert_eq!(events, expected, "{text}");
    let login = of(&lines, "login")[0];
    for (field, value) in [
        ("service", "stable"),
        ("lineage", &lineage.short_hash()),
        ("route", "/logged-in"),
        ("client", "unknown@127.0.0.1"),
    ] {
        assert_eq!(login[field], value, "{login}");
    }
    let refused = of(&lines, "refused");
    assert_eq!(refused[0]["reason"], "not_an_authid");
    assert!(refused[0].get("lineage").is_none());
    assert_eq!(refused[1]["reason"], "revoked");
    assert_eq!(refused[1]["client"], "203.0.113.7");
    assert_eq!(refused[1]["lineage"], lineage.short_hash());
    assert!(refused[1]["request_id"].is_string());
    assert_eq!(verified(&path).await["whole"], true);
}

#[tokio::test]
async fn a_flood_of_refusals_is_one_line_and_a_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let app = TestApp::builder().env("AUTHSEAL_AUDIT_LOG", path.to_str().unwrap());
    let app = app.start().await;
    let authid = app.authid("stable").await;
    for _ in 0..50 {
        app.refresh("v2:stable:garbage").await;
        app.refresh(&authid).await.good();
    }
    assert_eq!(of(&lines(&path), "refused").len(), 1);
    app.clock.advance(Duration::from_secs(3600));
    let counted = async || {
        let lines = lines(&path);
        let refused = of(&lines, "refused");
        (refused.len() == 2).then(|| refused[1]["count"].clone())
    };
    assert_eq!(eventually("the count", counted).await, 49);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_and_a_server_write_one_chain_through_rotations_and_a_kill() {
    let (installation, path) = installation().await;
    let kid = installation.new_key(&[]).await;
    let server = installation.serve().await;
    has(&path, "started").await;
    let (one, two, three) = tokio::join!(
        installation.new_key(&[]),
        installation.new_key(&[]),
        installation.new_key(&[])
    );
    for kid in [&one, &two, &three] {
        server.knows_key(kid).await;
    }
    let rotated = path.with_extension("log.1");
    fs::rename(&path, &rotated).unwrap();
    let authid = installation.log_in("stable");
    // Any of these may seal, if all were made in one second.
    let sealing = installation.open(&authid).kid;
    let mut others = [&kid, &one, &two, &three].into_iter();
    let mut other = || others.find(|kid| **kid != sealing).unwrap();
    let (retired, leaked) = (other(), other());
    installation.run(&["keys", "retire", retired]).await.good();
    installation
        .run(&["revoke", &authid, "--reason", "lost laptop"])
        .await
        .good();
    installation
        .run(&["keys", "remove", retired, "--yes"])
        .await
        .good();
    installation
        .run(&["keys", "replace", "--leaked", leaked])
        .await
        .good();
    installation
        .run(&["revoke", &authid, "--undo"])
        .await
        .good();
    installation.run(&["keys", "export"]).await.good();
    let seen = async || {
        let lines = lines(&path);
        let by_file = |event: &str| of(&lines, event).iter().any(|line| line["by"] == "file");
        let all = [
            "revoked",
            "key_retired",
            "key_removed",
            "key_replaced",
            "revocation_undone",
        ];
        all.iter().all(|event| by_file(event)).then_some(())
    };
    eventually("the server has seen all changes", seen).await;
    server.program.kill().await;
    let server = installation.serve().await;
    server.program.terminate().await;
    let (status, _) = server.program.end().await;
    assert!(status.success());

    let later = lines(&path);
    assert_eq!(later[0]["event"], "file_begun");
    for event in [
        "key_retired",
        "revoked",
        "key_removed",
        "key_made",
        "keys_exported",
    ] {
        let by_command = of(&later, event);
        let line = by_command.iter().find(|line| line["by"] == "command");
        assert!(line.is_some_and(|line| line["uid"].is_u64()), "{event}");
    }
    let revoked = of(&later, "revoked");
    assert!(revoked.iter().any(|line| line["note"] == "lost laptop"));
    assert_eq!(later.last().unwrap()["event"], "stopped");
    let (old, new) = (rotated.to_str().unwrap(), path.to_str().unwrap());
    let both = installation
        .run(&["audit", "verify", old, new, "--json"])
        .await
        .json();
    assert_eq!(both["whole"], true, "{both}");
    assert_eq!(both["notes"].as_array().unwrap().len(), 0, "{both}");
    assert_eq!(both["lines"], lines(&rotated).len() + later.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_goes_on_while_the_log_cannot_be_written_and_loses_no_line_of_a_few() {
    let (installation, path) = installation().await;
    installation.new_key(&[]).await;
    let server = installation.serve().await;
    has(&path, "started").await;
    let (folder, away) = (
        path.parent().unwrap(),
        path.parent().unwrap().with_extension("away"),
    );
    fs::rename(folder, &away).unwrap();
    let authid = installation.log_in("stable");
    assert_eq!(server.refresh("garbage").await.status, 401);
    server.refresh(&authid).await.good();
    server.program.says("cannot be written: ").await;
    let waiting = async || {
        server
            .scrape()
            .await
            .sum("authseal_audit_lines_waiting", &[])
    };
    assert_eq!(waiting().await, 1.0);
    // A command has done its work, and says that the line is missing.
    let made = installation.run(&["keys", "new"]).await;
    assert!(made.status.success(), "{made:?}");
    assert!(
        made.stderr.contains("the audit log has no line of it"),
        "{made:?}"
    );
    fs::rename(&away, folder).unwrap();
    server.program.says("is written again").await;
    has(&path, "refused").await;
    let scrape = server.scrape().await;
    assert_eq!(scrape.sum("authseal_audit_lines_lost_total", &[]), 0.0);
    assert_eq!(verified(&path).await["whole"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_another_process_holds_delays_no_refresh() {
    let (installation, path) = installation().await;
    installation.new_key(&[]).await;
    let server = installation.serve().await;
    has(&path, "started").await;
    let held = File::open(path.with_extension("log.chain")).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    let authid = installation.log_in("stable");
    assert_eq!(server.refresh("garbage").await.status, 401);
    server.refresh(&authid).await.good();
    assert!(of(&lines(&path), "refused").is_empty());
    drop(held);
    has(&path, "refused").await;
}

#[tokio::test]
async fn a_server_whose_log_cannot_be_opened_does_not_start_and_check_says_why() {
    let (mut installation, path) = installation().await;
    installation.new_key(&[]).await;
    let missing = path.with_file_name("none").join("audit.log");
    installation.set("AUTHSEAL_AUDIT_LOG", missing.to_str().unwrap());
    for command in ["serve", "check"] {
        let failed = installation.run(&[command]).await;
        assert_eq!(failed.status.code(), Some(1), "{failed:?}");
        let said = &failed.stderr;
        assert!(said.contains("AUTHSEAL_AUDIT_LOG: "), "{said}");
        assert!(said.contains("there is no folder"), "{said}");
    }
    installation.set("AUTHSEAL_AUDIT_LOG", path.to_str().unwrap());
    let checked = installation.run(&["check"]).await;
    let row = format!("Audit log      {}\n", path.display());
    assert!(checked.stdout.contains(&row), "{checked:?}");
}

#[tokio::test]
async fn on_standard_output_each_process_begins_a_chain() {
    let (mut installation, _) = installation().await;
    installation.set("AUTHSEAL_AUDIT_LOG", "stdout");
    let made = installation.run(&["keys", "new", "--json"]).await;
    assert!(made.json()["kid"].is_string());
    let mut output = String::new();
    for _ in 0..2 {
        let server = ServerProcess::start(&installation.environment()).await;
        server.program.terminate().await;
        let (status, said) = server.program.end().await;
        assert!(status.success(), "{said}");
        let is_audit = |line: &&str| line.starts_with("{\"n\":");
        for line in said.lines().filter(is_audit) {
            output.push_str(line);
            output.push('\n');
        }
    }
    let verified = installation
        .run_with_input(&["audit", "verify", "-"], &output)
        .await;
    let said = verified.good();
    assert!(said.contains("Lines       6\n"), "{said}");
    assert!(said.contains("- line 4: a new chain begins here"), "{said}");
    let nothing = installation.run(&["audit", "verify"]).await;
    assert!(nothing.bad().contains("name the file"), "{nothing:?}");
}

#[tokio::test]
async fn verify_names_the_first_broken_place_and_a_hash_to_keep() {
    let (installation, path) = installation().await;
    for _ in 0..3 {
        installation.new_key(&[]).await;
    }
    let whole = installation.run(&["audit", "verify"]).await;
    let said = whole.good();
    let hash = said
        .split_once("Hash        ")
        .unwrap()
        .1
        .lines()
        .next()
        .unwrap();
    let kept = ["audit", "verify", "--kept", hash];
    installation.new_key(&[]).await;
    installation.run(&kept).await.good();

    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(&path, [lines[0], lines[1], lines[3], lines[4]].concat()).unwrap();
    let broken = installation.run(&["audit", "verify"]).await;
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
    let says = format!("BROKEN: {} line 3: number 3 is missing", path.display());
    assert!(broken.stderr.contains(&says), "{broken:?}");
    let json = installation.run(&["audit", "verify", "--json"]).await;
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (&json["whole"], &json["broken"]["line"]),
        (&false.into(), &3.into())
    );

    // Whoever cuts the end off has to change the file beside it as well, and then only a hash
    // that is kept elsewhere shows it.
    fs::write(&path, lines[..2].concat()).unwrap();
    let cut = installation.run(&["audit", "verify"]).await;
    assert!(cut.stderr.contains("the end is cut off"), "{cut:?}");
    fs::remove_file(path.with_extension("log.chain")).unwrap();
    installation.run(&["audit", "verify"]).await.good();
    let cut = installation.run(&kept).await;
    assert!(cut.stderr.contains("which was kept"), "{cut:?}");
}
