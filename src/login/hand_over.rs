//! Handing an AuthID to the program that opened the login page: Duplicati's old
//! web UI makes up a token, opens the page with it, and polls for the AuthID.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    keyring::Keyring,
    seal::{NoSealingKey, Purpose, open_envelope, seal_envelope},
    secret::Secret,
    store::{Name, Store},
};
use serde::{Deserialize, Serialize};

/// From opening the page to the end of the login.
const TOKEN_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// For the poller, which asks every three seconds.
const AUTHID_LIFETIME: Duration = Duration::from_secs(30);
/// Duplicati's have about 20 characters; what is much shorter can be guessed.
const SHORTEST_TOKEN: usize = 16;
const LONGEST_TOKEN: usize = 64;

/// What the program that opened the page made up. Whoever knows it gets the
/// AuthID.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct HandOverToken(Secret);

impl HandOverToken {
    /// Reads one; `None` if it could be guessed, or is no token at all.
    pub fn parse(text: &str) -> Option<Self> {
        let is_token = (SHORTEST_TOKEN..=LONGEST_TOKEN).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        is_token.then(|| Self(Secret::new(text)))
    }

    fn bytes(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

impl fmt::Debug for HandOverToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandOverToken(redacted)")
    }
}

/// How far a hand-over is.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nobody opened the page with this token, or it is too old.
    Unknown,
    /// The login is not finished.
    Waiting,
    /// The AuthID can be fetched, once.
    Ready(Secret),
    /// It has been fetched.
    Fetched,
}

/// The hand-overs under way.
#[derive(Clone, Debug)]
pub struct HandOvers {
    /// Where they are kept.
    pub store: Store,
    /// What AuthIDs are sealed under in the store, together with the token.
    pub keyring: Arc<Keyring>,
    /// The time.
    pub clock: Clock,
}

impl HandOvers {
    /// The page was opened with this token.
    pub fn begin(&self, token: &HandOverToken) {
        let mark = Secret::new("");
        self.store.put(waiting(token), mark, TOKEN_LIFETIME);
    }

    /// The login is finished: the AuthID waits for whoever has the token. `false`
    /// if the token is too old by now.
    pub fn deliver(&self, token: &HandOverToken, authid: &Secret) -> Result<bool, NoSealingKey> {
        if self.store.take(&waiting(token)).is_none() {
            return Ok(false);
        }
        let sealed = seal_envelope(
            &self.keyring.current(),
            self.clock.now(),
            Purpose::HandOver,
            token.bytes(),
            authid.expose().as_bytes(),
        )?;
        self.store.put(ready(token), sealed, AUTHID_LIFETIME);
        Ok(true)
    }

    /// The AuthID, for whoever has the token; nobody gets it twice.
    pub fn fetch(&self, token: &HandOverToken) -> Progress {
        let Some(sealed) = self.store.take(&ready(token)) else {
            return self.progress(token);
        };
        let opened = open_envelope(
            &self.keyring.current(),
            self.clock.now(),
            Purpose::HandOver,
            token.bytes(),
            sealed.expose(),
        );
        match opened.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()) {
            Some(authid) => {
                let mark = Secret::new("");
                self.store.put(fetched(token), mark, AUTHID_LIFETIME);
                Progress::Ready(Secret::new(authid))
            }
            None => Progress::Unknown,
        }
    }

    /// How far it is, without fetching; `Ready` is then still sealed.
    pub fn progress(&self, token: &HandOverToken) -> Progress {
        if self.store.get(&fetched(token)).is_some() {
            Progress::Fetched
        } else if let Some(sealed) = self.store.get(&ready(token)) {
            Progress::Ready(sealed)
        } else if self.store.get(&waiting(token)).is_some() {
            Progress::Waiting
        } else {
            Progress::Unknown
        }
    }
}

fn waiting(token: &HandOverToken) -> Name {
    Name::new("hand-over waiting", token.bytes())
}

fn ready(token: &HandOverToken) -> Name {
    Name::new("hand-over ready", token.bytes())
}

fn fetched(token: &HandOverToken) -> Name {
    Name::new("hand-over fetched", token.bytes())
}
