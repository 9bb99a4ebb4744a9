//! What pyAesCrypt encrypted, as Duplicati's own server keeps it.

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;

use super::support::{Finished, TestApp, run};

const SCRIPT: &str = "tests/real/pyaescrypt/encrypt.py";
const ID: &str = "0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "Zoë's password";

fn encrypted(content: &str) -> Vec<u8> {
    let python = env::var("AUTHSEAL_TEST_PYTHON").expect("use tests/run");
    let mut child = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT))
        .arg(PASSWORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(content.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[tokio::test]
async fn a_v1_authid_opens_a_file_of_pyaescrypts_making() {
    let storage = tempfile::tempdir().unwrap();
    let app = TestApp::builder()
        .env("AUTHSEAL_V1_STORAGE", storage.path().to_str().unwrap())
        .start()
        .await;
    // Every length that a last block can have.
    for padding in 0..16 {
        let refresh_token = app.provider.issue_refresh_token("stable").unwrap();
        let content = json!({
            "ServiceId": "stable",
            "Expires": "2026-01-01T00:00:00Z",
            "AccessToken": "a".repeat(padding),
            "RefreshToken": refresh_token,
            "Json": "{}",
        });
        let id = format!("{}{padding:x}", &ID[..31]);
        fs::write(storage.path().join(&id), encrypted(&content.to_string())).unwrap();
        let answer = app.refresh(&format!("{id}:{PASSWORD}")).await;
        assert_eq!(answer.status, 400, "a header is ASCII: {answer:?}");
        let url = format!("{}/refresh", app.url);
        let authid = format!("{id}:{PASSWORD}");
        let answer = super::support::post_form(&url, &[("authid", &authid)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let authid = answer.json()["v2_authid"].as_str().unwrap().to_owned();
        assert_eq!(app.open(&authid).refresh_token.expose(), refresh_token);
    }
}

#[tokio::test]
async fn secrets_of_pyaescrypts_making_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let secrets = r#"{"BOX_CLIENT_ID": "id", "BOX_CLIENT_SECRET": "never-print-this"}"#;
    fs::write(path("secrets.json.aes"), encrypted(secrets)).unwrap();
    let environment = [
        ("HOSTNAME", "oauth.example.com"),
        ("SECRETS", &path("secrets.json.aes")),
        ("SECRETS_PASSPHRASE", PASSWORD),
        ("AUTHSEAL_KEYS_DIR", &path("keys")),
    ];
    let finished = Finished::from(run(&["check"], &environment).await);
    let said = finished.good();
    assert!(
        said.contains("box.com") && !said.contains("never-print"),
        "{said}"
    );
}
