//! kill -9 at every moment that a command has: the folder always loads, and nothing
//! half done is in sight.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    os::unix::process::ExitStatusExt,
    thread,
    time::{Duration, Instant},
};

use authseal::{
    clock::{Clock, UnixTime},
    keyring::KeyFolder,
    seal::Lineage,
};

use crate::support::{Installation, std_command};

/// Number of moments of each command; AUTHSEAL_MOMENTS sets another.
fn moments() -> u32 {
    let set = std::env::var("AUTHSEAL_MOMENTS").ok();
    set.map_or(50, |number| number.parse().unwrap())
}

/// The same of commands that derive keys from a passphrase, which takes time.
fn slow_moments() -> u32 {
    moments() / 5
}

/// Starts the command and kills it after a while. Whether it was killed before its end.
fn is_killed(installation: &Installation, arguments: &[&str], after: Duration) -> bool {
    let mut command = std_command(arguments, &installation.environment());
    let mut child = command.spawn().unwrap();
    thread::sleep(after);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(status.success() || status.signal() == Some(9), "{status:?}");
    !status.success()
}

/// How long the command takes when it is left alone: a few times.
fn durations(
    installation: &Installation,
    mut arguments: impl FnMut() -> Vec<String>,
) -> [Duration; 5] {
    [(); 5].map(|()| {
        let arguments = arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let started = Instant::now();
        let status = std_command(&arguments, &installation.environment()).status();
        assert!(status.unwrap().success());
        started.elapsed()
    })
}

/// Kills the command at moments spread over its life. `check` is asked after each.
fn kill_at_every_moment(
    installation: &Installation,
    arguments: impl FnMut() -> Vec<String>,
    check: impl FnMut(&[String]),
) {
    let within = |whole: [Duration; 5]| *whole.iter().min().unwrap() * 2;
    kill_within(within, moments(), installation, arguments, check);
}

/// The same within the time that `within` makes of measured lives. A machine that was busy
/// then, and is not any more, kills too few: that is measured again.
fn kill_within(
    within: impl Fn([Duration; 5]) -> Duration,
    moments: u32,
    installation: &Installation,
    mut arguments: impl FnMut() -> Vec<String>,
    mut check: impl FnMut(&[String]),
) {
    for _ in 0..5 {
        let whole = within(durations(installation, &mut arguments));
        let killed = kill_once(whole, moments, installation, &mut arguments, &mut check);
        if killed > moments / 8 {
            return;
        }
    }
    panic!("again and again, too few were killed");
}

/// Returns the number of those that were killed.
fn kill_once(
    whole: Duration,
    moments: u32,
    installation: &Installation,
    arguments: &mut impl FnMut() -> Vec<String>,
    check: &mut impl FnMut(&[String]),
) -> u32 {
    let (mut killed, mut ended) = (0, 0);
    for moment in 0..moments {
        let arguments = arguments();
        let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // Some of them take longer than the shortest.
        match is_killed(installation, &texts, whole * moment / moments) {
            true => killed += 1,
            false => ended += 1,
        }
        // Panics unless everything in sight loads.
        installation.keys();
        check(&arguments);
    }
    println!("{killed} killed, {ended} came to their end within {whole:?}");
    killed
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

async fn lists_well(installation: &Installation) {
    installation.run(&["keys", "list"]).await.good();
}

#[tokio::test]
async fn a_new_key_is_there_whole_or_not_at_all() {
    let (installation, first) = Installation::with_key().await;
    let mut count = installation.keys().iter().count();
    kill_at_every_moment(
        &installation,
        || words("keys new"),
        |_| {
            let keys = installation.keys();
            let now = keys.iter().count();
            assert!(keys.iter().any(|key| key.kid == first));
            assert!(now >= count, "a key is lost");
            count = now;
        },
    );
    // Whatever is left behind is out of sight, private, and harms no command.
    for file in fs::read_dir(&installation.keys_dir).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let is_whole = name
            .strip_suffix(".jwk")
            .is_some_and(|kid| kid.len() == first.len());
        let is_known = name == "history.txt" || name.starts_with(".new-key-");
        assert!(is_whole || is_known, "{name}");
    }
    lists_well(&installation).await;
    installation.new_key(&[]).await;
}

#[tokio::test]
async fn a_key_is_retired_or_as_it_was() {
    let (installation, kid) = Installation::with_key().await;
    installation.new_key(&[]).await;
    let good = installation.keys();
    let good = good.iter().find(|key| key.kid == kid).unwrap().clone();
    let mut ends = BTreeSet::new();
    let mut days = 0;
    kill_at_every_moment(
        &installation,
        || {
            days += 1;
            words(&format!("keys retire {kid} --at {days}d"))
        },
        |_| {
            let keys = installation.keys();
            let key = keys.iter().find(|key| key.kid == kid).unwrap();
            assert_eq!(key.bytes(), good.bytes());
            assert_eq!((key.iat, key.nbf), (good.iat, good.nbf));
            ends.insert(key.exp.map(|exp| exp.0));
        },
    );
    assert!(!ends.contains(&None), "{ends:?}");
    lists_well(&installation).await;
}

