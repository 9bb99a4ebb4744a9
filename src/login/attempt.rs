//! What a login must remember until the browser comes back.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::{
    clock::UnixTime,
    keyring::KeySet,
    seal::{NoSealingKey, Purpose, open_envelope, seal_envelope},
    secret::Secret,
};

/// How long a person may take at the provider.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A login that has begun.
#[derive(Debug, Deserialize, Serialize)]
pub struct Attempt {
    /// Id of the service.
    pub service: String,
    /// The PKCE code verifier, where the provider takes one.
    pub verifier: Option<Secret>,
    /// When it began.
    pub begun_at: UnixTime,
}

impl Attempt {
    /// Seals it for the cookie; `nonce` binds it to one `state`.
    pub fn seal(&self, keys: &KeySet, now: UnixTime, nonce: &str) -> Result<Secret, NoSealingKey> {
        let json = serde_json::to_vec(self).expect("strings and numbers always serialise");
        seal_envelope(keys, now, Purpose::Login, nonce.as_bytes(), &json)
    }

    /// Opens the cookie's value; `None` if it is not ours, not for this nonce, or
    /// too old.
    pub fn open(keys: &KeySet, now: UnixTime, nonce: &str, sealed: &str) -> Option<Self> {
        let json = open_envelope(keys, now, Purpose::Login, nonce.as_bytes(), sealed)?;
        let attempt: Self = serde_json::from_slice(&json).ok()?;
        (now.since(attempt.begun_at) < LIFETIME).then_some(attempt)
    }
}

/// 256 random bits in 43 characters; Dropbox limits the length of `state`.
pub(super) fn nonce() -> String {
    let mut bits = [0; 32];
    SystemRandom::new()
        .fill(&mut bits)
        .expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(bits)
}
