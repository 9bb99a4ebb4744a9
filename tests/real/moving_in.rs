//! What pyAesCrypt encrypted, as Duplicati's own server keeps it.

use std::fs;

use serde_json::json;

use super::{
    other_program::{output, python},
    support::{Finished, TestApp, run},
};

const ID: &str = "0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "Zoë's password";

fn encrypted(content: &str) -> Vec<u8> {
    output(python("pyaescrypt/encrypt.py").arg(PASSWORD), content)
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
        let authid = format!("{id}:{PASSWORD}");
        let url = format!("{}/refresh", app.url);
        // The password is UTF-8 in the header, too.
        let by_header = app.refresh(&authid).await.good();
        let by_form = super::support::post_form(&url, &[("authid", &authid)]).await;
        for answer in [by_header, by_form.good()] {
            let authid = answer.json()["v2_authid"].as_str().unwrap().to_owned();
            assert_eq!(app.open(&authid).refresh_token.expose(), refresh_token);
        }
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
