//! Sealed values that a browser carries from one request to the next, bound to a nonce
//! and valid for a limited time.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{HandOverToken, LoginNames, Origin};
use crate::{
    clock::UnixTime,
    keyring::KeySet,
    seal::{NoSealingKey, Purpose, UseLimits, open_envelope, seal_envelope},
    secret::Secret,
};

/// Lifetime of a visit and of a login attempt: the time that a person may take on the
/// start page, and then at the provider.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A login that has begun.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct LoginAttempt {
    /// Id of the service.
    pub(super) service: String,
    /// The PKCE code verifier, if the provider supports PKCE.
    pub(super) verifier: Option<Secret>,
    pub(super) recipients: Recipients,
    /// Names for the AuthID.
    #[serde(default, skip_serializing_if = "LoginNames::are_none")]
    pub(super) names: LoginNames,
}

/// Recipients of the AuthID besides the person.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Recipients {
    /// The program that polls for the AuthID.
    pub waiting: Option<Waiting>,
    /// Origin of the page that opened ours.
    pub opener: Option<Origin>,
    /// True if the person chose on the start page that nobody else gets it. Then the other
    /// two are `None`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub declined: bool,
    /// Limits that the person set on the start page for the AuthID. They are here so that every
    /// link that leads to a login for the same recipients keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<UseLimits>,
}

impl Recipients {
    /// Returns no recipients, by the person's choice, and the same limits.
    pub fn declined(self) -> Self {
        Self {
            declined: true,
            limits: self.limits,
            ..Self::default()
        }
    }

    /// True if there is nothing to carry: no recipient, no choice and no limit.
    pub fn is_unknown(&self) -> bool {
        !self.has_any() && !self.declined && self.limits.is_none()
    }

    /// True if a program or page may get the AuthID.
    pub fn has_any(&self) -> bool {
        self.waiting.is_some() || self.opener.is_some()
    }
}

/// A program that polls for the AuthID with a token that it made up.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Waiting {
    /// The hand-over token. Any client that knows it can fetch the AuthID.
    pub token: HandOverToken,
    /// Time at which the program opened the start page.
    pub since: UnixTime,
}

#[derive(Deserialize, Serialize)]
struct Carried<T> {
    content: T,
    sealed_at: UnixTime,
}

/// Seals `content` for a cookie or form. It can be opened only with the same purpose and
/// context.
pub(super) fn seal_carried<T: Serialize>(
    keys: &KeySet,
    now: UnixTime,
    purpose: Purpose,
    context: &str,
    content: T,
) -> Result<Secret, NoSealingKey> {
    let carried = Carried {
        content,
        sealed_at: now,
    };
    let json = zeroize::Zeroizing::new(
        serde_json::to_vec(&carried).expect("strings and numbers always serialise"),
    );
    seal_envelope(keys, now, purpose, context.as_bytes(), &json)
}

/// Opens a sealed value; `None` if it is not ours, has another purpose or context, or is
/// older than `lifetime`.
pub(super) fn open_carried<T: DeserializeOwned>(
    keys: &KeySet,
    now: UnixTime,
    lifetime: Duration,
    purpose: Purpose,
    context: &str,
    sealed: &str,
) -> Option<T> {
    let json = open_envelope(keys, now, purpose, context.as_bytes(), sealed).ok()?;
    let carried: Carried<T> = serde_json::from_slice(&json).ok()?;
    // What was sealed while the clock was ahead must not live until then.
    (now.apart(carried.sealed_at) < lifetime).then_some(carried.content)
}

/// Makes a nonce: 256 random bits in 43 characters. Dropbox limits the length of `state`.
pub(super) fn nonce() -> String {
    let mut bits = [0; 32];
    SystemRandom::new()
        .fill(&mut bits)
        .expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(bits)
}
