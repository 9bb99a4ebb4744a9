//! What a thief of Redis has: nothing.

use authseal::{
    keyring::{KeySource, Keyring},
    seal::{self, Purpose, open_envelope},
};
use base64::{
    Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD,
};

use super::{
    fleet::{Fleet, Login},
    redis::Redis,
    single_use::{PROVIDERS, logins, refresh_all},
};

/// The files in which Redis keeps everything.
fn files(redis: &Redis) -> Vec<u8> {
    let folder = redis.folder.path().join("appendonlydir");
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    bytes
}

/// Whatever could be made of a secret.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    // Base64 with each of the three alignments that text before it gives.
    let shifted = (0..3).flat_map(|shift| {
        let text = [&b"xx"[..shift.min(2)], secret].concat();
        [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)]
            .map(|text| text.as_bytes()[4..text.len() - 4].to_vec())
    });
    let mut forms: Vec<Vec<u8>> = shifted.collect();
    forms.push(secret.to_vec());
    forms
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

async fn stored(redis: &Redis) -> Vec<(String, String)> {
    let keys: Vec<String> = redis.run(&["KEYS", "*"]).await;
    let mut stored = Vec::new();
    for key in keys {
        let value = redis.run(&["GET", &key]).await;
        stored.push((key, value));
    }
    stored
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_holds_no_token_and_the_keys_alone_open_nothing() {
    let fleet = Fleet::new(&PROVIDERS).await;
    let redis = Redis::start().await;
    let replica = fleet.replica(Some(&redis.url())).await;
    let logins = logins(&fleet);
    refresh_all(&replica.process.url, &logins, 200).await;

    let keyring = Keyring::load(KeySource::Folder(fleet.keys_dir.clone())).unwrap();
    let (keys, now) = (keyring.current(), fleet.clock.now());
    let bytes = files(&redis);
    let stored = stored(&redis).await;
    assert_eq!(
        stored.len(),
        logins.len(),
        "one for each login, and no mark stays"
    );
    let tokens = PROVIDERS.map(|provider| fleet.emulator(provider).books().all_tokens());
    for token in tokens.iter().flatten() {
        for form in forms(token.as_bytes()) {
            assert!(!contains(&bytes, &form), "a token stands in Redis");
        }
    }
    for Login { authid, .. } in &logins {
        let lineage = seal::open(&keys, now, authid).unwrap().grant.lineage;
        for form in [
            lineage.as_bytes().to_vec(),
            lineage.to_string().into_bytes(),
        ] {
            assert!(!contains(&bytes, &form), "a lineage stands in Redis");
        }
    }

    let purposes = [
        Purpose::Lineage,
        Purpose::HandOver,
        Purpose::Login,
        Purpose::Visit,
    ];
    for (key, value) in &stored {
        assert!(
            contains(&bytes, value.as_bytes()),
            "the files are those of this Redis"
        );
        assert!(seal::open(&keys, now, value).is_err());
        assert!(seal::open(&keys, now, &format!("v2:box.com:{value}")).is_err());
        let name = key.split(['{', '}']).nth(1).unwrap();
        let name_bytes = URL_SAFE_NO_PAD.decode(name).unwrap();
        for purpose in purposes {
            for context in [b"", name.as_bytes(), key.as_bytes(), &name_bytes] {
                assert!(open_envelope(&keys, now, purpose, context, value).is_err());
            }
        }
    }
    // Whoever has the AuthID as well opens what is his, and nothing else.
    for Login { authid, .. } in &logins {
        let lineage = seal::open(&keys, now, authid).unwrap().grant.lineage;
        let opened = stored.iter().filter(|(_, value)| {
            open_envelope(&keys, now, Purpose::Lineage, lineage.as_bytes(), value).is_ok()
        });
        assert_eq!(opened.count(), 1);
    }
}
