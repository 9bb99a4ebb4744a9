//! The settings of Duplicati's own server, as a compose file has them.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::settings::{Printed, check};
use crate::support::{Program, aes_crypt, run, send};

const SECRETS: &str = r#"{"GD_CLIENT_ID": "google-id", "GD_CLIENT_SECRET": "never-print-gd",
    "MSGRAPH_CLIENT_ID": "ms-id", "MSGRAPH_CLIENT_SECRET": "never-print-ms",
    "JOTTA_CLIENT_SECRET": "never-print-any"}"#;
const PASSPHRASE: &str = "never-print-passphrase";

/// `authseal check` with these, and nothing of authseal's own but a keys folder.
async fn check_only(more: &[(&str, &str)]) -> Printed {
    check(&[&[("AUTHSEAL_PUBLIC_URL", "")], more].concat()).await
}

fn in_base64(data: &[u8]) -> String {
    format!("base64:{}", STANDARD.encode(data))
}

struct File(tempfile::TempDir);

impl File {
    fn new(content: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), content).unwrap();
        Self(folder)
    }

    fn path(&self) -> String {
        self.0.path().join("file").to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_environment_of_a_compose_file_offers_what_it_did() {
    let storage = tempfile::tempdir().unwrap();
    let storage = format!("file://{}?pathmapped=true", storage.path().display());
    let plain = File::new(SECRETS.as_bytes());
    let encrypted = File::new(&aes_crypt(SECRETS.as_bytes(), PASSPHRASE));
    let in_variable = in_base64(&aes_crypt(SECRETS.as_bytes(), PASSPHRASE));
    for (secrets, passphrase) in [
        (plain.path(), ""),
        (in_base64(SECRETS.as_bytes()), ""),
        (encrypted.path(), PASSPHRASE),
        (in_variable, PASSPHRASE),
    ] {
        let printed = check_only(&[
            ("HOSTNAME", "oauth.example.com"),
            ("APPNAME", "Our Backup"),
            ("DISPLAYNAME", "Ours"),
            ("SERVICES", "gd,onedrivev2,JOTTA,dropbox,unheard-of"),
            ("SECRETS", &secrets),
            ("SECRETS_PASSPHRASE", passphrase),
            ("STORAGE", &storage),
            ("PRIVACY_POLICY_URL", "https://example.com/privacy"),
            ("ASPNETCORE_URLS", "http://+:5001"),
            ("SEQ_URL", "http://seq"),
            ("SEQ_APIKEY", "never-print-seq"),
        ])
        .await;
        assert_eq!(printed.code, Some(0), "{}", printed.text);
        printed.assert_says(&[
            "Redirect URI   https://oauth.example.com/logged-in",
            "HOSTNAME is taken for AUTHSEAL_PUBLIC_URL=https://oauth.example.com",
            "APPNAME is taken for AUTHSEAL_APP_NAME=Our Backup",
            "DISPLAYNAME is taken for AUTHSEAL_DISPLAY_NAME=Ours",
            "PRIVACY_POLICY_URL is taken for AUTHSEAL_PRIVACY_POLICY_URL=",
            "STORAGE is taken for AUTHSEAL_V1_STORAGE=/",
            "Listening on   0.0.0.0:5001",
            "SECRETS gives GD_CLIENT_ID, GD_CLIENT_SECRET, JOTTA_CLIENT_SECRET, MSGRAPH_CLIENT_ID",
            "SEQ_URL is not used: ",
            "SEQ_APIKEY is not used: ",
            "  SERVICES wants dropbox: set DROPBOX_CLIENT_ID",
            "  SERVICES names unheard-of",
            "AUTHSEAL_ACCEPT_V2_PLAIN=true takes them while you move",
        ]);
        let (_, offered) = printed.text.split_once("Services offered").unwrap();
        let (offered, _) = offered.split_once("Not offered").unwrap();
        for service in ["googledrive", "googledocs", "onedrivev2", "jottacloud"] {
            assert!(offered.contains(service), "{service}: {offered}");
        }
        assert!(
            !offered.contains("sharepoint") && !offered.contains("gcs"),
            "{offered}"
        );
    }
}

#[tokio::test]
async fn authseals_own_names_and_the_environment_win() {
    let printed = check(&[
        ("HOSTNAME", "oauth.example.com"),
        ("APPNAME", "theirs"),
        ("AUTHSEAL_APP_NAME", "ours"),
        ("SECRETS", &in_base64(SECRETS.as_bytes())),
        ("GD_CLIENT_ID", "of-the-environment"),
        ("SERVICES", "GD"),
        ("AUTHSEAL_SERVICES", "MSGRAPH"),
        ("AUTHSEAL_LISTEN", "127.0.0.1:9"),
        ("ASPNETCORE_HTTP_PORTS", "8080"),
    ])
    .await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed.assert_says(&[
        "Public URL     https://auth.example\n",
        "Listening on   127.0.0.1:9 ",
        "APPNAME is not used: AUTHSEAL_APP_NAME is set",
        "SERVICES is not used: AUTHSEAL_SERVICES is set",
        "ASPNETCORE_HTTP_PORTS is not used: AUTHSEAL_LISTEN is set",
        "SECRETS gives GD_CLIENT_SECRET, JOTTA_CLIENT_SECRET, MSGRAPH_CLIENT_ID",
        "onedrivev2",
    ]);
}

#[tokio::test]
async fn a_name_that_a_container_has_by_itself_is_no_public_one() {
    for name in [
        "4f1c2a9b8d7e",
        "authseal-5d496ea80e-x2x9c",
        "nas",
        ".",
        "a.",
    ] {
        let printed = check_only(&[("HOSTNAME", name)]).await;
        assert_eq!(printed.code, Some(1), "{}", printed.text);
        printed.assert_says(&["AUTHSEAL_PUBLIC_URL is not set"]);
    }
    let both = [
        ("HOSTNAME", "inside.example.com"),
        ("REDIRECT_HOSTNAME", "outside.example.com:8443"),
    ];
    let printed = check_only(&both).await;
    printed.assert_says(&["Public URL     https://outside.example.com:8443\n"]);
    let printed = check_only(&[("REDIRECT_HOSTNAME", "https://x.example/a?b")]).await;
    printed.assert_says(&["REDIRECT_HOSTNAME must be a host name alone"]);
    assert_eq!(printed.code, Some(1));
}

#[tokio::test]
async fn secrets_that_cannot_be_read_are_one_line_each_and_never_half_a_configuration() {
    let sealed = aes_crypt(SECRETS.as_bytes(), PASSPHRASE);
    let mut damaged = sealed.clone();
    damaged[140] ^= 1;
    let mut damaged_tag = sealed.clone();
    *damaged_tag.last_mut().unwrap() ^= 1;
    let file = |content: &[u8]| File::new(content);
    for (content, passphrase, says) in [
        (&sealed[..], "wrong", "does not open with this passphrase"),
        (&sealed, "", "is encrypted: set SECRETS_PASSPHRASE"),
        (&damaged, PASSPHRASE, "is damaged"),
        (&damaged_tag, PASSPHRASE, "is damaged"),
        (&sealed[..100], PASSPHRASE, "is cut short"),
        (&sealed[..sealed.len() - 16], PASSPHRASE, "is damaged"),
        (&sealed[..sealed.len() - 1], PASSPHRASE, "is cut short"),
        (SECRETS.as_bytes(), PASSPHRASE, "is no AES Crypt file"),
        (b"", "", "must be one JSON object"),
        (&SECRETS.as_bytes()[..60], "", "must be one JSON object"),
        (br#"{"GD_CLIENT_ID": 5}"#, "", "must be one JSON object"),
        (br#"["never-print"]"#, "", "must be one JSON object"),
    ] {
        for secrets in [file(content).path(), in_base64(content)] {
            let kept = file(content);
            let secrets = if secrets.starts_with('/') {
                kept.path()
            } else {
                secrets
            };
            let printed = check_only(&[
                ("HOSTNAME", "oauth.example.com"),
                ("SECRETS", &secrets),
                ("SECRETS_PASSPHRASE", passphrase),
            ])
            .await;
            assert_eq!(printed.code, Some(1), "{says}: {}", printed.text);
            let (_, wrong) = printed.text.split_once("What is wrong:\n").unwrap();
            assert_eq!(wrong.lines().count(), 1, "{wrong}");
            assert!(wrong.contains(says) && wrong.contains("SECRETS"), "{wrong}");
            printed.assert_says(&["none yet"]);
        }
    }
    for (secrets, says) in [
        (
            "/no/such/file",
            "SECRETS must be base64: and the data, or name a file that can be read: No such",
        ),
        ("base64:***", "SECRETS is no base64"),
        // Not a word of it is repeated.
        (SECRETS, "SECRETS must be base64: and the data"),
    ] {
        let printed = check(&[("SECRETS", secrets)]).await;
        assert_eq!(printed.code, Some(1));
        printed.assert_says(&[says]);
    }
}

#[tokio::test]
async fn a_file_variable_of_what_names_a_file_itself_is_refused_without_its_content() {
    let secrets = File::new(SECRETS.as_bytes());
    for name in ["SECRETS_FILE", "CONFIGFILE_FILE"] {
        let printed = check(&[(name, &secrets.path())]).await;
        assert_eq!(printed.code, Some(1), "{}", printed.text);
        printed.assert_says(&[&format!("{name} has no meaning")]);
    }
}

#[tokio::test]
async fn a_host_name_alone_is_no_reason_to_speak_of_another_server() {
    let printed = check(&[("HOSTNAME", "nas.example.com")]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    for word in ["HOSTNAME", "V2_PLAIN", "Duplicati's"] {
        assert!(!printed.text.contains(word), "{word}: {}", printed.text);
    }
}

#[tokio::test]
async fn each_way_to_say_where_to_listen_and_where_tokens_were_is_understood() {
    for (name, value, listening) in [
        ("ASPNETCORE_HTTP_PORTS", "8080", "0.0.0.0:8080"),
        ("ASPNETCORE_HTTP_PORTS", "80;81", "0.0.0.0:80"),
        (
            "ASPNETCORE_URLS",
            "https://*:443;http://*:5000/",
            "0.0.0.0:5000",
        ),
        ("ASPNETCORE_URLS", "http://localhost:5000", "127.0.0.1:5000"),
        ("ASPNETCORE_URLS", "http://[::]:80", "[::]:80"),
        ("ASPNETCORE_URLS", "http://10.0.0.1", "10.0.0.1:80"),
    ] {
        // As our image sets it.
        let image = ("AUTHSEAL_LISTEN", "0.0.0.0:8080");
        for more in [&[(name, value)][..], &[(name, value), image]] {
            let printed = check(more).await;
            printed.assert_says(&[&format!("Listening on   {listening} ")]);
        }
    }
    for (name, value) in [
        ("ASPNETCORE_HTTP_PORTS", "none"),
        ("ASPNETCORE_URLS", "https://+:443"),
    ] {
        let printed = check(&[(name, value)]).await;
        assert_eq!(printed.code, Some(1), "{}", printed.text);
        printed.assert_says(&[name]);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for (storage, says) in [
        (
            path.to_owned(),
            "STORAGE is taken for AUTHSEAL_V1_STORAGE=/",
        ),
        (
            format!("file://{path}?pathmapped=true"),
            "STORAGE is taken for",
        ),
        (format!("{path}/none"), "which is no folder here"),
        (
            "s3://bucket/x?auth=never-print".to_owned(),
            "set AUTHSEAL_V1_STORAGE",
        ),
        (
            "Host=db;Password=never-print".to_owned(),
            "set AUTHSEAL_V1_STORAGE",
        ),
    ] {
        let printed = check(&[("STORAGE", &storage)]).await;
        assert_eq!(printed.code, Some(0), "{}", printed.text);
        printed.assert_says(&[says]);
    }
    let printed = check(&[
        ("AUTHSEAL_V1_STORAGE", "/no/such"),
        ("AUTHSEAL_ACCEPT_V2_PLAIN", "yes"),
    ]);
    printed.await.assert_says(&[
        "AUTHSEAL_V1_STORAGE names no folder",
        "AUTHSEAL_ACCEPT_V2_PLAIN must be true or false",
    ]);
}

#[tokio::test]
async fn the_command_of_a_compose_file_serves_too() {
    let keys = tempfile::tempdir().unwrap();
    let secrets = File::new(SECRETS.as_bytes());
    let arguments = [
        "run",
        "--hostname=localhost",
        "--secrets",
        &secrets.path(),
        "--services=GD",
        "--listen-urls=http://127.0.0.1:0",
    ];
    let environment = [
        ("AUTHSEAL_KEYS_DIR", keys.path().to_str().unwrap()),
        ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:0"),
        ("AUTHSEAL_ACCEPT_V2_PLAIN", "true"),
    ];
    // The ENTRYPOINT of that server's image ends in `run`.
    for arguments in [&arguments[..], &arguments[1..]] {
        let program = Program::start(arguments, &environment);
        let address = program.says("serving https://localhost on ").await;
        let (address, _) = address.split_once(',').unwrap();
        let request = http::Request::get(format!("http://{address}/?type=googledrive"));
        let page = send(request.body(Default::default()).unwrap()).await;
        assert!(page.body.contains("/login?id=googledrive"), "{page:?}");
        let log = program.so_far();
        assert!(log.contains("AUTHSEAL_ACCEPT_V2_PLAIN is on"), "{log}");
        assert!(log.contains("SERVICES is taken for"), "{log}");
        assert!(!log.contains("never-print"), "{log}");
    }
    for arguments in [&["run", "--host=x"][..], &["--host=x"], &["--hostname"]] {
        let unknown = run(arguments, &environment).await;
        assert_eq!(unknown.status.code(), Some(2), "{arguments:?}");
    }
    for (option, expected) in [("--version", "authseal "), ("--help", "Usage: authseal")] {
        let printed = run(&[option], &environment).await;
        let text = String::from_utf8_lossy(&printed.stdout).into_owned();
        assert!(text.contains(expected), "{option}: {text}");
    }
}
