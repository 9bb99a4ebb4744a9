//! Limits on requests that clients can cause at a provider under our client id: one code
//! exchange for each login, and a rate limit for each client network. One-time codes have rate
//! limits as well.

use std::{
    collections::{HashSet, VecDeque},
    num::NonZeroU32,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::LoginError;
use crate::{
    clock::Clock,
    limit::{ClientNetwork, NetworkLimit},
    store::Name,
};

/// Rate limit for code exchanges from one network: 20 at once, then one every 6 seconds.
/// A class or an office behind one address logs in at the same time.
const EXCHANGES: (NonZeroU32, Duration) = (NonZeroU32::new(20).unwrap(), Duration::from_secs(6));
/// Rate limit for login tokens from one network: 5 at once, then one every 30 seconds. A
/// login token is a password that could be guessed, and a person pastes only one.
const LOGIN_TOKENS: (NonZeroU32, Duration) = (NonZeroU32::new(5).unwrap(), Duration::from_secs(30));
/// Rate limit for one-time codes from one network: 10 at once, then one every 30 seconds. Each
/// code takes a place in the store, and a person needs one.
const CODES: (NonZeroU32, Duration) = (NonZeroU32::new(10).unwrap(), Duration::from_secs(30));
/// Rate limit for the use of one-time codes from one network. Each try asks the store.
const COLLECTIONS: (NonZeroU32, Duration) = EXCHANGES;
/// Number of used nonces kept in memory, about 100 bytes each. Under the limits above,
/// one network needs days to use up so many.
const REMEMBERED: usize = 65_536;

/// Rate limits for requests to providers and for one-time codes, and the nonces of logins that
/// are used up.
#[derive(Debug)]
pub struct Attempts {
    exchanges: NetworkLimit,
    /// Rate limit for callbacks without a code, because each takes a place among the nonces.
    refusals: NetworkLimit,
    login_tokens: NetworkLimit,
    /// Rate limit for one-time codes that are made.
    pub(super) codes: NetworkLimit,
    /// Rate limit for one-time codes that are tried.
    pub(super) collections: NetworkLimit,
    used: UsedNonces,
}

impl Attempts {
    /// Makes counters with no attempts counted.
    pub fn new(clock: &Clock) -> Self {
        let limit = |(first, period)| NetworkLimit::first_then_every(first, period, clock.clone());
        Self {
            exchanges: limit(EXCHANGES),
            refusals: limit(EXCHANGES),
            login_tokens: limit(LOGIN_TOKENS),
            codes: limit(CODES),
            collections: limit(COLLECTIONS),
            used: UsedNonces::default(),
        }
    }

    /// Uses up the nonce of a login whose callback has come. Returns `Ok` once for each
    /// nonce, so a cookie that is sent again can't try a second code. The rate limit
    /// counts callbacks with a code; a login that it refuses is not used up.
    pub(super) fn callback(
        &self,
        nonce: &str,
        has_code: bool,
        client: ClientNetwork,
    ) -> Result<Use<'_>, LoginError> {
        let limit = match has_code {
            true => &self.exchanges,
            false => &self.refusals,
        };
        self.once(nonce, limit, client)
    }

    /// Uses up the nonce of a login whose pasted login token has the right form, as
    /// [`Attempts::callback`] does.
    pub(super) fn login_token(
        &self,
        nonce: &str,
        client: ClientNetwork,
    ) -> Result<Use<'_>, LoginError> {
        self.once(nonce, &self.login_tokens, client)
    }

    /// Fails if the nonce is used up, as [`Attempts::callback`] and
    /// [`Attempts::login_token`] would.
    pub(super) fn check_unused(&self, nonce: &str) -> Result<(), LoginError> {
        match self.used.has(nonce) {
            true => Err(LoginError::NotBegun),
            false => Ok(()),
        }
    }

    fn once(
        &self,
        nonce: &str,
        limit: &NetworkLimit,
        client: ClientNetwork,
    ) -> Result<Use<'_>, LoginError> {
        self.check_unused(nonce)?;
        limit.check(client).map_err(LoginError::TooOften)?;
        match self.used.insert(nonce) {
            true => Ok(Use {
                nonces: &self.used,
                name: name(nonce),
                waits: AtomicBool::new(false),
            }),
            false => Err(LoginError::NotBegun),
        }
    }
}

/// The only use of a login. If this is dropped while it waits for a place at the provider,
/// nothing was sent, and the login can be finished by the same callback or form again.
#[derive(Debug)]
#[must_use]
pub(super) struct Use<'a> {
    nonces: &'a UsedNonces,
    name: Name,
    waits: AtomicBool,
}

impl Use<'_> {
    /// Marks a code or a login token as waiting for a place at the provider.
    pub(super) fn waits(&self) {
        self.waits.store(true, Ordering::Relaxed);
    }

    /// Marks it as possibly sent.
    pub(super) fn is_sent(&self) {
        self.waits.store(false, Ordering::Relaxed);
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        if *self.waits.get_mut() {
            self.nonces.remove(&self.name);
        }
    }
}

/// The nonces that were used up last.
#[derive(Debug, Default)]
struct UsedNonces {
    // Locked only to look up and insert, never across an await.
    nonces: Mutex<Nonces>,
}

#[derive(Debug, Default)]
struct Nonces {
    known: HashSet<Name>,
    oldest_first: VecDeque<Name>,
}

impl UsedNonces {
    fn has(&self, nonce: &str) -> bool {
        self.lock().known.contains(&name(nonce))
    }

    /// Adds a nonce; returns `false` if it was there already.
    fn insert(&self, nonce: &str) -> bool {
        let name = name(nonce);
        let mut nonces = self.lock();
        if !nonces.known.insert(name) {
            return false;
        }
        nonces.oldest_first.push_back(name);
        if nonces.oldest_first.len() > REMEMBERED
            && let Some(oldest) = nonces.oldest_first.pop_front()
        {
            nonces.known.remove(&oldest);
        }
        true
    }

    /// Searches from the newest on, because the nonce was added a moment ago.
    fn remove(&self, name: &Name) {
        let mut nonces = self.lock();
        nonces.known.remove(name);
        let at = nonces.oldest_first.iter().rposition(|one| one == name);
        if let Some(at) = at {
            nonces.oldest_first.remove(at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Nonces> {
        self.nonces
            .lock()
            .expect("nothing panics while holding the lock")
    }
}

/// Returns a name of fixed length for a nonce of any length.
fn name(nonce: &str) -> Name {
    Name::new("login", nonce.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_used_nonces_is_bounded_and_forgets_the_oldest_first() {
        let used = UsedNonces::default();
        for nonce in 0..=REMEMBERED {
            assert!(used.insert(&nonce.to_string()));
        }
        assert!(!used.has("0") && used.has("1"));
        assert!(!used.insert("1"));
        assert_eq!(used.lock().known.len(), REMEMBERED);
        assert_eq!(used.lock().oldest_first.len(), REMEMBERED);
    }
}