#[tokio::test]
async fn a_leaked_key_is_replaced_or_as_it_was_and_once_only() {
    let (installation, first) = Installation::with_key().await;
    let mut leaked = first.clone();
    kill_at_every_moment(
        &installation,
        || {
            // The one that is not replaced yet.
            let keys = installation.keys();
            let mut open = keys.iter().filter(|key| key.replaced.is_none());
            leaked = open.next().unwrap().kid.clone();
            words(&format!("keys replace --leaked {leaked}"))
        },
        |arguments| {
            let (keys, leaked) = (installation.keys(), arguments.last().unwrap());
            let now = authseal::clock::Clock::system().now();
            let sealing = &keys.sealing(now).unwrap().kid;
            let opens = keys.opening(leaked, now).is_ok();
            assert_eq!(opens, sealing == leaked, "{leaked} {sealing}");
            let open = keys.iter().filter(|key| key.opens_at(now));
            assert_eq!(open.count(), 1, "one seals, and no other opens");
        },
    );
    // Repeated, it makes none.
    let count = installation.keys().iter().count();
    let again = installation
        .run(&["keys", "replace", "--leaked", &first])
        .await;
    assert!(again.good().contains("replaced already"), "{again:?}");
    assert_eq!(installation.keys().iter().count(), count);
}

#[tokio::test]
async fn every_key_is_readable_while_a_folder_is_protected_and_unprotected() {
    let (mut installation, kid) = Installation::with_key().await;
    installation.new_key(&[]).await;
    let bytes = |installation: &Installation| -> Vec<[u8; 32]> {
        installation.keys().iter().map(|key| *key.bytes()).collect()
    };
    let good = bytes(&installation);
    installation.set_passphrase("correct horse battery staple");
    let mut forms = BTreeSet::new();
    let mut turn = 0;
    let in_turn = || {
        turn += 1;
        words(["keys protect", "keys unprotect"][turn % 2])
    };
    // One that has nothing to do is quick.
    let longest = |whole: [Duration; 5]| whole.into_iter().max().unwrap();
    kill_within(longest, slow_moments(), &installation, in_turn, |_| {
        assert_eq!(bytes(&installation), good);
        let keys = installation.keys();
        let protected = keys.iter().filter(|key| keys.is_protected(&key.kid));
        forms.insert(protected.count());
    });
    println!("{forms:?} protected keys of 2 were seen");
    installation.run(&["keys", "protect"]).await.good();
    assert!(installation.keys().is_protected(&kid));
    assert_eq!(bytes(&installation), good);
    lists_well(&installation).await;
}

#[tokio::test]
async fn a_key_is_removed_on_purpose_or_still_there() {
    let (installation, _) = Installation::with_key().await;
    let folder = KeyFolder::new(&installation.keys_dir);
    kill_at_every_moment(
        &installation,
        || {
            let key = folder.create_key(Clock::system().now(), Duration::ZERO);
            words(&format!("keys remove {} --yes", key.unwrap().kid))
        },
        |arguments| {
            let keys = installation.keys();
            let missing: Vec<&str> = keys.missing().collect();
            assert!(missing.is_empty(), "{missing:?} would be waited for");
            // A kill between the two steps leaves a good key: to be removed again.
            let kid = &arguments[2];
            let is_there = keys.iter().any(|key| key.kid == *kid);
            assert_eq!(is_there, installation.key_path(kid).exists());
        },
    );
    lists_well(&installation).await;
}

/// The lines of revoked.txt, each of which must be one that was asked for.
fn whole_lines(installation: &Installation, asked: &BTreeSet<String>) -> BTreeSet<String> {
    let text = fs::read_to_string(installation.keys_dir.join("revoked.txt")).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    for line in text.lines() {
        assert!(asked.contains(line), "{line}");
    }
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_revocation_is_there_whole_or_not_at_all() {
    let (installation, _) = Installation::with_key().await;
    let first = Lineage::random().to_string();
    installation.run(&["revoke", &first]).await.good();
    let asked = RefCell::new(BTreeSet::from([first]));
    let stand = RefCell::new(BTreeSet::new());
    let reason = "ein-längerer-Grund".repeat(50);
    let mut number = 0;
    kill_at_every_moment(
        &installation,
        || {
            number += 1;
            let lineage = Lineage::random().to_string();
            let (subject, line) = match number % 2 {
                0 => (lineage.clone(), lineage),
                _ => {
                    let time = UnixTime(number);
                    let rule = format!("--kid {} --before {time}", installation.kid());
                    (rule, format!("kid={} before={time}", installation.kid()))
                }
            };
            asked.borrow_mut().insert(format!("{line} # {reason}"));
            words(&format!("revoke {subject} --reason {reason}"))
        },
        |_| {
            let now = whole_lines(&installation, &asked.borrow());
            assert!(now.is_superset(&stand.borrow()), "a line is lost");
            assert_eq!(installation.keys().revoked_count(), now.len());
            stand.replace(now);
        },
    );
    let last = Lineage::random().to_string();
    installation.run(&["revoke", &last]).await.good();
    assert!(installation.keys().is_revoked(&last));
    lists_well(&installation).await;
}

#[tokio::test]
async fn a_revocation_is_undone_or_as_it_was_and_no_other_changes() {
    let (installation, _) = Installation::with_key().await;
    let folder = KeyFolder::new(&installation.keys_dir);
    let other = Lineage::random().to_string();
    folder.revoke(&other, None).unwrap();
    kill_at_every_moment(
        &installation,
        || {
            let lineage = Lineage::random().to_string();
            folder.revoke(&lineage, None).unwrap();
            words(&format!("revoke --undo {lineage}"))
        },
        |arguments| {
            assert!(installation.keys().is_revoked(&other));
            let lineage = &arguments[2];
            let text = fs::read_to_string(installation.keys_dir.join("revoked.txt")).unwrap();
            let is_undone = text.ends_with(&format!("\nundo {lineage}\n"));
            assert_eq!(installation.keys().is_revoked(lineage), !is_undone);
        },
    );
    lists_well(&installation).await;
}
