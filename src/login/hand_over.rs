//! Handing an AuthID to the program that opened the login page: Duplicati's old
//! web UI makes up a token, opens the page with it, and polls for the AuthID.

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    clock::Clock,
    keyring::Keyring,
    limit::Limit,
    seal::{NoSealingKey, Purpose, open_envelope, seal_envelope},
    secret::Secret,
    store::{Name, Store, StoreError},
};

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
    /// How often a page may be opened with a token: anybody can, with as many tokens as
    /// he likes, and each is kept for minutes in a store that has more to keep.
    pub begins: Arc<Limit<()>>,
}

impl HandOvers {
    /// About a megabyte of marks at a time.
    pub fn begins(clock: Clock) -> Arc<Limit<()>> {
        let (at_once, every) = (NonZeroU32::new(2000).unwrap(), Duration::from_millis(100));
        Arc::new(Limit::first_then_every(at_once, every, clock))
    }

    /// The page was opened with this token.
    pub async fn begin(&self, token: &HandOverToken) {
        if self.begins.check(&()).is_err() {
            tracing::warn!("too many pages are opened with a token: this one hands nothing over");
            return;
        }
        let mark = Secret::new("");
        let waiting = self.store.put(waiting(token), mark, TOKEN_LIFETIME);
        // Without it nothing is handed over; the page still shows the AuthID.
        let _ = waiting.await;
    }

    /// The login is finished: the AuthID waits for whoever has the token. `false`
    /// if the token is too old by now, or the store does not answer.
    pub async fn deliver(
        &self,
        token: &HandOverToken,
        authid: &Secret,
    ) -> Result<bool, NoSealingKey> {
        let Ok(Some(_)) = self.store.get(&waiting(token)).await else {
            return Ok(false);
        };
        let sealed = seal_envelope(
            &self.keyring.current(),
            self.clock.now(),
            Purpose::HandOver,
            token.bytes(),
            authid.expose().as_bytes(),
        )?;
        let put = self.store.put(ready(token), sealed, AUTHID_LIFETIME);
        let is_ready = put.await.is_ok();
        // Only now: a poller must not find neither.
        let _ = self.store.take(&waiting(token)).await;
        Ok(is_ready)
    }

    /// The AuthID, for whoever has the token; nobody gets it twice.
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
            return Ok(Progress::Unknown);
        };
        let mark = Secret::new("");
        let fetched = self.store.put(fetched(token), mark, AUTHID_LIFETIME);
        // It says only how it went.
        let _ = fetched.await;
        Ok(Progress::Ready(Secret::new(authid)))
    }

    /// How far it is, without fetching; `Ready` is then still sealed.
    pub async fn progress(&self, token: &HandOverToken) -> Result<Progress, StoreError> {
        if self.store.get(&fetched(token)).await?.is_some() {
            return Ok(Progress::Fetched);
        }
        if let Some(sealed) = self.store.get(&ready(token)).await? {
            return Ok(Progress::Ready(sealed));
        }
        let waiting = self.store.get(&waiting(token)).await?;
        Ok(match waiting {
            Some(_) => Progress::Waiting,
            None => Progress::Unknown,
        })
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
