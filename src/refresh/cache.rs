//! Access tokens that are still good, by lineage.

use std::{sync::Arc, time::Duration};

use quick_cache::{Weighter, sync::Cache};

use crate::{clock::Moment, seal::Lineage, secret::Secret};

/// A tenth of a token's life, within these bounds, is left to whoever gets it:
/// Duplicati itself refreshes 30 s early, and an upload may start just before.
const SHORTEST_MARGIN: Duration = Duration::from_secs(30);
const LONGEST_MARGIN: Duration = Duration::from_secs(5 * 60);

/// Memory of an entry besides its strings, in bytes: measured with benches/run.
const ENTRY_OVERHEAD_BYTES: u64 = 256;

/// Initial number of entries; the tables grow as needed.
const FIRST_CAPACITY: usize = 64;

/// An access token, and the newest AuthID of the login that it belongs to.
#[derive(Debug)]
pub struct CachedToken {
    /// The access token.
    pub access_token: Secret,
    /// When the provider ends it.
    pub expires_at: Moment,
    /// Until when it may be handed out.
    pub fresh_until: Moment,
    /// The newest generation that this server knows.
    pub generation: u32,
    /// Nobody knew of a newer generation when the provider gave it.
    pub is_newest: bool,
    /// A line of `revoked.txt` holds for the login, as the store or memory knows it. Such a
    /// token is good for nothing but revoking the grant.
    pub is_revoked: bool,
    /// Its AuthID, when the provider replaced the refresh token.
    pub newest_authid: Option<Secret>,
    /// The key set under which this was worked out.
    pub keys_version: u64,
}

impl CachedToken {
    /// Until when a token may be handed out that was issued at `now`.
    pub fn fresh_until(now: Moment, lifetime: Duration) -> Moment {
        let margin = (lifetime / 10).clamp(SHORTEST_MARGIN, LONGEST_MARGIN);
        now.plus(lifetime.saturating_sub(margin))
    }
}

/// Bounded by memory; wiped as entries leave.
#[derive(Debug)]
pub struct TokenCache {
    entries: Cache<Lineage, Arc<CachedToken>, Weight>,
}

impl TokenCache {
    /// A cache of at most about `bytes`.
    pub fn new(bytes: u64) -> Self {
        Self {
            entries: Cache::with_weighter(FIRST_CAPACITY, bytes, Weight),
        }
    }

    /// The login's access token, if it is still good and was worked out under
    /// the same keys and revocations.
    pub fn get(
        &self,
        lineage: &Lineage,
        now: Moment,
        keys_version: u64,
    ) -> Option<Arc<CachedToken>> {
        let token = self.entries.get(lineage);
        token.filter(|token| now < token.fresh_until && token.keys_version == keys_version)
    }

    /// Returns the number of tokens, expired ones included.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Forgets the login's access token.
    pub fn remove(&self, lineage: &Lineage) {
        self.entries.remove(lineage);
    }

    /// Forgets the access tokens of some logins.
    pub fn remove_all(&self, is_one: impl Fn(&Lineage) -> bool) {
        self.entries.retain(|lineage, _| !is_one(lineage));
    }

    /// Keeps a token, unless it lives too briefly to be of use to a second asker.
    pub fn insert(&self, lineage: Lineage, now: Moment, token: Arc<CachedToken>) {
        if now < token.fresh_until {
            self.entries.insert(lineage, token);
        } else {
            self.entries.remove(&lineage);
        }
    }
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Lineage, Arc<CachedToken>> for Weight {
    fn weight(&self, _: &Lineage, token: &Arc<CachedToken>) -> u64 {
        let authid = token.newest_authid.as_ref();
        let strings =
            token.access_token.expose().len() + authid.map_or(0, |authid| authid.expose().len());
        ENTRY_OVERHEAD_BYTES + strings as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expires_in: u64) -> Arc<CachedToken> {
        let now = Moment::default();
        let lifetime = Duration::from_secs(expires_in);
        Arc::new(CachedToken {
            access_token: Secret::new("x".repeat(1_000)),
            expires_at: now.plus(lifetime),
            fresh_until: CachedToken::fresh_until(now, lifetime),
            generation: 0,
            is_newest: true,
            is_revoked: false,
            newest_authid: None,
            keys_version: 0,
        })
    }

    #[test]
    fn a_token_is_handed_out_until_shortly_before_it_expires() {
        let check = |lifetime, fresh| {
            let until = CachedToken::fresh_until(Moment::default(), Duration::from_secs(lifetime));
            assert_eq!(
                until,
                Moment::default().plus(Duration::from_secs(fresh)),
                "{lifetime} s"
            );
        };
        check(3_600, 3_300);
        check(600, 540);
        check(60, 30);
        check(20, 0);
    }

    #[test]
    fn a_change_of_keys_hides_what_was_cached() {
        let cache = TokenCache::new(1 << 20);
        let lineage = Lineage::random();
        cache.insert(lineage, Moment::default(), token(3_600));
        assert!(cache.get(&lineage, Moment::default(), 0).is_some());
        assert!(cache.get(&lineage, Moment::default(), 1).is_none());
        assert!(
            cache
                .get(
                    &lineage,
                    Moment::default().plus(Duration::from_secs(3_300)),
                    0
                )
                .is_none()
        );
    }

    #[test]
    fn memory_is_bounded() {
        let cache = TokenCache::new(1 << 20);
        for _ in 0..10_000 {
            cache.insert(Lineage::random(), Moment::default(), token(3_600));
        }
        assert!(cache.entries.weight() <= 1 << 20);
        assert!(cache.entries.len() > 500);
    }
}
