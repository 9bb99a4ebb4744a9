//! Hand-over of an AuthID to the program that opened the login page. Duplicati's old web
//! UI makes up a token, opens the page with it, and polls for the AuthID.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{LIFETIME, elsewhere::CODE_LIFETIME};
use crate::{
    clock::Clock,
    keyring::Keyring,
    seal::{NoSealingKey, Purpose, open_envelope, seal_envelope},
    secret::Secret,
    store::{Name, Store, StoreError},
};

/// Maximum time from opening the start page to the click that hands over.
pub(super) const TOKEN_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Lifetime of an AuthID that waits for a program. The program polls every three seconds.
const AUTHID_LIFETIME: Duration = Duration::from_secs(30);
/// Minimum token length. Duplicati's tokens have about 20 characters; a much shorter one
/// can be guessed.
const SHORTEST_TOKEN: usize = 16;
const LONGEST_TOKEN: usize = 64;

/// Token made up by the program that opened the page. Any client that knows it can fetch
/// the AuthID.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct HandOverToken(Secret);

impl HandOverToken {
    /// Parses a token; `None` if the text is short enough to guess, or is not a token.
    pub fn parse(text: &str) -> Option<Self> {
        let is_token = (SHORTEST_TOKEN..=LONGEST_TOKEN).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        is_token.then(|| Self(Secret::new(text)))
    }

    /// Returns the text of the token.
    pub(super) fn secret(&self) -> Secret {
        self.0.clone()
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

/// Kind of client that fetches an AuthID. What waits for one kind, the other cannot fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetcher {
    /// The program that opened the login page. It polls with a token that it made up.
    Program,
    /// Another machine of the user, with a code that this server made.
    Machine,
}

impl Fetcher {
    /// Returns the lifetime of an AuthID that waits to be fetched.
    fn waits(self) -> Duration {
        match self {
            Self::Program => AUTHID_LIFETIME,
            Self::Machine => CODE_LIFETIME,
        }
    }

    /// Returns the time for which it is remembered that an AuthID was fetched. For a machine it
    /// is the lifetime of the form that makes the code, so that no form serves twice.
    fn remembered(self) -> Duration {
        match self {
            Self::Program => AUTHID_LIFETIME,
            Self::Machine => LIFETIME,
        }
    }

    fn ready(self, token: &HandOverToken) -> Name {
        let kind = match self {
            Self::Program => "hand-over ready",
            Self::Machine => "one-time ready",
        };
        Name::new(kind, token.bytes())
    }

    fn fetched(self, token: &HandOverToken) -> Name {
        let kind = match self {
            Self::Program => "hand-over fetched",
            Self::Machine => "one-time fetched",
        };
        Name::new(kind, token.bytes())
    }
}

/// Progress of a hand-over.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing has been handed over with this token, or it has expired.
    Nothing,
    /// The AuthID can be fetched, once.
    Ready(Secret),
    /// The AuthID has been fetched.
    Fetched,
}

/// The hand-overs in progress.
#[derive(Clone, Debug)]
pub struct HandOvers {
    /// Store in which they are kept.
    pub store: Store,
    /// Keys that seal AuthIDs in the store, together with the token.
    pub keyring: Arc<Keyring>,
    /// Source of the current time.
    pub clock: Clock,
}

impl HandOvers {
    /// Stores the AuthID for the client that has the token. If one was fetched with it a short
    /// time ago, nothing is stored: a double click hands over once.
    pub async fn deliver(
        &self,
        token: &HandOverToken,
        authid: &Secret,
        fetcher: Fetcher,
    ) -> Result<Result<(), StoreError>, NoSealingKey> {
        let sealed = seal_envelope(
            &self.keyring.current(),
            self.clock.now(),
            Purpose::HandOver,
            token.bytes(),
            authid.expose().as_bytes(),
        )?;
        let waits = fetcher.waits();
        Ok(match self.store.get(&fetcher.fetched(token)).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => self.store.put(fetcher.ready(token), sealed, waits).await,
            Err(error) => Err(error),
        })
    }

    /// Returns the AuthID to a client that has the token. Each AuthID can be fetched only
    /// once.
    pub async fn fetch(
        &self,
        token: &HandOverToken,
        fetcher: Fetcher,
    ) -> Result<Progress, StoreError> {
        let Some(sealed) = self.store.take(&fetcher.ready(token)).await? else {
            return self.progress(token, fetcher).await;
        };
        let opened = open_envelope(
            &self.keyring.current(),
            self.clock.now(),
            Purpose::HandOver,
            token.bytes(),
            sealed.expose(),
        );
        let authid = opened
            .ok()
            .and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        let Some(authid) = authid else {
            return Ok(Progress::Nothing);
        };
        let mark = Secret::new("");
        let remembered = fetcher.remembered();
        let fetched = self.store.put(fetcher.fetched(token), mark, remembered);
        // The mark only records that the AuthID was fetched, so a failure to store it is
        // ignored.
        let _ = fetched.await;
        Ok(Progress::Ready(Secret::new(authid)))
    }

    /// Returns the progress without fetching. The content of `Ready` is then still
    /// sealed.
    pub async fn progress(
        &self,
        token: &HandOverToken,
        fetcher: Fetcher,
    ) -> Result<Progress, StoreError> {
        if self.store.get(&fetcher.fetched(token)).await?.is_some() {
            return Ok(Progress::Fetched);
        }
        if let Some(sealed) = self.store.get(&fetcher.ready(token)).await? {
            return Ok(Progress::Ready(sealed));
        }
        Ok(Progress::Nothing)
    }
}
