//! Values of settings that were put there by mistake, each with its one clear line.

use crate::{
    mistakes::{OFFERED, assert_one_warning},
    settings::{GUID, check, check_with},
};

#[tokio::test]
async fn a_value_that_is_no_credential_or_password_is_a_warning() {
    let google = "1-a.apps.googleusercontent.com";
    let encoded = "R09DU1BYLW5ldmVyLXByaW50";
    for (name, value, says) in [
        ("GD_CLIENT_SECRET", "$GOOGLE_SECRET", "holds a placeholder"),
        ("GD_CLIENT_SECRET", "<never-print>", "holds a placeholder"),
        ("MSGRAPH_CLIENT_SECRET", "/run/secrets/ms", "holds the path"),
        ("GD_CLIENT_SECRET", "never-print # old", "has a comment"),
        ("GD_CLIENT_SECRET", "never print-print", "has a blank"),
        (
            "GD_CLIENT_SECRET",
            "client_secret=never-print",
            "holds a whole line",
        ),
        ("GD_CLIENT_SECRET", "never-print%7E", "has an escape"),
        (
            "GD_CLIENT_SECRET",
            "[{\"client_secret\":\"never-print\"}]",
            "holds JSON",
        ),
        ("GD_CLIENT_SECRET", encoded, "is written in base64"),
        (
            "MSGRAPH_CLIENT_SECRET",
            "never-print-*****",
            "holds a part of the value",
        ),
        (
            "GD_CLIENT_ID",
            "https://1-a.apps.googleusercontent.com",
            "does not look",
        ),
        (
            "GD_CLIENT_ID",
            "1-a.apps.googleusercontent.com,never-print",
            "does not look",
        ),
        (
            "GD_CLIENT_ID",
            "GD_CLIENT_ID=never-print",
            "holds a whole line",
        ),
        (
            "MSGRAPH_CLIENT_ID",
            "{01234567-89ab-cdef-0123-456789abcdef}",
            "holds JSON, or a value in braces",
        ),
        ("GD_CLIENT_SECRET", google, "has the form of an id"),
        ("MSGRAPH_TENANT", GUID, "is the same as MSGRAPH_CLIENT_ID"),
        (
            "AUTHSEAL_LOGIN_PASSWORD",
            "/run/secrets/login",
            "holds the path of a file",
        ),
        (
            "AUTHSEAL_LOGIN_PASSWORD",
            "your-password-here",
            "holds a placeholder",
        ),
        (
            "AUTHSEAL_KEYS_PASSPHRASE",
            "/etc/authseal/passphrase",
            "holds the path of a file",
        ),
        (
            "AUTHSEAL_KEYS_PASSPHRASE",
            "${PASSPHRASE_OF_KEYS}",
            "holds a placeholder",
        ),
    ] {
        assert_one_warning(&[(name, value)], &format!("{name} {says}")).await;
    }
    let same = [
        ("DROPBOX_CLIENT_ID", "k1l2m3"),
        ("DROPBOX_CLIENT_SECRET", "k1l2m3"),
    ];
    assert_one_warning(
        &same,
        "DROPBOX_CLIENT_SECRET is the same as DROPBOX_CLIENT_ID",
    )
    .await;
}

#[tokio::test]
async fn settings_that_cannot_work_together_are_a_warning() {
    for (environment, says) in [
        (
            &[("AUTHSEAL_TRUSTED_PROXIES", "unix")][..],
            "AUTHSEAL_TRUSTED_PROXIES is unix, but AUTHSEAL_LISTEN is no Unix socket",
        ),
        (
            &[("AUTHSEAL_TRUSTED_PROXIES", "10.0.0.2, fd00::2")],
            "AUTHSEAL_TRUSTED_PROXIES names other machines, but AUTHSEAL_LISTEN takes",
        ),
        (
            &[
                ("AUTHSEAL_LISTEN", "[::1]:0"),
                ("AUTHSEAL_TRUSTED_PROXIES", "192.168.0.0/24"),
            ],
            "AUTHSEAL_TRUSTED_PROXIES names other machines, but AUTHSEAL_LISTEN takes",
        ),
    ] {
        assert_one_warning(environment, says).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}/a.sock", folder.path().display());
    let listen = ("AUTHSEAL_LISTEN", socket.as_str());
    let tcp = [listen, ("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1")];
    assert_one_warning(
        &tcp,
        "AUTHSEAL_LISTEN is a Unix socket, where nobody has one",
    )
    .await;
    for usual in [
        &[listen, ("AUTHSEAL_TRUSTED_PROXIES", "unix, 10.0.0.2")][..],
        &[("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1, 172.17.0.1")],
        &[("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.0/8")],
        &[
            ("AUTHSEAL_LISTEN", "[::]:0"),
            ("AUTHSEAL_TRUSTED_PROXIES", "fd00::/8, unix"),
        ],
    ] {
        let printed = check(&[&OFFERED[..], usual].concat()).await;
        assert!(printed.text.starts_with("Ready.\n"), "{}", printed.text);
    }
    // Only root may listen there, and only if nobody does.
    let https = [("AUTHSEAL_LISTEN", "127.0.0.1:443")];
    let printed = check(&[&OFFERED[..], &https].concat()).await;
    if printed.code == Some(0) {
        printed.assert_says(&["AUTHSEAL_LISTEN has the port of https, but no certificate"]);
    }
}

