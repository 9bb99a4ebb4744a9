//! `authseal revoke`: a login in, without a trace in a shell's history.

use std::{collections::BTreeSet, fs, sync::Arc};

use tokio::task::JoinSet;

use crate::support::Installation;

fn revoked(installation: &Installation) -> String {
    fs::read_to_string(installation.keys_dir.join("revoked.txt")).unwrap_or_default()
}

#[tokio::test]
async fn a_login_is_revoked_by_whatever_names_it_from_wherever_it_comes() {
    let (installation, _) = Installation::with_key().await;
    let file = installation.keys_dir.with_extension("secret");
    let path = file.to_str().unwrap();
    type Case<'a> = (&'a str, bool, Vec<&'a str>, bool);
    let cases: [Case; 7] = [
        ("as an AuthID", false, vec!["<>"], false),
        ("as a lineage", true, vec!["<>"], false),
        ("an AuthID on standard input", false, vec![], false),
        ("a lineage on standard input", true, vec!["-"], false),
        ("an AuthID in a file", false, vec!["--file", path], true),
        ("a lineage in a file", true, vec!["--file", path], true),
        (
            "with a reason",
            false,
            vec!["<>", "--reason", "lost\nlaptop # 7"],
            false,
        ),
    ];
    for (what, by_lineage, arguments, in_file) in cases {
        let authid = installation.log_in("stable");
        let lineage = installation.lineage(&authid);
        let given = if by_lineage { &lineage } else { &authid };
        if in_file {
            fs::write(&file, format!("{given}\n")).unwrap();
        }
        let input = format!("  {given}\n");
        let mut command = vec!["revoke"];
        command.extend(
            arguments
                .iter()
                .map(|text| if *text == "<>" { given } else { *text }),
        );
        let first = installation.run_with_input(&command, &input).await;
        assert!(
            first.good().contains(&format!("Revoked {lineage}")),
            "{what}"
        );
        assert!(first.good().contains("The provider still has the grant"));
        let again = installation.run_with_input(&command, &input).await;
        assert!(again.good().contains(" already."), "{what}: {again:?}");
        assert!(installation.keys().is_revoked(&lineage), "{what}");
        assert!(!revoked(&installation).contains(&authid), "{what}");
    }
    let lines = revoked(&installation);
    assert_eq!(lines.lines().count(), 7, "{lines}");
    assert!(lines.ends_with(" # lost laptop # 7\n"), "{lines}");
    assert_eq!(installation.keys().revoked_count(), 7);
}

#[tokio::test]
async fn a_lineage_that_starts_like_an_option_is_revoked_too() {
    let (installation, _) = Installation::with_key().await;
    // One in 64 does.
    for lineage in ["-dGhpcyBpcyBhIGxpbmVhZ", "--dGhpcyBpcyBhIGxpbmVh"] {
        let lineage = format!("{}Q", &lineage[..21]);
        let done = installation.run(&["revoke", &lineage]).await;
        assert!(done.good().contains(&lineage), "{done:?}");
        assert!(installation.keys().is_revoked(&lineage));
    }
    let with_reason = ["revoke", "-xGhpcyBpcyBhIGxpbmVhQ", "--reason", "why"];
    installation.run(&with_reason).await.good();
    assert!(revoked(&installation).ends_with("-xGhpcyBpcyBhIGxpbmVhQ # why\n"));
}

#[tokio::test]
async fn what_names_no_login_revokes_none() {
    let (installation, kid) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    let damaged = authid.replace(":stable:", ":single-use:");
    for (given, hint) in [
        ("", "nothing was given"),
        ("something", "not an AuthID"),
        (&damaged[..], "another service"),
        (&kid, "not an AuthID"),
    ] {
        let refused = installation.run_with_input(&["revoke"], given).await;
        assert!(refused.bad().contains(hint), "{refused:?}");
    }
    let refused = installation
        .run(&["revoke", "--file", "/nowhere/authid"])
        .await;
    assert!(refused.bad().contains("/nowhere/authid cannot be read"));
    assert_eq!(revoked(&installation), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_revocations_at_once_lose_no_line() {
    const AT_ONCE: usize = 40;
    let (installation, _) = Installation::with_key().await;
    let installation = Arc::new(installation);
    let mut commands = JoinSet::new();
    for number in 0..AT_ONCE {
        let authid = installation.log_in("stable");
        let installation = installation.clone();
        commands.spawn(async move {
            let reason = format!("number {number} {}", "of many ".repeat(100));
            let command = ["revoke", &authid, "--reason", &reason];
            installation.run(&command).await.good();
            installation.lineage(&authid)
        });
    }
    let lineages: BTreeSet<String> = commands.join_all().await.into_iter().collect();
    let text = revoked(&installation);
    let lines = text
        .lines()
        .map(|line| line.split(' ').next().unwrap().to_owned());
    assert_eq!(lines.clone().collect::<BTreeSet<_>>(), lineages);
    assert_eq!(lines.count(), AT_ONCE);
}
