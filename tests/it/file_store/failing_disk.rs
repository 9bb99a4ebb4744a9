//! Disks that are full or read-only: single-use services wait, others do not notice, and
//! nothing that was acknowledged is lost.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::UNCACHED;
use crate::support::{Installation, PATIENCE, Scrape, eventually, get, skipped};

/// A shell in which a server runs, with a small volume of its own where the system allows
/// that to users, and with a limit on the size of files.
struct Shell {
    child: Child,
    commands: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Shell {
    /// Runs the script, which reads more lines of itself from its input. Returns `None` if it
    /// ends with 77 before it says *ready*.
    async fn start(installation: &Installation, program: &[&str], script: &str) -> Option<Self> {
        let mut child = Command::new(program[0])
            .args(&program[1..])
            .args(["sh", "-c", script])
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .envs(installation.environment())
            .env("AUTHSEAL", env!("CARGO_BIN_EXE_authseal"))
            .env("STORE", installation.store_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut shell = Self {
            commands: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        };
        shell.says("ready").await?;
        Some(shell)
    }

    /// Waits for a line with the text; `None` if there is none.
    async fn says(&mut self, text: &str) -> Option<String> {
        let saying = async {
            while let Some(line) = self.output.next_line().await.unwrap() {
                if let Some((_, rest)) = line.split_once(text) {
                    return Some(rest.to_owned());
                }
            }
            None
        };
        timeout(PATIENCE, saying).await.expect("a line")
    }

    async fn run(&mut self, command: &str) {
        let line = format!("{command}\n");
        let commands = self.commands.as_mut().unwrap();
        commands.write_all(line.as_bytes()).await.unwrap();
    }

    /// Ends the server: the script ends it when its own input ends, also if the test fails.
    async fn stop(mut self) {
        self.commands = None;
        while self.output.next_line().await.unwrap().is_some() {}
        assert!(self.child.wait().await.unwrap().success());
    }

    /// The addresses of the server that it runs.
    async fn serves(&mut self) -> (String, String) {
        let addresses = self.says("serving http://localhost on ").await.unwrap();
        let (service, admin) = addresses.split_once(", health on ").unwrap();
        (format!("http://{service}"), format!("http://{admin}"))
    }
}

/// Reads commands and runs them, while the server writes into the same output.
const SERVE: &str = "serve() { \"$AUTHSEAL\" serve 2>&1 & server=$!; }; serve; \
                     while read -r line; do eval \"$line\"; done; kill $server; wait $server";

/// A volume that only this shell sees.
const VOLUME: &str = "mkdir -m 700 -p \"$STORE\" && mount -t tmpfs -o size=4m,mode=700 none \"$STORE\" \
                      || exit 77; echo ready;";

/// Refreshes new logins until one is refused. Returns those that were not.
async fn fill(installation: &Installation, url: &str) -> (Vec<String>, String) {
    let mut refreshed = Vec::new();
    for _ in 0..20_000 {
        let authid = installation.log_in("single-use");
        let answer = get(&format!("{url}/refresh"), &[("X-AuthID", &authid)]).await;
        match answer.status.as_u16() {
            200 => refreshed.push(authid),
            503 => return (refreshed, authid),
            _ => panic!("{answer:?}"),
        }
    }
    panic!("the disk is never full");
}

/// The last ones, and one in every eight of the others.
fn some_of(authids: &[String]) -> impl Iterator<Item = &String> {
    let (others, last) = authids.split_at(authids.len().saturating_sub(50));
    others.iter().step_by(8).chain(last)
}

async fn status(url: &str, authid: &str) -> u16 {
    let answer = get(&format!("{url}/refresh"), &[("X-AuthID", authid)]).await;
    answer.status.as_u16()
}

/// Single-use services wait, and say so before anything is sent; others go on.
async fn check_failing(installation: &Installation, url: &str, admin: &str, refused: &str) {
    let before = installation.provider.seen();
    assert_eq!(status(url, refused).await, 503);
    assert_eq!(installation.provider.seen(), before, "nothing was sent");
    let stable = installation.log_in("stable");
    assert_eq!(status(url, &stable).await, 200);
    let scrape = Scrape::of(admin).await;
    assert_eq!(scrape.sum("authseal_store_up", &[]), 0.0);
    assert!(scrape.sum("authseal_store_errors_total", &[("kind", "unusable")]) >= 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_loses_nothing_and_goes_on_when_there_is_room() {
    let installation = Installation::with_store(UNCACHED).await;
    // Blocks of 512 bytes: more than an empty store has.
    let script = format!("trap '' XFSZ; ulimit -S -f 4000; echo ready; {SERVE}");
    let mut shell = Shell::start(&installation, &["env"], &script)
        .await
        .unwrap();
    let (url, admin) = shell.serves().await;
    let (refreshed, refused) = fill(&installation, &url).await;
    println!("{} logins fit", refreshed.len());
    shell
        .says("no space is left on its volume; make room")
        .await
        .unwrap();
    check_failing(&installation, &url, &admin, &refused).await;
    shell.stop().await;

    let server = installation.serve().await;
    for authid in some_of(&refreshed) {
        server.refresh(authid).await.good();
    }
    server.refresh(&refused).await.good();
    assert_eq!(installation.provider.seen().replays, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_fills_up_and_becomes_read_only_is_survived() {
    let installation = Installation::with_store(UNCACHED).await;
    let script = format!("{VOLUME} {SERVE}");
    let namespace = ["unshare", "--user", "--map-root-user", "--mount"];
    let Some(mut shell) = Shell::start(&installation, &namespace, &script).await else {
        return skipped("this system lets nobody mount in a namespace");
    };
    let (url, admin) = shell.serves().await;
    let (mut refreshed, refused) = fill(&installation, &url).await;
    println!("{} logins fit into 4 MiB", refreshed.len());
    check_failing(&installation, &url, &admin, &refused).await;
    shell.run("mount -o remount,size=64m \"$STORE\"").await;
    eventually("there is room", async || {
        (status(&url, &refused).await == 200).then_some(())
    })
    .await;
    refreshed.push(refused);

    // It cannot be made read-only while a file on it is open for writing, other than by an
    // error of the disk: tests/real/store_faults.rs.
    shell
        .run("kill $server; wait $server; mount -o remount,ro \"$STORE\"; serve")
        .await;
    let (url, admin) = shell.serves().await;
    check_failing(&installation, &url, &admin, &refreshed[1]).await;
    shell.run("mount -o remount,rw \"$STORE\"").await;
    eventually("it can be written", async || {
        (status(&url, &refreshed[0]).await == 200).then_some(())
    })
    .await;
    for authid in some_of(&refreshed) {
        assert_eq!(status(&url, authid).await, 200);
    }
    assert_eq!(installation.provider.seen().replays, 0);
    shell.stop().await;
}