#[tokio::test]
async fn a_value_of_a_wrong_form_is_refused_with_its_reason() {
    for (name, value, says) in [
        (
            "AUTHSEAL_KEYS_DIR",
            "\"/never/keys",
            "begins or ends with a quote",
        ),
        (
            "AUTHSEAL_KEYS_DIR",
            "/never/keys'",
            "begins or ends with a quote",
        ),
        ("AUTHSEAL_KEYS_DIR", "/never/keys # mine", "has a comment"),
        ("AUTHSEAL_KEYS_DIR", "file:///never/keys", "is an address"),
        ("AUTHSEAL_KEYS_DIR", "%S/keys", "begins with a %"),
        (
            "AUTHSEAL_PUBLIC_URL",
            "https://*.example.org",
            "has a host that",
        ),
        (
            "AUTHSEAL_PUBLIC_URL",
            "https://auth.example.org.",
            "has a host that",
        ),
        ("HTTPS_PROXY", "8080", "is a number"),
        ("ALL_PROXY", "none", "names no proxy"),
        (
            "https_proxy",
            "http:/proxy:8080",
            "has a scheme without ://",
        ),
        (
            "AUTHSEAL_SERVICES",
            "google",
            "no service or credential; did you mean googledrive or",
        ),
        (
            "AUTHSEAL_SERVICES",
            "sharepoints",
            "did you mean sharepoint?",
        ),
        (
            "AUTHSEAL_SERVICES",
            "Google Drive",
            "did you mean googledrive?",
        ),
        (
            "AUTHSEAL_SERVICES",
            "OneDrive",
            "wants onedrive: set WL_CLIENT_ID and",
        ),
        (
            "AUTHSEAL_SERVICES",
            "onedrive",
            "did you mean onedrivev2, which is OneDrive?",
        ),
        (
            "AUTHSEAL_SERVICES",
            "gd msgraph",
            "write commas between the names",
        ),
        (
            "AUTHSEAL_SERVICES",
            "GD; MSGRAPH",
            "write commas between the names",
        ),
        (
            "GD_CLIENT_ID",
            "{\"web\":{\"client_secret\":\"never-print\"}}",
            "holds JSON, and each login would show",
        ),
        (
            "MSGRAPH_TENANT",
            "{01234567-89ab-cdef-0123-456789abcdef}",
            "without braces",
        ),
        (
            "MSGRAPH_TENANT",
            "https://login.example/common",
            "must be a directory's id",
        ),
    ] {
        let mut environment = vec![("AUTHSEAL_PUBLIC_URL", "https://auth.example.com")];
        environment.extend(&OFFERED[1..]);
        environment.retain(|(other, _)| *other != name);
        environment.push((name, value));
        let printed = check(&environment).await;
        assert_eq!(printed.code, Some(1), "{name}={value}: {}", printed.text);
        printed.assert_says(&[&format!("{name} "), says]);
        let complaints = printed.text.matches("\n- ").count();
        assert_eq!(complaints, 1, "{name}={value}: {}", printed.text);
    }
    let printed = check(&[&OFFERED[..], &[("MSGRAPH_TENANT", " common\r")]].concat()).await;
    assert!(printed.text.starts_with("Ready.\n"), "{}", printed.text);
}

#[tokio::test]
async fn a_secret_in_the_place_of_its_path_is_not_printed() {
    let names = [
        "GD_CLIENT_SECRET_FILE",
        "AUTHSEAL_LOGIN_PASSWORD_FILE",
        "AUTHSEAL_KEYS_PASSPHRASE_FILE",
        "AUTHSEAL_STORE_URL_FILE",
        "AUTHSEAL_KEYS_FILE",
        "HTTPS_PROXY_FILE",
    ];
    let values = [
        "never-print-secret",
        "never-print horse battery staple",
        "redis://:never-print@host:6379/0",
        "/never-print+and/base64=",
    ];
    for name in names {
        for value in values {
            let printed = check(&[("GD_CLIENT_ID", "1.example"), (name, value)]).await;
            assert_eq!(printed.code, Some(1), "{}", printed.text);
            printed.assert_says(&[&format!("{name} names no file that can be read")]);
        }
    }
    for command in [&["serve"][..], &["keys", "list"], &["check", "--json"]] {
        let passphrase = ("AUTHSEAL_KEYS_PASSPHRASE_FILE", values[1]);
        let printed = check_with(command, &[passphrase]).await;
        printed.assert_says(&["AUTHSEAL_KEYS_PASSPHRASE_FILE names no file that can be read"]);
    }
}
