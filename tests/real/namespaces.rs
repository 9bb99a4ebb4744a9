//! Faults of the system that a namespace of one's own shows without harm to others: name
//! servers that do not answer, and no notices of file changes. Skipped, with a line, where
//! the system gives no such namespace.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use tokio::{net::UdpSocket, task::JoinHandle};

use crate::support::{Answer, Installation, ServerProcess, get, shell};

/// Address of a name server that never answers.
const SILENT: &str = "127.0.0.153";

/// Has the script run as root of a namespace with mounts of its own.
fn in_namespace(script: &str) -> String {
    format!("exec unshare -rm sh -c '{script}'")
}

async fn has_namespaces() -> bool {
    let tried = shell(&in_namespace("true"), &[]).await;
    if !tried.status.success() {
        eprintln!("SKIPPED: {}", String::from_utf8_lossy(&tried.stderr));
    }
    tried.status.success()
}

/// An installation whose provider has a name that is looked up for minutes.
struct LookingUp {
    installation: Installation,
    name_server: UdpSocket,
    resolv_conf: PathBuf,
}

impl LookingUp {
    /// `None`, with a line, if the system does not allow it.
    async fn new() -> Option<Self> {
        if !has_namespaces().await {
            return None;
        }
        let name_server = match UdpSocket::bind((SILENT, 53)).await {
            Ok(name_server) => name_server,
            Err(error) => {
                eprintln!("SKIPPED: no name server at {SILENT}: {error}");
                return None;
            }
        };
        let (installation, _) = Installation::with_key().await;
        installation.have_token_url("https://provider.example/token");
        let resolv_conf = installation.keys_dir.with_extension("conf");
        let text = format!("nameserver {SILENT}\noptions timeout:30 attempts:5\n");
        fs::write(&resolv_conf, text).unwrap();
        Some(Self {
            installation,
            name_server,
            resolv_conf,
        })
    }

    fn script(&self, command: &str) -> String {
        let resolv_conf = self.resolv_conf.display();
        in_namespace(&format!(
            "mount --bind {resolv_conf} /etc/resolv.conf && exec \"$AUTHSEAL\" {command}"
        ))
    }

    async fn is_asked(&self) {
        self.name_server.recv(&mut [0; 512]).await.unwrap();
    }

    /// A server with a refresh that waits for the look-up.
    async fn serve(&self) -> (ServerProcess, JoinHandle<Answer>) {
        let script = self.script("serve");
        let server = ServerProcess::of_script(&script, &self.installation.environment()).await;
        let (url, authid) = (
            format!("{}/refresh", server.url),
            self.installation.log_in("single-use"),
        );
        let refresh = tokio::spawn(async move { get(&url, &[("X-AuthID", &authid)]).await });
        self.is_asked().await;
        (server, refresh)
    }
}

#[tokio::test]
async fn a_name_look_up_that_hangs_holds_up_no_second_signal_and_no_command() {
    let Some(looking_up) = LookingUp::new().await else {
        return;
    };
    let (server, refresh) = looking_up.serve().await;
    server.program.terminate().await;
    // A second signal beside one that was not taken yet would be the same one.
    server.program.says("stopping").await;
    server.program.terminate().await;
    let (status, output) = server.program.end().await;
    assert_eq!(status.code(), Some(1), "{output}");
    assert_eq!(refresh.await.unwrap().status, 502);

    let environment = looking_up.installation.environment();
    let script = looking_up.script("check --online");
    let checked = shell(&script, &environment);
    let checked = tokio::time::timeout(crate::support::PATIENCE, checked).await;
    let said = String::from_utf8(checked.expect("it does not end").stdout).unwrap();
    assert!(said.contains("no answer within 10 s"), "{said}");
}

#[tokio::test]
async fn without_notices_of_changes_the_keys_are_followed_and_a_line_says_so() {
    if !has_namespaces().await {
        return;
    }
    let (installation, kid) = Installation::with_key().await;
    let script =
        in_namespace("echo 0 >/proc/sys/user/max_inotify_instances && exec \"$AUTHSEAL\" serve");
    let server = ServerProcess::of_script(&script, &installation.environment()).await;
    let set_mode = |mode| {
        let path = installation.key_path(&kid);
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    set_mode(0o644);
    server.program.says("can be read by others").await;
    set_mode(0o600);
    server.program.says("the keys were loaded again").await;
    let said = server.program.so_far();
    assert_eq!(said.matches("does not report changes").count(), 1, "{said}");
}
