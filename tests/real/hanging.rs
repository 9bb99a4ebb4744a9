//! Signals while the process waits for a file that does not answer.

use std::{fs, os::unix::process::ExitStatusExt, path::PathBuf, process::Command};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::{Installation, Program, eventually};

/// A file whose opening does not end, and the library that sees to it.
struct NeverOpens {
    folder: TempDir,
}

impl NeverOpens {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/hanging/open.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]);
        compiler.arg(folder.path().join("open.so")).arg(source);
        assert!(compiler.status().unwrap().success());
        fs::write(folder.path().join("passphrase"), "a passphrase").unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn start(&self, command: &[&str], installation: &Installation) -> Program {
        let (file, library) = (self.path("passphrase"), self.path("open.so"));
        let mut settings = installation.environment();
        settings.push(("AUTHSEAL_KEYS_PASSPHRASE_FILE", &file));
        settings.push(("NEVER_OPENS", &file));
        settings.push(("LD_PRELOAD", &library));
        Program::start(command, &settings)
    }

    /// Waits until the started program opens the file.
    async fn is_opened(&self) {
        let waits = PathBuf::from(self.path("passphrase.waits"));
        eventually("the file is opened", async || fs::remove_file(&waits).ok()).await;
    }
}

#[tokio::test]
async fn a_start_that_hangs_says_so_survives_sighup_and_ends_by_sigterm_and_ctrl_c() {
    let (installation, _) = Installation::with_key().await;
    let never_opens = NeverOpens::new();
    for (by_ctrl_c, expected) in [(false, Signal::TERM), (true, Signal::INT)] {
        let program = never_opens.start(&["serve"], &installation);
        program.says("the start waits for a file").await;
        program.hang_up().await;
        match by_ctrl_c {
            true => program.interrupt().await,
            false => program.terminate().await,
        }
        let (status, output) = program.end().await;
        assert_eq!(status.signal(), Some(expected.as_raw()), "{output}");
    }
}

#[tokio::test]
async fn every_command_that_hangs_ends_by_ctrl_c() {
    let (installation, _) = Installation::with_key().await;
    let never_opens = NeverOpens::new();
    let authid = installation.log_in("stable");
    for command in [
        &["check"] as &[&str],
        &["check", "--online"],
        &["revoke", &authid],
    ] {
        let program = never_opens.start(command, &installation);
        never_opens.is_opened().await;
        program.interrupt().await;
        let (status, output) = program.end().await;
        assert_eq!(status.signal(), Some(Signal::INT.as_raw()), "{output}");
    }
}
