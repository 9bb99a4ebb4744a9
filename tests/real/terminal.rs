//! Commands on a terminal, which `script` of util-linux makes.

use std::process::Stdio;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

use crate::support::{Installation, PATIENCE};

/// A shell's script on a terminal of its own.
struct Terminal {
    child: Child,
    shown: String,
}

impl Terminal {
    fn run(script: &str, installation: &Installation) -> Self {
        let child = Command::new("script")
            .args(["--quiet", "--return", "--command", script, "/dev/null"])
            .env_clear()
            .envs(installation.environment())
            .envs([
                ("AUTHSEAL", env!("CARGO_BIN_EXE_authseal")),
                ("PATH", "/usr/bin:/bin"),
                ("SHELL", "/bin/sh"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it is installed: tests/run --prepare");
        let shown = String::new();
        Self { child, shown }
    }

    /// Reads until the terminal shows the text, or to the end of what it shows.
    async fn shows(&mut self, text: &str) -> bool {
        let output = self.child.stdout.as_mut().unwrap();
        let mut bytes = [0; 4096];
        while text.is_empty() || !self.shown.contains(text) {
            let read = timeout(PATIENCE, output.read(&mut bytes)).await;
            match read.unwrap_or_else(|_| panic!("no {text:?}: {}", self.shown)) {
                Ok(count) if count > 0 => {
                    self.shown += &String::from_utf8_lossy(&bytes[..count]);
                }
                _ => return false,
            }
        }
        true
    }

    async fn types(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(text.as_bytes()).await.unwrap();
    }

    /// Waits for its end, and returns all that it has shown.
    async fn end(mut self) -> (Option<i32>, String) {
        self.shows("").await;
        let status = timeout(PATIENCE, self.child.wait()).await;
        (status.expect("it ends").unwrap().code(), self.shown)
    }
}

const ASKS: &str = "Paste the refresh token (not shown) and press Enter: ";

/// `stty` tells at the end if what is typed is shown again.
const SEAL: &str = "\"$AUTHSEAL\" authid seal --service stable; stty -a; echo ended";

#[tokio::test]
async fn a_terminal_asks_for_a_refresh_token_and_does_not_show_it() {
    let (installation, _) = Installation::with_key().await;
    let mut terminal = Terminal::run(SEAL, &installation);
    assert!(terminal.shows(ASKS).await, "{}", terminal.shown);
    terminal.types("never-print-typed\n").await;
    let (status, shown) = terminal.end().await;
    assert_eq!(status, Some(0), "{shown}");
    assert!(!shown.contains("never-print"), "it was shown");
    let authid = shown.lines().find(|line| line.starts_with("v2:stable:"));
    let opened = installation.open(authid.expect(&shown).trim());
    assert_eq!(opened.grant.refresh_token.expose(), "never-print-typed");
    assert!(shown.contains(" echo "), "{shown}");
}

#[tokio::test]
async fn a_token_that_is_too_long_for_a_terminal_is_refused_and_signals_show_what_is_typed_again() {
    let (installation, _) = Installation::with_key().await;
    let mut terminal = Terminal::run(SEAL, &installation);
    assert!(terminal.shows(ASKS).await, "{}", terminal.shown);
    terminal.types(&"x".repeat(5000)).await;
    terminal.types("\n").await;
    let (_, shown) = terminal.end().await;
    assert!(shown.contains("give it with --file"), "{shown}");

    for (signal, key) in [("INT", '\u{3}'), ("QUIT", '\u{1c}')] {
        let mut terminal = Terminal::run(&format!("trap : {signal}; {SEAL}"), &installation);
        assert!(terminal.shows(ASKS).await, "{}", terminal.shown);
        terminal.types(&format!("never-print{key}")).await;
        assert!(terminal.shows("ended").await, "{}", terminal.shown);
        assert!(terminal.shown.contains(" echo "), "{}", terminal.shown);
    }
}

#[tokio::test]
async fn an_import_counts_on_the_terminal_if_its_result_goes_elsewhere() {
    let (installation, _) = Installation::with_key().await;
    let list = "v2:stable:a\\nv2:stable:b\\n";
    let import = format!("printf '{list}' | \"$AUTHSEAL\" import");
    for (script, counts) in [
        (format!("{import} >/dev/null"), true),
        (import.clone(), false),
        (format!("{import} >/dev/null 2>&1"), false),
    ] {
        let (status, shown) = Terminal::run(&script, &installation).end().await;
        assert_eq!(status, Some(0), "{shown}");
        assert_eq!(
            shown.contains("\r1 sealed, 0 not"),
            counts,
            "{script}: {shown:?}"
        );
    }
}
