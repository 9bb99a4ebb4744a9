//! jwcrypto, a JOSE library of other authors, opens AuthIDs and makes them, with
//! a file of the keys folder and nothing else.

use std::{collections::BTreeSet, fs};

use authseal::{
    keyring::{KeyFolder, KeySource, Keyring, Passphrase},
    seal::{self, Grant},
    secret::Secret,
};
use serde_json::{Value, json};

use super::{
    other_program::{output, python},
    support::TestApp,
};

/// What an AuthID holds, as jwcrypto finds it.
pub fn open(app: &TestApp, authid: &str) -> Value {
    let jwe = authid.rsplit(':').next().unwrap();
    let plaintext = run(&["open", &key_file(app)], jwe);
    serde_json::from_str(&plaintext).unwrap()
}

/// An AuthID of this content, sealed by jwcrypto with the key in this file.
fn seal(key_file: &str, content: &Value, options: &[&str]) -> String {
    let arguments = [&["seal", key_file], options].concat();
    let jwe = run(&arguments, &content.to_string());
    format!("v2:{}:{}", content["svc"].as_str().unwrap(), jwe.trim())
}

fn run(arguments: &[&str], stdin: &str) -> String {
    let mut command = python("jwcrypto/jose.py");
    String::from_utf8(output(command.args(arguments), stdin)).unwrap()
}

/// The one key of a fresh server.
fn key_file(app: &TestApp) -> String {
    let file = crate::support::key_file(&app.keys_dir);
    file.into_os_string().into_string().unwrap()
}

/// A login that authseal never saw.
fn content(app: &TestApp) -> Value {
    json!({
        "svc": "stable",
        "rt": app.provider.issue_refresh_token("stable").unwrap(),
        "iat": app.clock.now().0,
        "lin": "AAECAwQFBgcICQoLDA0ODw",
        "gen": 0,
    })
}

#[tokio::test]
async fn jwcrypto_finds_in_an_authid_what_design_md_says_it_holds() {
    let app = TestApp::start().await;
    let authid = app.authid("single-use").await;
    let first = open(&app, &authid);
    let members: BTreeSet<&str> = first
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(members, ["cid", "gen", "iat", "lin", "rt", "svc"].into());
    assert_eq!(first["svc"], "single-use");
    assert_eq!(first["gen"], 0);
    assert_eq!(first["iat"], app.clock.now().0);

    let refreshed = app.refresh(&authid).await.json();
    let second = open(&app, refreshed["v2_authid"].as_str().unwrap());
    assert_eq!(second["gen"], 1);
    assert_eq!(second["lin"], first["lin"]);
    assert_eq!(second["cid"], first["cid"]);
    assert_ne!(second["rt"], first["rt"]);
}

/// Sealed again by jwcrypto as what it is, the refresh token must be the one that
/// the provider gave: the provider takes it.
#[tokio::test]
async fn the_refresh_token_that_jwcrypto_finds_is_the_providers() {
    let app = TestApp::start().await;
    let mut content = content(&app);
    content["rt"] = open(&app, &app.authid("stable").await)["rt"].clone();
    app.refresh(&seal(&key_file(&app), &content, &[]))
        .await
        .good();
    assert_eq!(app.provider.seen().refreshes, 1);
}

#[tokio::test]
async fn jwcrypto_opens_a_compressed_authid() {
    let app = TestApp::start().await;
    let mut content = content(&app);
    content["rt"] = "long and of few letters ".repeat(60).into();
    let grant: Grant = serde_json::from_value(content.clone()).unwrap();
    let authid = seal::seal(&app.app.keyring.current(), app.clock.now(), &grant).unwrap();
    assert!(authid.expose().len() < 600, "it is not compressed");
    assert_eq!(open(&app, authid.expose()), content);
}

#[tokio::test]
async fn authseal_refreshes_with_an_authid_that_jwcrypto_sealed() {
    let app = TestApp::start().await;
    for (made, options) in [&[][..], &["--zip"]].into_iter().enumerate() {
        let content = content(&app);
        let authid = seal(&key_file(&app), &content, options);
        // Another lineage is another access token: nothing may come from the cache.
        app.clock.advance(std::time::Duration::from_secs(7200));
        let answer = app.refresh(&authid).await;
        assert_eq!(answer.status, 200, "{options:?}: {answer:?}");
        assert_eq!(answer.json()["type"], "stable");
        assert_eq!(app.provider.seen().refreshes, 1 + made as u64);
    }
}

