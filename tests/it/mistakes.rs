//! The mistakes of a first evening, each with its one clear line.

use crate::settings::{GUID, check};

#[tokio::test]
async fn each_mistake_of_a_newcomer_is_named() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let empty = empty.path().to_str().unwrap();
    let id = ("DROPBOX_CLIENT_ID", "id");
    for (environment, says) in [
        (
            vec![("AUTHSEAL_PUBLIC_URL", "https://a.example/logged-in")],
            "must end before /logged-in",
        ),
        (
            vec![("AUTHSEAL_LOG", "verbose")],
            "AUTHSEAL_LOG is not a log filter",
        ),
        (
            vec![
                ("AUTHSEAL_LISTEN", "127.0.0.1:8080"),
                ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:8080"),
            ],
            "AUTHSEAL_LISTEN and AUTHSEAL_ADMIN_LISTEN are the same",
        ),
        (
            vec![id, ("DROPBOX_CLIENT_SECRET_FILE", empty)],
            "which is empty",
        ),
        (
            vec![id, ("DROPBOX_CLIENT_SECRET", "\"never-print-1\"")],
            "DROPBOX_CLIENT_SECRET stands in quotes",
        ),
        (
            vec![id, ("DROPBOX_CLIENT_SECRET", "never-print-1\"")],
            "DROPBOX_CLIENT_SECRET begins or ends with a quote",
        ),
        (
            vec![
                id,
                ("DROPBOX_CLIENT_SECRET", "never-print-1\nnever-print-2"),
            ],
            "DROPBOX_CLIENT_SECRET has more than one line",
        ),
        (
            vec![("AUTHSEAL_PUBLIC_URL", "\u{201c}https://a.example\u{201d}")],
            "AUTHSEAL_PUBLIC_URL stands in quotes",
        ),
        (
            vec![("AUTHSEAL_RATE_LIMIT", "'60'")],
            "AUTHSEAL_RATE_LIMIT stands in quotes",
        ),
        (
            vec![("AUTHSEAL_LOGIN_PASSWORD", "\"never-print-password\"")],
            "AUTHSEAL_LOGIN_PASSWORD stands in quotes",
        ),
        (
            vec![("HTTPS_PROXY", "\"http://never-print:3128\"")],
            "HTTPS_PROXY stands in quotes",
        ),
        (
            vec![("AUTHSEAL_LOGIN_PASSWORD", "never-print-\npassword")],
            "AUTHSEAL_LOGIN_PASSWORD has a line break",
        ),
        (
            vec![("AUTHSEAL_LOGIN_NETWORKS", " , ")],
            "AUTHSEAL_LOGIN_NETWORKS names no network",
        ),
        (
            vec![("AUTHSEAL_LOGIN_NETWORKS", "  ")],
            "AUTHSEAL_LOGIN_NETWORKS holds only blanks",
        ),
        (
            vec![
                ("AUTHSEAL_LOGIN_HEADER", "Remote-User"),
                ("AUTHSEAL_TRUSTED_PROXIES", ","),
            ],
            "AUTHSEAL_TRUSTED_PROXIES names no proxy",
        ),
        (
            vec![("AUTHSEAL_SERVICES", ",")],
            "AUTHSEAL_SERVICES names no service",
        ),
        (
            vec![("AUTHSEAL_OPENER_ORIGINS", "https://*.example.com")],
            "AUTHSEAL_OPENER_ORIGINS has a *",
        ),
        (
            vec![("AUTHSEAL_KEYS_DIR", "~/keys")],
            "AUTHSEAL_KEYS_DIR has a ~ or $",
        ),
        (
            vec![("AUTHSEAL_PUBLIC_URL", "https://auth.example//seal")],
            "AUTHSEAL_PUBLIC_URL has a path with //",
        ),
        (
            vec![
                ("AUTHSEAL_LISTEN", ":8081"),
                ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:8081"),
            ],
            "AUTHSEAL_LISTEN and AUTHSEAL_ADMIN_LISTEN both take port 8081",
        ),
        (
            vec![("HTTPS_PROXY", "http://never-print:100%@proxy:3128")],
            "HTTPS_PROXY has a % in its user or password",
        ),
        (
            vec![("https_proxy", "http://u:never/print@proxy:3128")],
            "https_proxy has more behind host and port",
        ),
        (
            vec![("ALL_PROXY", "socks5://never-print:1080")],
            "ALL_PROXY is the address of a SOCKS proxy",
        ),
        (
            vec![("all_proxy", "https://never-print:3128")],
            "all_proxy begins with https://",
        ),
        (
            vec![("SSL_CERT_DIR", "/no/such/folder")],
            "SSL_CERT_DIR names no folder",
        ),
        (
            vec![("AUTHSEAL_PUBLIC_URL", "https:auth.example.com")],
            "AUTHSEAL_PUBLIC_URL must start with https://",
        ),
        (
            vec![("AUTHSEAL_PUBLIC_URL", r"https://auth.example.com\seal")],
            "AUTHSEAL_PUBLIC_URL has a backslash",
        ),
        (
            vec![("AUTHSEAL_PUBLIC_URL", "http://0x7f.1:8080")],
            "an address in another form than 192.168.1.5; write it like",
        ),
        (
            vec![("AUTHSEAL_PUBLIC_URL", "https://auth.example.com:0")],
            "AUTHSEAL_PUBLIC_URL has port 0",
        ),
        (
            vec![("AUTHSEAL_TRUSTED_PROXIES", "::/0")],
            "AUTHSEAL_TRUSTED_PROXIES covers every IPv6 address",
        ),
        (
            vec![("AUTHSEAL_LOG", "info,authseal::accesses=off")],
            "AUTHSEAL_LOG names a part of authseal that logs nothing; there are authseal::access",
        ),
        (
            vec![("AUTHSEAL_STORE_URL", "redis://:never-print%@host")],
            "AUTHSEAL_STORE_URL has a % that encodes nothing",
        ),
        (
            vec![
                ("GD_CLIENT_ID", "GOCSPX-never-print"),
                ("GD_CLIENT_SECRET", "1.apps.googleusercontent.com"),
            ],
            "GD_CLIENT_ID seems to hold a client secret of Google",
        ),
        (
            vec![
                ("GCS_CLIENT_ID", "GOCSPX-never-print"),
                ("GCS_CLIENT_SECRET", "GOCSPX-never-print"),
            ],
            "GCS_CLIENT_ID seems to hold a client secret of Google",
        ),
        (
            vec![
                ("MSGRAPH_CLIENT_ID", "abc8Q~never-print"),
                ("MSGRAPH_CLIENT_SECRET", GUID),
            ],
            "MSGRAPH_CLIENT_ID seems to hold a client secret of Microsoft",
        ),
        (
            vec![id, ("DROPBOX_CLIENT_SECRET", "never-print-2\r")],
            "DROPBOX_CLIENT_SECRET begins or ends with a quote or a control character",
        ),
    ] {
        let printed = check(&environment).await;
        assert_eq!(printed.code, Some(1), "{}", printed.text);
        printed.assert_says(&[says]);
        let complaints = printed.text.matches("\n- ").count();
        assert_eq!(complaints, 1, "{}", printed.text);
    }
}

