//! What `authseal check` says of the settings of limits.

use crate::settings::check;

#[tokio::test]
async fn services_and_networks_that_limits_do_not_fit_are_named() {
    let printed = check(&[
        ("AUTHSEAL_AUTHID_NETWORKS", "0.0.0.0/1"),
        ("PCLOUD_CLIENT_ID", "id"),
        ("PCLOUD_CLIENT_SECRET", "never-print-secret"),
    ])
    .await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed.assert_says(&[
        "AUTHSEAL_AUTHID_NETWORKS has wide public networks (0.0.0.0/1)",
        "pcloud: a login gives an access token and no AuthID",
        "AUTHSEAL_AUTHID_NETWORKS goes by the client's address",
    ]);
}

#[tokio::test]
async fn networks_at_a_socket_where_nobody_has_an_address_are_an_error() {
    let with = |proxies: &'static str| {
        [
            ("AUTHSEAL_LISTEN", "unix:/run/authseal-test/a.sock"),
            ("AUTHSEAL_AUTHID_NETWORKS", "192.168.0.0/16"),
            ("AUTHSEAL_TRUSTED_PROXIES", proxies),
        ]
    };
    let says = "every new AuthID would be refused; set AUTHSEAL_TRUSTED_PROXIES=unix";
    let printed = check(&with("")).await;
    assert_eq!(printed.code, Some(1), "{}", printed.text);
    printed.assert_says(&[says]);
    let printed = check(&with("unix")).await;
    assert!(!printed.text.contains(says), "{}", printed.text);
}
