//! LISTEN=unix:PATH.

use std::os::unix::fs::PermissionsExt;

use authseal::{
    clock::Clock,
    keyring::{KeySource, Keyring},
    seal::{Grant, UseLimits},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use crate::support::{Finished, Program, run, seal};

struct Socket {
    folder: tempfile::TempDir,
}

impl Socket {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("authseal.sock")
    }

    /// With these settings besides.
    fn environment(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let listen = format!("unix:{}", self.path().display());
        let keys = self.folder.path().join("keys");
        let own = [
            ("AUTHSEAL_PUBLIC_URL", "http://localhost"),
            ("AUTHSEAL_LISTEN", &listen),
            ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:0"),
            ("AUTHSEAL_KEYS_DIR", keys.to_str().unwrap()),
        ];
        let all = own.iter().chain(more);
        all.map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    }

    async fn serve(&self, more: &[(&str, &str)]) -> Program {
        let environment = self.environment(more);
        let program = Program::start(&["serve"], &borrowed(&environment));
        let place = program.says("serving http://localhost on unix:").await;
        assert!(place.starts_with(self.path().to_str().unwrap()), "{place}");
        program
    }

    async fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = UnixStream::connect(self.path()).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn borrowed(environment: &[(String, String)]) -> Vec<(&str, &str)> {
    let pairs = environment.iter();
    pairs
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

#[tokio::test]
async fn it_serves_there_for_its_group_and_leaves_nothing_behind() {
    let socket = Socket::new();
    let program = socket.serve(&[]).await;
    let mode = std::fs::metadata(socket.path())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o660);
    let answer = socket.get("/", "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    program.terminate().await;
    assert_eq!(program.end().await.0.code(), Some(0));
    assert!(!socket.path().exists());
}

#[tokio::test]
async fn what_a_crash_left_is_replaced_and_nothing_else_is() {
    let socket = Socket::new();
    socket.serve(&[]).await.kill().await;
    assert!(socket.path().exists());
    let _running = socket.serve(&[]).await;
    let check = async |says: &str| {
        let environment = socket.environment(&[]);
        let second = Finished::from(run(&["serve"], &borrowed(&environment)).await);
        assert_eq!(second.status.code(), Some(1));
        for part in ["AUTHSEAL_LISTEN", says] {
            assert!(second.stderr.contains(part), "{second:?}");
        }
    };
    check("another program listens there already").await;
    assert!(socket.get("/", "").await.starts_with("HTTP/1.1 200"));
    std::fs::remove_file(socket.path()).unwrap();
    std::fs::write(socket.path(), "a file of somebody's").unwrap();
    check("a file that is no socket is there").await;
    assert!(socket.path().exists());
}

#[tokio::test]
async fn a_proxy_at_the_socket_is_believed_only_when_it_is_trusted() {
    for (trusted, status) in [("unix", "200"), ("127.0.0.1", "403")] {
        let socket = Socket::new();
        let _running = socket
            .serve(&[
                ("AUTHSEAL_TRUSTED_PROXIES", trusted),
                ("AUTHSEAL_LOGIN_NETWORKS", "192.168.0.0/16"),
            ])
            .await;
        let answer = socket.get("/", "X-Forwarded-For: 192.168.1.5\r\n").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn an_authid_with_networks_is_refused_where_nobody_has_an_address() {
    let socket = Socket::new();
    let _running = socket
        .serve(&[
            ("AUTHSEAL_TRUSTED_PROXIES", "unix"),
            ("DROPBOX_CLIENT_ID", "id"),
            ("DROPBOX_CLIENT_SECRET", "never-print-secret"),
        ])
        .await;
    let folder = socket.folder.path().join("keys");
    let keyring = Keyring::load(KeySource::Folder(folder)).unwrap();
    let (keys, now) = (keyring.current(), Clock::system().now());
    let login = seal(&keyring, now, "dropbox", "never-print-refresh");
    let everywhere = ["0.0.0.0/0", "::/0"].map(|network| network.parse().unwrap());
    let limits = UseLimits::new(None, everywhere, None).unwrap();
    let grant = Grant {
        terms: limits.into_terms(),
        ..authseal::seal::open(&keys, now, &login).unwrap().grant
    };
    let authid = authseal::seal::seal(&keys, now, &grant).unwrap();
    let headers = format!("X-AuthID: {}\r\n", authid.expose());
    let answer = socket.get("/refresh", &headers).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(
        answer.contains("does not see from which address"),
        "{answer}"
    );
}
