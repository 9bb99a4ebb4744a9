//! Commands whose output cannot be written: the work is done, the exit code says that it
//! was not shown, and nothing panics.

use std::{
    fs::OpenOptions,
    io::{Write, pipe},
    process::{Output, Stdio},
};

use authseal::seal::Lineage;

use crate::support::{Installation, eventually, free_port, shell, std_command};

/// A command: how it is asked for now, its standard input, and whether its work is done.
struct Case {
    arguments: fn(&Installation) -> String,
    input: fn(&Installation) -> String,
    is_done: fn(&Installation, &str) -> bool,
}

const NOTHING: fn(&Installation) -> String = |_| String::new();
const ONLY_SHOWS: fn(&Installation, &str) -> bool = |_, _| true;

fn shows(arguments: fn(&Installation) -> String) -> Case {
    Case {
        arguments,
        input: NOTHING,
        is_done: ONLY_SHOWS,
    }
}

fn changes(
    arguments: fn(&Installation) -> String,
    is_done: fn(&Installation, &str) -> bool,
) -> Case {
    Case {
        arguments,
        input: NOTHING,
        is_done,
    }
}

/// A key that opens and does not seal.
fn older(installation: &Installation) -> String {
    let keys = installation.keys();
    let mut open = keys.iter().filter(|key| key.replaced.is_none());
    open.next().unwrap().kid.clone()
}

fn last_word(arguments: &str) -> &str {
    arguments.split(' ').next_back().unwrap()
}

fn count(installation: &Installation) -> usize {
    installation.keys().iter().count()
}

fn cases() -> Vec<Case> {
    vec![
        shows(|_| "--help".into()),
        shows(|_| "--version".into()),
        shows(|_| "help keys".into()),
        shows(|_| "run --help".into()),
        shows(|_| "completions bash".into()),
        shows(|_| "check".into()),
        shows(|_| "check --online".into()),
        shows(|_| "keys list".into()),
        shows(|_| "keys list --json".into()),
        shows(|_| "keys export".into()),
        Case {
            input: |installation| installation.log_in("stable"),
            ..shows(|_| "authid show".into())
        },
        Case {
            input: |_| "never-print-refresh".into(),
            ..shows(|_| "authid seal --service stable".into())
        },
        Case {
            input: |installation| installation.log_in("stable"),
            ..shows(|_| "import".into())
        },
        changes(
            |installation| format!("keys new --activate-in {}s", 1000 + count(installation)),
            |installation, arguments| {
                // The number of keys before is in the duration.
                let before: usize = last_word(arguments).trim_end_matches('s').parse().unwrap();
                count(installation) == before - 1000 + 1
            },
        ),
        changes(
            |installation| format!("keys retire --at 9d {}", older(installation)),
            |installation, arguments| {
                let keys = installation.keys();
                keys.iter()
                    .any(|key| key.kid == last_word(arguments) && key.exp.is_some())
            },
        ),
        changes(
            |installation| format!("keys replace --leaked {}", older(installation)),
            |installation, arguments| {
                let keys = installation.keys();
                keys.iter()
                    .any(|key| key.kid == last_word(arguments) && key.replaced.is_some())
            },
        ),
        changes(
            |installation| format!("keys remove --yes {}", older(installation)),
            |installation, arguments| !installation.key_path(last_word(arguments)).exists(),
        ),
        changes(
            |_| format!("revoke {}", Lineage::random()),
            |installation, arguments| installation.keys().is_revoked(last_word(arguments)),
        ),
        changes(
            |installation| {
                let keys = authseal::keyring::KeyFolder::new(&installation.keys_dir);
                let lineage = Lineage::random().to_string();
                keys.revoke(&lineage, None).unwrap();
                format!("revoke --undo {lineage}")
            },
            |installation, arguments| !installation.keys().is_revoked(last_word(arguments)),
        ),
    ]
}

async fn with_keys() -> Installation {
    let (installation, _) = Installation::with_key().await;
    for _ in 0..3 {
        installation.new_key(&[]).await;
    }
    installation
}