#[tokio::test]
async fn what_jwcrypto_sealed_with_another_key_is_401() {
    let app = TestApp::start().await;
    let own = fs::read_to_string(key_file(&app)).unwrap();
    let mut key: Value = serde_json::from_str(&own).unwrap();
    key["k"] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".into();
    let folder = tempfile::tempdir().unwrap();
    let other_key = folder.path().join("other.jwk");

    for kid in [key["kid"].clone(), json!("other")] {
        key["kid"] = kid;
        fs::write(&other_key, key.to_string()).unwrap();
        let authid = seal(other_key.to_str().unwrap(), &content(&app), &[]);
        let answer = app.refresh(&authid).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.body.contains("Log in again at"), "{answer:?}");
    }
    assert_eq!(app.provider.seen().refreshes, 0);
}

#[tokio::test]
async fn an_authid_for_another_service_than_it_names_is_401() {
    let app = TestApp::start().await;
    let authid = seal(&key_file(&app), &content(&app), &[]);
    let renamed = authid.replace("v2:stable:", "v2:single-use:");
    let answer = app.refresh(&renamed).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(app.provider.seen().refreshes, 0);
}

const PASSPHRASE: &str = "never-print-this: ein längerer Satz";

#[tokio::test]
async fn jwcrypto_opens_a_protected_key_and_an_exported_set_with_the_passphrase() {
    let app = TestApp::start().await;
    let path = key_file(&app);
    let plain: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let passphrase = Some(Passphrase::new(Secret::new(PASSPHRASE)));
    let folder = KeyFolder::new(&app.keys_dir).protected_by(passphrase.clone());
    assert_eq!(folder.protect_keys(app.clock.now()).unwrap().len(), 1);

    let opened = run(&["unprotect", &path], PASSPHRASE);
    let (content_type, jwk) = opened.split_once(' ').unwrap();
    assert_eq!(content_type, "jwk+json");
    assert_eq!(serde_json::from_str::<Value>(jwk).unwrap(), plain);

    let source = KeySource::Folder(app.keys_dir.clone());
    let keyring = Keyring::load_protected(source, passphrase).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), keyring.export(false).expose()).unwrap();
    let opened = run(&["unprotect", file.path().to_str().unwrap()], PASSPHRASE);
    let (content_type, set) = opened.split_once(' ').unwrap();
    assert_eq!(content_type, "jwk-set+json");
    let set: Value = serde_json::from_str(set).unwrap();
    assert_eq!(set["keys"][0]["k"], plain["k"]);
}

#[tokio::test]
async fn authseal_opens_keys_that_jwcrypto_protected() {
    let app = TestApp::start().await;
    let path = key_file(&app);
    let bytes = *app.app.keyring.current().iter().next().unwrap().bytes();
    let plain = fs::read_to_string(&path).unwrap();
    for (alg, enc) in [
        ("PBES2-HS512+A256KW", "A256GCM"),
        ("PBES2-HS512+A256KW", "A256CBC-HS512"),
        ("PBES2-HS384+A192KW", "A192CBC-HS384"),
        ("PBES2-HS256+A128KW", "A128CBC-HS256"),
        ("PBES2-HS256+A128KW", "A128GCM"),
    ] {
        fs::write(&path, &plain).unwrap();
        let protected = run(&["protect", &path, alg, enc], PASSPHRASE);
        fs::write(&path, protected).unwrap();
        let load = |passphrase: &str| {
            let source = KeySource::Folder(app.keys_dir.clone());
            Keyring::load_protected(source, Some(Passphrase::new(Secret::new(passphrase))))
        };
        let keyring = load(PASSPHRASE).unwrap();
        let keys = keyring.current();
        let key = keys.iter().next().unwrap();
        assert!(
            key.bytes() == &bytes && keys.is_protected(&key.kid),
            "{alg} {enc}"
        );
        assert!(load("another").is_err(), "{alg} {enc}");
    }
}
