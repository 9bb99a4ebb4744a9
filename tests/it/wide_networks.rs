//! Networks that are too wide to tell anybody apart, in TRUSTED_PROXIES and
//! LOGIN_NETWORKS.

use super::settings::check;
use crate::support::Program;

#[tokio::test]
async fn a_network_that_everybody_is_in_is_refused() {
    let believed = "so anybody could claim to come from anywhere";
    let open = "so it keeps nobody out";
    for (variable, so) in [
        ("AUTHSEAL_TRUSTED_PROXIES", believed),
        ("AUTHSEAL_LOGIN_NETWORKS", open),
    ] {
        for (networks, family) in [
            ("0.0.0.0/0", "IPv4"),
            ("10.0.0.0/8, 0.0.0.0/1, 128.0.0.0/1", "IPv4"),
            ("::ffff:0:0/96", "IPv4"),
            ("::/0", "IPv6"),
            ("2000::/3", "IPv6"),
        ] {
            let printed = check(&[(variable, networks)]).await;
            assert_eq!(printed.code, Some(1), "{networks}: {}", printed.text);
            let says = format!("- {variable} covers every {family} address, {so}");
            printed.assert_says(&[&says]);
        }
    }
}

#[tokio::test]
async fn check_and_serve_warn_of_wide_public_networks() {
    let wide = [
        ("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1, 8.0.0.0/8, unix"),
        (
            "AUTHSEAL_LOGIN_NETWORKS",
            "192.168.0.0/16, ::ffff:10.0.0.0/104, 2a00::/12",
        ),
    ];
    let warnings = [
        "AUTHSEAL_TRUSTED_PROXIES has wide public networks (8.0.0.0/8): every machine there is",
        "AUTHSEAL_LOGIN_NETWORKS has wide public networks (2a00::/12): everybody there may log in",
    ];
    let printed = check(&wide).await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed.assert_says(&warnings);
    let own = "192.168.0.0/16, 10.0.0.0/8, 172.16.0.0/12, fd00::/8, 203.0.113.0/24";
    let printed = check(&[
        ("AUTHSEAL_TRUSTED_PROXIES", own),
        ("AUTHSEAL_LOGIN_NETWORKS", own),
    ])
    .await;
    assert!(!printed.text.contains("wide public"), "{}", printed.text);

    let keys = tempfile::tempdir().unwrap();
    let mut environment = vec![
        ("AUTHSEAL_PUBLIC_URL", "https://auth.example"),
        ("AUTHSEAL_KEYS_DIR", keys.path().to_str().unwrap()),
        ("AUTHSEAL_LISTEN", "127.0.0.1:0"),
        ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:0"),
    ];
    environment.extend(wide);
    let server = Program::start(&["serve"], &environment);
    for warning in warnings {
        server.says(warning).await;
    }
}