/// Credentials of Google and Microsoft, with which both are offered.
pub(crate) const OFFERED: [(&str, &str); 5] = [
    ("AUTHSEAL_PUBLIC_URL", "https://auth.example.com"),
    ("GD_CLIENT_ID", "1.apps.googleusercontent.com"),
    ("GD_CLIENT_SECRET", "never-print-1"),
    ("MSGRAPH_CLIENT_ID", GUID),
    ("MSGRAPH_CLIENT_SECRET", "never-print-2"),
];

#[tokio::test]
async fn what_will_not_work_as_meant_is_a_warning_that_names_the_cure() {
    let google = "Google does not take ";
    let microsoft = "Microsoft does not take ";
    for (environment, says) in [
        (
            vec![("AUTHSEAL_LOGIN_REQUIRE", "any")],
            "AUTHSEAL_LOGIN_REQUIRE is set, but nothing that it could require",
        ),
        (
            vec![
                ("AUTHSEAL_LISTEN", "0.0.0.0:0"),
                ("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1, ::1"),
            ],
            "such as 172.17.0.1: name that",
        ),
        (
            vec![
                ("AUTHSEAL_LISTEN", ":0"),
                ("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.0/8"),
            ],
            "names only this machine",
        ),
        (vec![("AUTHSEAL_PUBLIC_URL", "https://nas.local")], google),
        (vec![("AUTHSEAL_PUBLIC_URL", "https://192.168.1.5")], google),
        (
            vec![("AUTHSEAL_PUBLIC_URL", "http://127.0.0.1:8080")],
            microsoft,
        ),
        (
            vec![("CLIENT_ID", "x"), ("DROPBOX_APP_KEY", "x")],
            "DROPBOX_APP_KEY is not used; did you mean DROPBOX_CLIENT_ID?",
        ),
        (
            vec![("MSGRAPH_TENANT_ID", "contoso.example")],
            "MSGRAPH_TENANT_ID is not used; did you mean MSGRAPH_TENANT?",
        ),
        (
            vec![("TRUSTED_PROXIES", "127.0.0.1")],
            "TRUSTED_PROXIES is not a setting; did you mean AUTHSEAL_TRUSTED_PROXIES?",
        ),
        (
            vec![("GD_CLIENT_SECRET", "2.apps.googleusercontent.com")],
            "GD_CLIENT_SECRET has the form of an id of Google, not of a secret",
        ),
        (
            vec![("GD_CLIENT_ID", "never-print-1")],
            "GD_CLIENT_ID does not look like a client id of Google, which ends in .apps.google",
        ),
        (
            vec![("MSGRAPH_CLIENT_SECRET", GUID)],
            "MSGRAPH_CLIENT_SECRET has the form of an id of Microsoft, not of a secret",
        ),
        (
            vec![("MSGRAPH_CLIENT_ID", "no-guid")],
            "MSGRAPH_CLIENT_ID does not look like a client id of Microsoft, which is written like",
        ),
        (
            vec![("MSGRAPH_TENANT", "contoso")],
            "MSGRAPH_TENANT is no directory's id (a GUID) and no domain name",
        ),
        (
            vec![("AUTHSEAL_GD_CLIENT_ID", "never-print-4")],
            "AUTHSEAL_GD_CLIENT_ID is not a setting, so it has no effect",
        ),
        (
            vec![("AUTHSEAL_HTTPS_PROXY", "http://never-print")],
            "AUTHSEAL_HTTPS_PROXY is not used; did you mean HTTPS_PROXY?",
        ),
        (
            vec![("Https_Proxy", "http://never-print")],
            "Https_Proxy is not used; did you mean HTTPS_PROXY?",
        ),
        (
            vec![("AUTHSEAL_PASSWORD", "never-print-password")],
            "AUTHSEAL_PASSWORD is not a setting; did you mean AUTHSEAL_LOGIN_PASSWORD?",
        ),
        (
            vec![("AUTHSEAL_RATE_LIMIT", "60")],
            "Warning: AUTHSEAL_RATE_LIMIT goes by the client's address",
        ),
        (
            vec![("AUTHSEAL_LOGIN_NETWORKS", "10.0.0.0/8")],
            "Warning: AUTHSEAL_LOGIN_NETWORKS goes by the client's address",
        ),
        (
            vec![("AUTHSEAL_STORE_URL", "redis://never-print@host")],
            "AUTHSEAL_STORE_URL has a text before the @ and no colon in it",
        ),
        (
            vec![("HTTP_PROXY", "http://proxy:3128")],
            "HTTP_PROXY is set, but HTTPS_PROXY is not",
        ),
        (
            vec![("HTTPS_PROXY", "proxy:3128"), ("https_proxy", "other:3128")],
            "HTTPS_PROXY and https_proxy differ: HTTPS_PROXY is used",
        ),
        (
            vec![
                ("HTTPS_PROXY", "proxy:3128"),
                ("no_proxy", "10.*,a.example"),
            ],
            "no_proxy names 10.*, which is no host",
        ),
    ] {
        assert_one_warning(&environment, says).await;
    }
}

