//! `authseal authid restrict`, and what `authid show` says of limits.

use serde_json::{Value, json};

use crate::support::Installation;

async fn restricted(installation: &Installation, authid: &str, words: &[&str]) -> String {
    let words = [&["authid", "restrict"][..], words].concat();
    let made = installation.run_with_input(&words, authid).await;
    made.good().trim().to_owned()
}

#[tokio::test]
async fn an_authid_is_made_narrower_and_the_first_one_stays_as_it_is() {
    let (installation, kid) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    let words = [
        "--until",
        "2099-01-31",
        "--network",
        "127.0.0.0/8",
        "--per-hour",
        "60",
    ];
    let narrow = restricted(&installation, &authid, &words).await;
    let (before, after) = (installation.open(&authid), installation.open(&narrow));
    assert_eq!(after.grant.lineage, before.grant.lineage);
    assert_eq!(after.grant.logged_in_at(), before.grant.logged_in_at());
    assert_eq!((after.kid.as_str(), before.grant.terms), (&*kid, None));
    let said = "Limits      until 2099-01-31T00:00:00Z, from 127.0.0.0/8, 60 times an hour";
    let shown = installation
        .run_with_input(&["authid", "show"], &narrow)
        .await;
    assert!(shown.good().contains(said), "{shown:?}");
    let shown = installation
        .run_with_input(&["authid", "show"], &authid)
        .await;
    assert!(shown.good().contains("Limits      none"), "{shown:?}");

    let json = [
        "authid",
        "restrict",
        "--json",
        "--network",
        "127.0.0.1",
        "--network",
        "127.0.0.2",
    ];
    let made = installation.run_with_input(&json, &narrow).await.json();
    let expected = json!({
        "until": "2099-01-31T00:00:00Z", "networks": ["127.0.0.1/32", "127.0.0.2/32"], "per_hour": 60,
    });
    assert_eq!(made["limits"], expected);
    let server = installation.serve().await;
    for authid in [&authid, &narrow, made["authid"].as_str().unwrap()] {
        assert_eq!(server.refresh(authid).await.status, 200);
    }
}

#[tokio::test]
async fn a_wider_wish_is_refused_with_the_present_limit() {
    let (installation, _) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    let words = [
        "--until",
        "2099-01-31",
        "--network",
        "10.0.0.0/8",
        "--per-hour",
        "60",
    ];
    let narrow = restricted(&installation, &authid, &words).await;
    for (words, says) in [
        (
            ["--until", "2099-02-01"],
            "good until 2099-01-31T00:00:00Z at most",
        ),
        (
            ["--lifetime", "100y"],
            "good until 2099-01-31T00:00:00Z at most",
        ),
        (["--network", "10.0.0.0/7"], "good from 10.0.0.0/8 at most"),
        (["--network", "fd00::/8"], "good from 10.0.0.0/8 at most"),
        (["--per-hour", "61"], "good for 60 uses an hour at most"),
        (["--until", "2020-01-01"], "is past"),
        (["--network", "home"], "is no network"),
        (["--per-hour", "0"], "from 1 to 60000"),
    ] {
        let words = [&["authid", "restrict"][..], &words].concat();
        let refused = installation.run_with_input(&words, &narrow).await;
        assert!(refused.bad().contains(says), "{refused:?}");
        assert!(refused.stdout.is_empty(), "{refused:?}");
    }
    let nothing = installation
        .run_with_input(&["authid", "restrict"], &narrow)
        .await;
    assert_eq!(nothing.status.code(), Some(2), "{nothing:?}");
}

#[tokio::test]
async fn commands_that_make_authids_seal_the_limits_of_the_settings() {
    let (mut installation, _) = Installation::with_key().await;
    installation.set("AUTHSEAL_AUTHID_LIFETIME", "400d");
    installation.set("AUTHSEAL_AUTHID_NETWORKS", "192.168.0.0/16");
    let refresh_token = installation.provider.issue_refresh_token("stable").unwrap();
    let sealed = ["authid", "seal", "--service", "stable"];
    let sealed = installation.run_with_input(&sealed, &refresh_token).await;
    let imported = format!("v2:stable:{refresh_token}");
    let imported = installation.run_with_input(&["import"], &imported).await;
    let imported: Value = serde_json::from_str(&imported.stdout).unwrap();
    for authid in [sealed.good().trim(), imported["authid"].as_str().unwrap()] {
        let grant = installation.open(authid).grant;
        let limits = &grant.terms.as_ref().unwrap().limits;
        let lifetime = limits.until().unwrap().since(grant.issued_at);
        assert_eq!(lifetime, 400 * super::DAY);
        assert_eq!(limits.networks(), ["192.168.0.0/16".parse().unwrap()]);
    }
}
