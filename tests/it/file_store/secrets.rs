//! Finds of somebody who has the folder, and the keys too, but no AuthID.

use std::fs;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use authseal::{
    clock::Clock,
    keyring::KeySet,
    seal::{Purpose, open_envelope},
};

use super::{UNCACHED, stop};
use crate::support::Installation;

/// Number of logins; AUTHSEAL_LOGINS sets another.
fn logins() -> usize {
    let set = std::env::var("AUTHSEAL_LOGINS").ok();
    set.map_or(30, |number| number.parse().unwrap())
}

/// The forms in which a token may be in a file: as text, and as the bytes that the text is
/// the base64url of.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bare = secret.rsplit([':', '.']).next().unwrap();
    let mut forms = vec![bare.as_bytes().to_vec()];
    forms.extend(URL_SAFE_NO_PAD.decode(bare));
    forms.extend(bare.rsplit('-').next().map(|part| part.as_bytes().to_vec()));
    forms.retain(|form| form.len() >= 16);
    forms
}

/// True if the sealed value opens for somebody who guesses what it belongs to.
fn opens(keys: &KeySet, sealed: &str, guesses: &[&[u8]]) -> bool {
    let now = Clock::system().now();
    let purposes = [Purpose::Lineage, Purpose::HandOver];
    let opens_as = |purpose: Purpose| {
        let opens = |guess: &&[u8]| open_envelope(keys, now, purpose, guess, sealed).is_ok();
        guesses.iter().any(opens)
    };
    purposes.into_iter().any(opens_as) || authseal::seal::open(keys, now, sealed).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_and_the_keys_open_nothing_without_an_authid() {
    let installation = Installation::with_store(UNCACHED).await;
    let server = installation.serve().await;
    let authids: Vec<String> = (0..logins())
        .map(|_| installation.log_in("single-use"))
        .collect();
    let mut secrets = authids.clone();
    for authid in &authids {
        let answer = server.refresh(authid).await.good().json();
        for name in ["access_token", "v2_authid"] {
            secrets.push(answer[name].as_str().unwrap().to_owned());
        }
    }
    let newest: Vec<String> = secrets[authids.len()..]
        .iter()
        .filter(|secret| secret.starts_with("v2:"))
        .map(|authid| {
            installation
                .open(authid)
                .grant
                .refresh_token
                .expose()
                .to_owned()
        })
        .collect();
    secrets.extend(newest);
    stop(server).await;

    let keys = installation.keys();
    for file in fs::read_dir(installation.store_dir()).unwrap() {
        let mut bytes = fs::read(file.unwrap().path()).unwrap();
        // Free space, in which there is nothing to find.
        bytes.retain(|byte| *byte != 0);
        for form in secrets.iter().flat_map(|secret| forms(secret)) {
            assert!(memchr::memmem::find(&bytes, &form).is_none());
        }
        assert!(memchr::memmem::find(&bytes, b"demo-").is_none());
    }
    // With the AuthID it opens: what was searched for is there.
    let store = super::open(&installation.store_dir(), &Clock::system());
    let now = Clock::system().now();
    for authid in &authids {
        let lineage = installation.open(authid).grant.lineage;
        let name = authseal::store::Name::new("lineage", lineage.as_bytes());
        let value = store.get(&name).await.unwrap().unwrap();
        let context = lineage.as_bytes();
        open_envelope(&keys, now, Purpose::Lineage, context, value.expose()).unwrap();
        let name = lineage.short_hash();
        assert!(!opens(
            &keys,
            value.expose(),
            &[name.as_bytes(), authid.as_bytes()]
        ));
    }
}