/// Runs `check` with Google, Microsoft and these, and expects this warning alone.
pub(crate) async fn assert_one_warning(environment: &[(&str, &str)], says: &str) {
    let is_usual = |(name, _): &&(&str, &str)| environment.iter().all(|(own, _)| own != name);
    let all: Vec<_> = OFFERED
        .iter()
        .filter(is_usual)
        .chain(environment)
        .copied()
        .collect();
    let printed = check(&all).await;
    assert_eq!(printed.code, Some(0), "{environment:?}: {}", printed.text);
    printed.assert_says(&["Ready, with 1 warning:\nWarning: ", says]);
}

#[tokio::test]
async fn a_usual_installation_has_no_warning() {
    for environment in [
        &[("AUTHSEAL_LISTEN", "localhost:0")][..],
        &[
            ("AUTHSEAL_LISTEN", "0.0.0.0:0"),
            ("AUTHSEAL_TRUSTED_PROXIES", "172.17.0.1"),
        ],
        &[("AUTHSEAL_PUBLIC_URL", "http://localhost:8080")],
        &[(
            "AUTHSEAL_PUBLIC_URL",
            "https://nas.example.duckdns.org:8443",
        )],
        &[
            ("ALL_PROXY", r"http://DOM\x:never-print@proxy:3128"),
            ("NO_PROXY", ".lan"),
        ],
    ] {
        let printed = check(&[&OFFERED[..], environment].concat()).await;
        assert_eq!(printed.code, Some(0), "{}", printed.text);
        assert!(printed.text.starts_with("Ready.\n"), "{}", printed.text);
        printed.assert_says(&[]);
    }
}

#[tokio::test]
async fn the_proxy_is_shown_as_it_is_used() {
    let printed = check(&[
        ("all_proxy", "HTTP://DOM%5Cx:never-print@PROXY/"),
        ("no_proxy", "*.lan 10.0.0.0/8"),
    ])
    .await;
    printed.assert_says(&[
        "Proxy          http://proxy:80/ (all_proxy, with a user and password), except for lan, \
         10.0.0.0/8\n",
    ]);
}

#[tokio::test]
async fn a_log_filter_of_levels_and_targets_is_taken() {
    for filter in ["debug", "warn,authseal=trace", "authseal::refresh=debug"] {
        let printed = check(&[("AUTHSEAL_LOG", filter)]).await;
        assert_eq!(printed.code, Some(0), "{filter}: {}", printed.text);
    }
}

#[tokio::test]
async fn with_nothing_on_offer_check_says_so() {
    let printed = check(&[]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed.assert_says(&["no service is offered yet"]);
}