/// Runs the case with its outputs elsewhere, and checks that its work is done.
fn run(installation: &Installation, case: &Case, stdout: Stdio, stderr: Stdio) -> (String, Output) {
    let line = (case.arguments)(installation);
    let words: Vec<&str> = line.split(' ').collect();
    let mut child = std_command(&words, &installation.environment())
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .unwrap();
    let input = (case.input)(installation);
    // A command that reads nothing may have ended.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!((case.is_done)(installation, &line), "{line}: {output:?}");
    (line, output)
}

fn full() -> Stdio {
    OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_output_is_named_and_the_work_is_done() {
    let installation = with_keys().await;
    for case in cases() {
        let (line, output) = run(&installation, &case, full(), Stdio::piped());
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(74), "{line}: {text}");
        let says = "the command is done, but its output could not be written: No space left";
        assert!(text.contains(says), "{line}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_left_is_no_reason_for_words() {
    let installation = with_keys().await;
    for case in cases() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let (line, output) = run(&installation, &case, writer.into(), Stdio::piped());
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(141), "{line}: {text}");
        let is_quiet = text.is_empty() || text == "1 sealed, 0 not\n";
        assert!(is_quiet, "{line}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_error_that_cannot_be_written_changes_nothing() {
    let installation = with_keys().await;
    for case in cases() {
        let (line, output) = run(&installation, &case, Stdio::piped(), full());
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert!(!output.stdout.is_empty(), "{line}");
    }
    let environment = installation.environment();
    let failed = shell("\"$AUTHSEAL\" keys remove none 2>/dev/full", &environment);
    assert_eq!(failed.await.status.code(), Some(1));
    let wrong = shell("\"$AUTHSEAL\" keys nonsense 2>/dev/full", &environment);
    assert_eq!(wrong.await.status.code(), Some(2));
}

#[tokio::test]
async fn colours_follow_the_variables_that_other_programs_know() {
    let installation = with_keys().await;
    for (set, is_coloured) in [
        ("TERM=xterm", false),
        ("CLICOLOR=1", false),
        ("CLICOLOR_FORCE=1", true),
        ("CLICOLOR_FORCE=1 NO_COLOR=1", false),
    ] {
        // The log of a server that does not get its second address.
        let script = format!(
            "export {set}; \"$AUTHSEAL\" --help; AUTHSEAL_ADMIN_LISTEN=192.0.2.1:1 \"$AUTHSEAL\" serve 2>&1 || true"
        );
        let output = shell(&script, &installation.environment()).await;
        let text = String::from_utf8(output.stdout).unwrap();
        let (help, log) = text.split_once("Exit codes:").unwrap();
        assert!(log.contains("offering "), "{log}");
        for part in [help, log] {
            assert_eq!(part.contains('\x1b'), is_coloured, "{set}: {part:?}");
        }
    }
}

#[tokio::test]
async fn closed_outputs_are_like_dev_null() {
    let installation = with_keys().await;
    for closed in [">&-", "2>&-", ">&- 2>&-"] {
        for command in ["check", "keys new", "keys list", "--version"] {
            let script = format!("\"$AUTHSEAL\" {command} {closed}");
            let output = shell(&script, &installation.environment()).await;
            assert_eq!(output.status.code(), Some(0), "{script}: {output:?}");
        }
    }
}

#[tokio::test]
async fn a_server_serves_and_health_is_asked_with_outputs_that_are_full() {
    let installation = with_keys().await;
    let address = format!("127.0.0.1:{}", free_port());
    let mut environment = installation.environment();
    environment.retain(|(name, _)| *name != "AUTHSEAL_ADMIN_LISTEN");
    environment.push(("AUTHSEAL_ADMIN_LISTEN", &address));
    let mut server = std_command(&["serve"], &environment);
    let mut server = server.stdout(full()).stderr(full()).spawn().unwrap();
    let serves = eventually("it serves", async || {
        tokio::net::TcpStream::connect(&address).await.ok()
    });
    serves.await;
    let health = shell("\"$AUTHSEAL\" health >/dev/full", &environment).await;
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(health.status.code(), Some(74), "{health:?}");
}
