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
    store::{Name, OneTime, OneTimeStore, StoreError},
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
    /// is longer than the form that makes the code can serve, so that no form serves twice: a
    /// form serves from its lifetime before it was sealed, as a clock that is set back tells,
    /// to its lifetime after.
    fn remembered(self) -> Duration {
        match self {
            Self::Program => AUTHID_LIFETIME,
            Self::Machine => 3 * LIFETIME,
        }
    }

    fn name(self, token: &HandOverToken) -> Name {
        let kind = match self {
            Self::Program => "hand-over ready",
            Self::Machine => "one-time ready",
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
    /// Store of the AuthIDs that wait for programs.
    pub programs: OneTimeStore,
    /// Store of the AuthIDs that wait for other machines.
    pub machines: OneTimeStore,
    /// Keys that seal AuthIDs in the stores, together with the token.
    pub keyring: Arc<Keyring>,
    /// Source of the current time.
    pub clock: Clock,
}

/// Result of making an AuthID ready to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It can be fetched now.
    Ready,
    /// One was fetched with this token a short time ago, so nothing is stored: a double click
    /// hands over once.
    FetchedBefore,
}

impl HandOvers {
    /// True if AuthIDs wait in a store outside of this process.
    pub fn are_shared(&self) -> bool {
        matches!(self.programs, OneTimeStore::Redis(_))
    }

    /// Stores the AuthID for the client that has the token.
    pub async fn deliver(
        &self,
        token: &HandOverToken,
        authid: &Secret,
        fetcher: Fetcher,
    ) -> Result<Result<Delivery, StoreError>, NoSealingKey> {
        let sealed = seal_envelope(
            &self.keyring.current(),
            self.clock.now(),
            Purpose::HandOver,
            token.bytes(),
            authid.expose().as_bytes(),
        )?;
        let (store, name) = (self.store(fetcher), fetcher.name(token));
        let stored = store.offer(&name, &sealed, fetcher.waits()).await;
        Ok(stored.map(|is_stored| match is_stored {
            true => Delivery::Ready,
            false => Delivery::FetchedBefore,
        }))
    }

    /// Returns the AuthID to a client that has the token. Each AuthID can be fetched only
    /// once.
    pub async fn fetch(
        &self,
        token: &HandOverToken,
        fetcher: Fetcher,
    ) -> Result<Progress, StoreError> {
        let (store, name) = (self.store(fetcher), fetcher.name(token));
        let sealed = match store.take(&name, fetcher.remembered()).await? {
            OneTime::There(sealed) => sealed,
            OneTime::Taken => return Ok(Progress::Fetched),
            OneTime::Nothing => return Ok(Progress::Nothing),
        };
        Ok(match self.open(token, &sealed) {
            Some(authid) => Progress::Ready(authid),
            None => Progress::Nothing,
        })
    }

    /// Returns the AuthID that waits, without fetching it.
    pub async fn look(
        &self,
        token: &HandOverToken,
        fetcher: Fetcher,
    ) -> Result<Option<Secret>, StoreError> {
        Ok(match self.progress(token, fetcher).await? {
            Progress::Ready(sealed) => self.open(token, &sealed),
            Progress::Nothing | Progress::Fetched => None,
        })
    }

    fn open(&self, token: &HandOverToken, sealed: &Secret) -> Option<Secret> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let purpose = Purpose::HandOver;
        let opened = open_envelope(&keys, now, purpose, token.bytes(), sealed.expose());
        let authid = String::from_utf8(opened.ok()?.to_vec()).ok()?;
        Some(Secret::new(authid))
    }

    /// Returns the progress without fetching. The content of `Ready` is then still
    /// sealed.
    pub async fn progress(
        &self,
        token: &HandOverToken,
        fetcher: Fetcher,
    ) -> Result<Progress, StoreError> {
        let state = self.store(fetcher).state(&fetcher.name(token)).await?;
        Ok(match state {
            OneTime::There(sealed) => Progress::Ready(sealed),
            OneTime::Taken => Progress::Fetched,
            OneTime::Nothing => Progress::Nothing,
        })
    }

    fn store(&self, fetcher: Fetcher) -> &OneTimeStore {
        match fetcher {
            Fetcher::Program => &self.programs,
            Fetcher::Machine => &self.machines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::UnixTime,
        keyring::{Jwk, KeySource},
        store::OneTimeMemory,
    };

    #[tokio::test]
    async fn codes_that_fill_their_memory_stop_no_program() {
        let now = UnixTime(1_800_000_000);
        let key = Jwk::generate(now, Duration::ZERO).to_json();
        let set = Secret::new(format!("{{\"keys\":[{}]}}", key.expose()));
        let keyring = Keyring::load(KeySource::Inline(set)).unwrap();
        let clock = Clock::manual(now);
        let memory = || OneTimeStore::Memory(OneTimeMemory::new(clock.clone(), 1 << 16));
        let hand_overs = HandOvers {
            programs: memory(),
            machines: memory(),
            keyring: Arc::new(keyring),
            clock: clock.clone(),
        };
        let authid = Secret::new("authid");
        let token = |number: u32| HandOverToken::parse(&format!("token-{number:012}")).unwrap();
        let deliver = async |number, fetcher| {
            let token = token(number);
            let delivered = hand_overs.deliver(&token, &authid, fetcher).await;
            assert_eq!(delivered.unwrap(), Ok(Delivery::Ready));
        };
        deliver(0, Fetcher::Program).await;
        for number in 0..2_000 {
            deliver(number, Fetcher::Machine).await;
        }
        let fetched = hand_overs.fetch(&token(0), Fetcher::Program).await;
        assert_eq!(fetched, Ok(Progress::Ready(authid.clone())));
    }
}
