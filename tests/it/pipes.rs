//! Pipes where files should be. Opening one waits until somebody writes.

use std::{fs, path::Path};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::{Installation, run};

fn make_pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[tokio::test]
async fn every_command_names_a_pipe_among_the_keys_and_ends() {
    let (installation, _) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    let check = async |name: &str, commands: &[&[&str]]| {
        let path = installation.keys_dir.join(name);
        let aside = path.with_extension("aside");
        let is_there = fs::rename(&path, &aside).is_ok();
        make_pipe(&path);
        for command in commands {
            let ended = installation.run(command).await;
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(!ended.status.success(), "{command:?}: {said}");
            assert!(said.contains("it is a pipe"), "{name}, {command:?}: {said}");
        }
        fs::remove_file(&path).unwrap();
        if is_there {
            fs::rename(aside, path).unwrap();
        }
    };
    let revoke: &[&str] = &["revoke", &authid];
    let all: [&[&str]; 4] = [&["serve"], &["check"], &["keys", "list"], revoke];
    check("pipe.jwk", &all).await;
    check("revoked.txt", &[&["check"], revoke]).await;
    check("history.txt", &[&["check"], revoke]).await;
}

#[tokio::test]
async fn tables_and_certificates_are_no_pipes() {
    let (installation, _) = Installation::with_key().await;
    let pipe = installation.keys_dir.with_extension("pipe");
    make_pipe(&pipe);
    let pipe = pipe.to_str().unwrap();
    for names in [
        ["AUTHSEAL_PROVIDERS", "AUTHSEAL_PROVIDERS"],
        ["AUTHSEAL_TLS_CERT", "AUTHSEAL_TLS_KEY"],
    ] {
        let mut environment = installation.environment();
        environment.retain(|(name, _)| !names.contains(name));
        environment.extend(names.map(|name| (name, pipe)));
        let ended = run(&["serve"], &environment).await;
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(
            !ended.status.success() && said.contains("it is a pipe"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn no_setting_names_a_pipe_a_device_a_folder_or_a_huge_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    make_pipe(&folder.path().join("pipe"));
    let huge = fs::File::create(at("huge")).unwrap();
    huge.set_len(1 << 30).unwrap();
    let files = [
        (at("pipe"), "it is a pipe"),
        ("/dev/zero".to_owned(), "it is a device"),
        (at(""), "it is a folder"),
        (at("huge"), "it has more than 16 MiB"),
    ];
    let (check, list) = (&["check"][..], &["keys", "list"][..]);
    for (name, command) in [
        ("GD_CLIENT_ID_FILE", check),
        ("AUTHSEAL_LOGIN_PASSWORD_FILE", check),
        ("AUTHSEAL_KEYS_FILE", list),
        ("AUTHSEAL_KEYS_PASSPHRASE_FILE", list),
        ("AUTHSEAL_PROVIDERS", check),
        ("SSL_CERT_FILE", check),
        ("CONFIGFILE", check),
        ("SECRETS", check),
    ] {
        for (path, says) in &files {
            let environment = [
                ("AUTHSEAL_PUBLIC_URL", "https://auth.example.com"),
                (name, path),
            ];
            let ended = run(command, &environment).await;
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(!ended.status.success(), "{name}={path}: {said}");
            assert!(said.contains(says), "{name}={path}: {said}");
        }
    }
    // A folder of authorities may have one among its files.
    let environment = [
        ("AUTHSEAL_PUBLIC_URL", "https://auth.example.com"),
        ("SSL_CERT_DIR", folder.path().to_str().unwrap()),
    ];
    let ended = run(check, &environment).await;
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(
        said.contains("SSL_CERT_DIR names no folder with usable"),
        "{said}"
    );
}

#[tokio::test]
async fn a_pipe_that_comes_among_the_keys_changes_nothing_and_is_named() {
    let (installation, _) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    let server = installation.serve().await;
    let pipe = installation.keys_dir.join("pipe.jwk");
    make_pipe(&pipe);
    let said = server.program.says("the keys stay as they were").await;
    assert!(
        said.contains("pipe.jwk cannot be read: it is a pipe"),
        "{said}"
    );
    server.refresh(&authid).await.good();
    fs::remove_file(&pipe).unwrap();
    server.program.says("the keys were loaded again").await;
    server.program.terminate().await;
    let (status, output) = server.program.end().await;
    assert!(status.success(), "{output}");
}
