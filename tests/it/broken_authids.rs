//! Strings that are almost an AuthID, or nothing like one.

use std::collections::BTreeSet;

use authseal::seal::open_pasted;
use tokio::task::JoinSet;

use super::authid::{app, in_form, in_header, in_query};
use crate::support::{Answer, Client, Random};

/// Number of random strings, and one in how many changes goes through a request.
/// `AUTHSEAL_STRINGS=all` sends ten thousand and every one.
fn extent() -> (usize, usize) {
    match std::env::var("AUTHSEAL_STRINGS") {
        Ok(which) if which == "all" => (10_000, 1),
        _ => (1_600, 23),
    }
}

const BASE64URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A refresh token that makes an AuthID compressed (`zip=DEF`).
fn long_token() -> String {
    "never-print-1//0g".repeat(40)
}

#[track_caller]
fn assert_refused(answer: &Answer, what: &dyn std::fmt::Debug) {
    assert!(
        matches!(answer.status.as_u16(), 400 | 401),
        "{} for {what:?}",
        answer.status
    );
    assert!(!answer.header("x-reason").is_empty(), "{what:?}");
}

/// Every string that is one character away from `authid`, and does not hold all of it.
fn one_character_away(authid: &str) -> BTreeSet<String> {
    let mut changed = BTreeSet::new();
    for index in 0..authid.len() {
        let old = authid.as_bytes()[index];
        let mut others = b"A_:.=+/!".to_vec();
        others.push(if old.is_ascii_lowercase() {
            old.to_ascii_uppercase()
        } else {
            old.to_ascii_lowercase()
        });
        // All that share the upper bits, among them those that differ in stray
        // bits only.
        if let Some(place) = BASE64URL.bytes().position(|letter| letter == old) {
            for bits in 1..16 {
                others.push(BASE64URL.as_bytes()[place ^ bits]);
            }
        }
        let (before, after) = (&authid[..index], &authid[index + 1..]);
        for other in others {
            let other = char::from(other);
            changed.insert(format!("{before}{other}{after}"));
            changed.insert(format!("{before}{other}{}{after}", char::from(old)));
        }
        changed.insert(format!("{before}{after}"));
    }
    for more in ["A", "-", "v2", "A="] {
        changed.insert(format!("{authid}{more}"));
    }
    // A sign in front or behind is no change of the AuthID (`it/pasted.rs`), and a phone
    // begins it with a capital.
    changed.retain(|text| !text.ends_with(authid) && *text != authid.replacen('v', "V", 1));
    changed
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_one_character_is_refused() {
    let (app, provider) = app().await;
    let url = format!("{}/refresh", app.url);
    let client = Client::new();
    for token in ["never-print-short".to_owned(), long_token()] {
        let authid = app.seal("scripted", &token);
        let changed: Vec<String> = one_character_away(&authid).into_iter().collect();
        assert!(changed.len() > 20 * authid.len());
        let keys = app.app.keyring.current();
        for changed in &changed {
            let opened = open_pasted(&keys, app.clock.now(), changed);
            assert!(opened.is_err(), "{changed}");
        }
        for changed in changed.iter().step_by(extent().1) {
            let request = in_header(&url, changed.as_bytes()).unwrap();
            assert_refused(&client.send(request).await, changed);
        }
        assert!(provider.asked().is_empty());
        assert_eq!(app.refresh(&authid).await.status, 200);
        provider.forget();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_strings_are_refused() {
    let (app, provider) = app().await;
    let url = format!("{}/refresh", app.url);
    let client = Client::new();
    let authid = app.seal("scripted", &long_token());
    let mut tasks = JoinSet::new();
    let strings = extent().0 / 8;
    for seed in 0..8 {
        let (client, url, authid) = (client.clone(), url.clone(), authid.clone());
        tasks.spawn(async move {
            let mut random = Random::seeded(seed);
            for index in 0..strings {
                let text = random_string(&mut random, &authid);
                assert_ne!(text, authid.as_bytes());
                let request = match index % 3 {
                    0 => in_header(&url, &text),
                    1 => in_query(&url, &text),
                    _ => None,
                };
                let request = request.unwrap_or_else(|| in_form(&url, &text));
                let what = (seed, index, String::from_utf8_lossy(&text).into_owned());
                assert_refused(&client.send(request).await, &what);
            }
        });
    }
    tasks.join_all().await;
    assert!(provider.asked().is_empty());
}

/// Up to 64 KiB, short ones as often as long ones, and of every degree of
/// likeness to an AuthID.
fn random_string(random: &mut Random, authid: &str) -> Vec<u8> {
    let bits = random.below(17);
    let length = random.below(1 << bits) + random.below(2);
    let letters = |random: &mut Random, length| random.text(BASE64URL.as_bytes(), length);
    match random.below(5) {
        0 => (0..length).map(|_| random.next() as u8).collect(),
        1 => random.text(b"v2:scripted.=AQg-_ ", length).into_bytes(),
        2 => format!("v2:scripted:{}", letters(random, length)).into_bytes(),
        3 => {
            let header = authid.split('.').next().unwrap();
            let (iv, tag) = (letters(random, 16), letters(random, 22));
            format!("{header}..{iv}.{}.{tag}", letters(random, length)).into_bytes()
        }
        _ => {
            let from = random.below(authid.len());
            let to = from + random.below(authid.len() - from);
            let middle = letters(random, length + to - from + 1);
            format!("{}{middle}{}", &authid[..from], &authid[to..]).into_bytes()
        }
    }
}
