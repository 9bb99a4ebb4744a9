//! `authseal keys`, as an administrator and a script use it.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use authseal::clock::{Clock, UnixTime};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{Installation, run};

/// Kid and state of each key, the oldest first.
async fn states(installation: &Installation) -> Vec<(String, String)> {
    let listed = installation.run(&["keys", "list", "--json"]).await.json();
    let keys = listed["keys"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    keys.map(|key| (text(&key["kid"]), text(&key["state"])))
        .collect()
}

#[tokio::test]
async fn a_key_is_pending_then_sealing_then_opening_then_retired_and_then_gone() {
    let installation = Installation::new(Duration::from_secs(60)).await;
    let none = installation.run(&["keys", "list"]).await;
    assert!(
        none.good()
            .starts_with("There is no key yet in the folder /")
    );
    assert!(states(&installation).await.is_empty());

    let old = installation.new_key(&[]).await;
    let new = installation.new_key(&[]).await;
    let state = |kid: &str, state: &str| (kid.to_owned(), state.to_owned());
    let later = installation.new_key(&["--activate-in", "30d"]).await;
    let ours = states(&installation).await;
    assert!(ours.contains(&state(&later, "pending")), "{ours:?}");

    crate::support::eventually("the second key seals", async || {
        let now = states(&installation).await;
        now.contains(&state(&new, "sealing")).then_some(())
    })
    .await;
    let expected = [
        state(&old, "opening"),
        state(&new, "sealing"),
        state(&later, "pending"),
    ];
    assert_eq!(states(&installation).await, expected);
    let retired = installation.run(&["keys", "retire", &old]).await;
    assert!(retired.good().starts_with(&format!("{old} opens nothing")));
    let text = installation.run(&["keys", "list"]).await;
    for (kid, state) in [(&old, "retired"), (&new, "sealing"), (&later, "pending")] {
        let line = text.good().lines().find(|line| line.starts_with(kid));
        assert!(line.unwrap().contains(state), "{text:?}");
    }
    let removed = installation.run(&["keys", "remove", &old, "--yes"]).await;
    assert_eq!(removed.good(), format!("{old} is removed.\n"));
    assert_eq!(states(&installation).await, expected[1..]);
    assert!(!installation.key_path(&old).exists());
}

#[tokio::test]
async fn what_a_script_reads_is_json_and_nothing_else() {
    let (installation, first) = Installation::with_key().await;
    let made = installation.run(&["keys", "new", "--activate-in", "10m", "--json"]);
    let made = made.await.json();
    let in_ten_minutes = Clock::system().now().0 + 600;
    let activates = UnixTime::parse(made["activates"].as_str().unwrap())
        .unwrap()
        .0;
    assert!((in_ten_minutes - 60..=in_ten_minutes).contains(&activates));
    let kid = made["kid"].as_str().unwrap();
    let listed = installation.run(&["keys", "list", "--json"]).await.json();
    let key = &listed["keys"][1];
    assert_eq!(
        (&key["kid"], &key["activates"], &key["ends"]),
        (&made["kid"], &made["activates"], &Value::Null)
    );
    assert!(key["age_seconds"].as_u64().unwrap() < 60);

    let at = "2031-02-03T04:05:06Z";
    let retire = ["keys", "retire", kid, "--at", at, "--json"];
    let retired = installation.run(&retire).await.json();
    assert_eq!(retired["ends"], at);
    assert_eq!(retired["kid"], kid);
    let remove = ["keys", "remove", kid, "--yes", "--json"];
    let removed = installation.run(&remove).await.json();
    assert_eq!(removed["removed"], true);
    let exported = installation.run(&["keys", "export", "--json"]).await.json();
    assert_eq!(exported["keys"][0]["kid"], first.as_str());
}

#[tokio::test]
async fn what_would_lock_everyone_out_is_refused_and_says_how_to_insist() {
    let (installation, kid) = Installation::with_key().await;
    let later = installation.new_key(&["--activate-in", "1h"]).await;
    for (arguments, hints) in [
        (
            vec!["retire", &kid],
            vec!["no other key", "keys new", "--force"],
        ),
        (vec!["retire", &kid, "--at", "59m"], vec!["no other key"]),
        (
            vec!["remove", &kid],
            vec![&kid, "seals now", "log in again", "--yes"],
        ),
        (
            vec!["remove", &later],
            vec![&later, "has not sealed yet", "--yes"],
        ),
        (vec!["retire", "none"], vec!["no key none", "keys list"]),
        (vec!["remove", "none", "--yes"], vec!["no key none"]),
        (vec!["remove", "../keys", "--yes"], vec!["no key ../keys"]),
        (
            vec!["retire", &kid, "--at", "soon"],
            vec!["2030-01-31T12:00:00Z", "30d"],
        ),
    ] {
        let refused = installation.run(&[vec!["keys"], arguments].concat()).await;
        for hint in hints {
            assert!(refused.bad().contains(hint), "{hint}: {refused:?}");
        }
    }
    let ours: Vec<_> = states(&installation).await;
    assert_eq!(ours[0], (kid.clone(), "sealing".into()));
    assert_eq!(ours.len(), 2);
    let retire = ["keys", "retire", &kid, "--at", "61m"];
    installation.run(&retire).await.good();
    installation
        .run(&["keys", "retire", &kid, "--force"])
        .await
        .good();

    // A wrong use is told from a failure.
    for wrong in [
        &["keys"][..],
        &["keys", "new", "--activate-in", "soon"],
        &["keys", "retire"],
    ] {
        let refused = installation.run(wrong).await;
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    }
}

#[tokio::test]
async fn a_replaced_key_stays_replaced_and_the_one_that_says_so_stays_there() {
    let (installation, old) = Installation::with_key().await;
    let leaked = installation.new_key(&["--activate-in", "1h"]).await;
    let replace = ["keys", "replace", "--leaked", &leaked, "--json"];
    let made = installation.run(&replace).await.json();
    let new = made["kid"].as_str().unwrap().to_owned();
    assert_eq!(made["replaced"], serde_json::json!([leaked]));
    assert_eq!(made["still_open"], serde_json::json!([old]));
    let again = installation.run(&replace).await.json();
    assert_eq!(
        (&again["kid"], states(&installation).await.len()),
        (&Value::Null, 3)
    );
    for (arguments, hint) in [
        (vec!["retire", &leaked, "--at", "never"], "replaced by"),
        (vec!["retire", &leaked, "--at", "30d"], "stays so"),
        (vec!["remove", &new, "--yes"], "would open again"),
        (vec!["replace", "--leaked", "none"], "no key none"),
    ] {
        let refused = installation.run(&[vec!["keys"], arguments].concat()).await;
        assert!(refused.bad().contains(hint), "{hint}: {refused:?}");
    }
    let text = installation.run(&["keys", "list"]).await;
    let said = format!("{leaked} leaked, and was replaced by {new}.");
    assert!(text.good().contains(&said), "{text:?}");

    let undo = ["keys", "replace", "--undo", &leaked];
    installation.run(&undo).await.good();
    let pending = (leaked.clone(), "pending".to_owned());
    assert!(states(&installation).await.contains(&pending));
    // Again, in case the first one failed on its way to the disk.
    installation.run(&undo).await.good();
    let undo_another = ["keys", "replace", "--undo", &new];
    let refused = installation.run(&undo_another).await;
    assert!(refused.bad().contains("was not replaced"), "{refused:?}");
    installation.run(&replace).await.good();

    // The whole folder leaked: also what was made above.
    let all = installation
        .run(&["keys", "replace", "--all", "--json"])
        .await;
    let last = all.json()["kid"].as_str().unwrap().to_owned();
    assert_eq!(all.json()["still_open"], serde_json::json!([]));
    let retired = |kid: &str| (kid.to_owned(), "retired".to_owned());
    let now = states(&installation).await;
    for kid in [&old, &leaked, &new] {
        assert!(now.contains(&retired(kid)), "{now:?}");
    }
    // A backup brings the first one's file back, when the second is gone.
    let leaked_file = fs::read(installation.key_path(&leaked)).unwrap();
    for kid in [&old, &leaked, &new] {
        installation
            .run(&["keys", "remove", kid, "--yes"])
            .await
            .good();
    }
    fs::write(installation.key_path(&leaked), leaked_file).unwrap();
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(installation.key_path(&leaked), private).unwrap();
    let now = states(&installation).await;
    assert!(now.contains(&retired(&leaked)), "{now:?}");
    assert!(now.contains(&(last, "sealing".to_owned())), "{now:?}");
    let wrong = installation.run(&["keys", "replace"]).await;
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}

#[tokio::test]
async fn keys_with_ids_of_three_characters_stay_good_and_new_ones_have_eight() {
    let (installation, kid) = Installation::with_key().await;
    assert_eq!(kid.len(), 8, "{kid}");
    let short = fs::read_to_string(installation.key_path(&kid)).unwrap();
    let short = short.replace(&kid, "abc");
    fs::remove_file(installation.key_path(&kid)).unwrap();
    fs::write(installation.key_path("abc"), short).unwrap();
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(installation.key_path("abc"), private).unwrap();
    let server = installation.serve().await;
    let authid = installation.log_in("stable");
    assert_eq!(installation.open(&authid).kid, "abc");
    assert_eq!(server.refresh(&authid).await.status, 200);
    let new = installation.new_key(&[]).await;
    server.has_key(&new, "sealing").await;
    let answer = server.refresh(&authid).await.json();
    let newer = answer["v2_authid"].as_str().unwrap();
    assert_eq!(installation.open(newer).kid, new);
}

#[tokio::test]
async fn an_exported_set_serves_where_there_is_no_disk_and_is_changed_where_it_is_set() {
    let (installation, kid) = Installation::with_key().await;
    installation.new_key(&["--activate-in", "1h"]).await;
    let authid = installation.log_in("stable");
    let set = installation.run(&["keys", "export"]).await;
    let inline = [("AUTHSEAL_KEYS", set.good())];
    let shown = run(&["authid", "show", &authid], &inline).await;
    assert!(shown.status.success(), "{shown:?}");
    let there = run(&["keys", "list", "--json"], &inline).await.stdout;
    let here = installation.run(&["keys", "list", "--json"]).await;
    let kids = |json: &Value| -> Vec<String> {
        let keys = json["keys"].as_array().unwrap().iter();
        keys.map(|key| format!("{} {}", key["kid"], key["activates"]))
            .collect()
    };
    assert_eq!(
        kids(&serde_json::from_slice(&there).unwrap()),
        kids(&here.json())
    );

    for arguments in [
        &["keys", "new"][..],
        &["keys", "retire", &kid],
        &["keys", "remove", &kid, "--yes"],
        &["revoke", &authid],
    ] {
        let refused = run(arguments, &inline).await;
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(text.contains("AUTHSEAL_KEYS"), "{arguments:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_new_keys_at_once_are_all_whole_private_and_distinct() {
    const AT_ONCE: usize = 40;
    let installation = Arc::new(Installation::new(Duration::from_secs(60)).await);
    let mut commands = JoinSet::new();
    for _ in 0..AT_ONCE {
        let installation = installation.clone();
        commands.spawn(async move { installation.new_key(&[]).await });
    }
    let made: BTreeSet<String> = commands.join_all().await.into_iter().collect();
    assert_eq!(made.len(), AT_ONCE);
    let loaded: BTreeSet<String> = states(&installation)
        .await
        .into_iter()
        .map(|key| key.0)
        .collect();
    assert_eq!(loaded, made);
    for file in fs::read_dir(&installation.keys_dir).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let is_known = made.contains(name.trim_end_matches(".jwk")) || name == "history.txt";
        assert!(is_known, "{name} was left behind");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
