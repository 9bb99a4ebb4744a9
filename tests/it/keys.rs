//! The keys, as a self-hoster meets them.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use authseal::{clock::UnixTime, keyring::Jwk};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::support::{Program, get, key_file, run};

const PUBLIC_URL: (&str, &str) = ("AUTHSEAL_PUBLIC_URL", "https://auth.example");

fn serving<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut environment = vec![
        PUBLIC_URL,
        ("AUTHSEAL_LISTEN", "127.0.0.1:0"),
        ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:0"),
    ];
    environment.extend(more);
    environment
}

fn modes(folder: &Path) -> Vec<u32> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect()
}

/// Starts `serve`, asks whether it is ready, and ends it.
async fn serve_once(environment: &[(&str, &str)]) -> String {
    let program = Program::start(&["serve"], environment);
    let health = program.says(", health on ").await;
    get(&format!("http://{health}/readyz"), &[]).await.good();
    program.terminate().await;
    let (status, output) = program.end().await;
    assert_eq!(status.code(), Some(0), "{output}");
    output
}

#[tokio::test]
async fn serve_makes_the_first_key_once_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("deep").join("keys");
    let environment = serving(&[("AUTHSEAL_KEYS_DIR", keys.to_str().unwrap())]);
    let first = serve_once(&environment).await;
    assert!(first.contains("BACK IT UP"), "{first}");
    // The key, and the history that says so.
    assert_eq!(modes(&keys), [0o600, 0o600]);
    assert_eq!(
        fs::metadata(&keys).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let second = serve_once(&environment).await;
    assert!(!second.contains("BACK IT UP"), "{second}");
    assert_eq!(modes(&keys), [0o600, 0o600]);
}

#[tokio::test]
async fn check_makes_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let environment = serving(&[("AUTHSEAL_KEYS_DIR", keys.to_str().unwrap())]);
    let output = run(&["check"], &environment).await;
    assert!(output.status.success());
    assert!(!keys.exists());
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("my keys");
    let environment = serving(&[("AUTHSEAL_KEYS_DIR", keys.to_str().unwrap())]);
    serve_once(&environment).await;
    let key = key_file(&keys);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let mut mended = false;
    for command in ["check", "serve"] {
        let output = run(&[command], &environment).await;
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        let (_, mends) = text.split_once("run: ").unwrap_or_else(|| panic!("{text}"));
        let mends = mends.lines().next().unwrap();
        assert_eq!(mends, format!("chmod 600 '{}'", key.display()));
        if command == "serve" {
            let shell = std::process::Command::new("sh")
                .args(["-c", mends])
                .status();
            mended = shell.unwrap().success();
        }
    }
    assert!(mended);
    serve_once(&environment).await;
}

#[tokio::test]
async fn serve_refuses_to_start_where_no_key_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    // Below a file, so that not even root can.
    for keys in [file.join("keys"), file] {
        let environment = serving(&[("AUTHSEAL_KEYS_DIR", keys.to_str().unwrap())]);
        let output = run(&["serve"], &environment).await;
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(keys.to_str().unwrap()), "{text}");
    }
}

#[tokio::test]
async fn keys_may_come_from_the_environment_as_json_or_base64() {
    let key = Jwk::generate(UnixTime(1_700_000_000), Duration::ZERO);
    let set = format!("{{\"keys\":[{}]}}", key.to_json().expose());
    let wrapped: String = STANDARD.encode(&set);
    for keys in [set.clone(), wrapped] {
        let output = serve_once(&serving(&[("AUTHSEAL_KEYS", &keys)])).await;
        assert!(!output.contains("BACK IT UP"), "{output}");
        let output = run(&["check"], &serving(&[("AUTHSEAL_KEYS", &keys)])).await;
        let text = String::from_utf8(output.stdout).unwrap();
        let sealing = format!("1 key in AUTHSEAL_KEYS, sealing with {}", key.kid);
        assert!(text.contains(&sealing), "{text}");
    }
    for (keys, hint) in [
        ("{\"keys\":[]}", "AUTHSEAL_KEYS holds no key"),
        ("eyJrZXlzIjpbXX0K", "AUTHSEAL_KEYS holds no key"),
        ("{\"keys\":[{}]}", "AUTHSEAL_KEYS has a wrong \"kty\""),
        ("never-print", "AUTHSEAL_KEYS is not JSON"),
        ("bmV2ZXItcHJpbnQ=", "AUTHSEAL_KEYS is not JSON"),
    ] {
        for command in ["serve", "check"] {
            let output = run(&[command], &serving(&[("AUTHSEAL_KEYS", keys)])).await;
            assert_eq!(output.status.code(), Some(1), "{command}");
            let text = String::from_utf8(output.stderr).unwrap();
            assert!(text.contains(hint), "{command}, {hint}: {text}");
            assert!(!text.contains("never-print"), "{text}");
        }
    }
}

#[tokio::test]
async fn two_keys_of_one_id_are_refused() {
    let now = UnixTime(1_700_000_000);
    let [one, mut two] = [(); 2].map(|()| Jwk::generate(now, Duration::ZERO));
    two.kid.clone_from(&one.kid);
    let json = |key: &Jwk| key.to_json().expose().to_owned();
    let set = format!("{{\"keys\":[{},{}]}}", json(&one), json(&two));
    let output = run(&["check"], &serving(&[("AUTHSEAL_KEYS", &set)])).await;
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    let complaint = format!("AUTHSEAL_KEYS holds two keys of the id \"{}\"", one.kid);
    assert!(text.contains(&complaint), "{text}");
}
