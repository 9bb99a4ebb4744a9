//! Hand-over of an AuthID to the program that opened the login page. Duplicati's old web
//! UI makes up a token, opens the page with it, and polls for the AuthID.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    clock::Clock,
    keyring::Keyring,
    seal::{NoSealingKey, Purpose, open_envelope, seal_envelope},
    secret::Secret,
    store::{Name, Store, StoreError},
};

/// Maximum time from opening the start page to the click that hands over.
pub(super) const TOKEN_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Lifetime of an AuthID that waits to be fetched. The program polls every three seconds.
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

    fn bytes(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

impl fmt::Debug for HandOverToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandOverToken(redacted)")
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
    /// Stores the AuthID for the client that has the token. If one was fetched with it
    /// less than 30 seconds ago, nothing is stored: a double click hands over once.
    pub async fn deliver(
        &self,
        token: &HandOverToken,
        authid: &Secret,
    ) -> Result<Result<(), StoreError>, NoSealingKey> {
        let sealed = seal_envelope(
            &self.keyring.current(),
            self.clock.now(),
            Purpose::HandOver,
            token.bytes(),
            authid.expose().as_bytes(),
        )?;
        Ok(match self.store.get(&fetched(token)).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => self.store.put(ready(token), sealed, AUTHID_LIFETIME).await,
            Err(error) => Err(error),
        })
    }

    /// Returns the AuthID to a client that has the token. Each AuthID can be fetched only
    /// once.
    pub async fn fetch(&self, token: &HandOverToken) -> Result<Progress, StoreError> {
        let Some(sealed) = self.store.take(&ready(token)).await? else {
            return self.progress(token).await;
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
        let fetched = self.store.put(fetched(token), mark, AUTHID_LIFETIME);
        // The mark only records that the AuthID was fetched, so a failure to store it is
        // ignored.
        let _ = fetched.await;
        Ok(Progress::Ready(Secret::new(authid)))
    }

    /// Returns the progress without fetching. The content of `Ready` is then still
    /// sealed.
    pub async fn progress(&self, token: &HandOverToken) -> Result<Progress, StoreError> {
        if self.store.get(&fetched(token)).await?.is_some() {
            return Ok(Progress::Fetched);
        }
        if let Some(sealed) = self.store.get(&ready(token)).await? {
            return Ok(Progress::Ready(sealed));
        }
        Ok(Progress::Nothing)
    }
}

fn ready(token: &HandOverToken) -> Name {
    Name::new("hand-over ready", token.bytes())
}

fn fetched(token: &HandOverToken) -> Name {
    Name::new("hand-over fetched", token.bytes())
}
