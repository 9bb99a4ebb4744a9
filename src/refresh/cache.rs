//! Cache of access tokens, by lineage.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use quick_cache::{Weighter, sync::Cache};

use crate::{
    clock::Moment,
    seal::{Lineage, LogName},
    secret::Secret,
};

/// Bounds of the margin: a token is handed out only while at least a tenth of its lifetime
/// is left, within these bounds. Duplicati refreshes 30 s before the end, and an upload may
/// start just before that.
const SHORTEST_MARGIN: Duration = Duration::from_secs(30);
const LONGEST_MARGIN: Duration = Duration::from_secs(5 * 60);

/// Memory of an entry besides its strings, in bytes: measured with benches/run.
const ENTRY_OVERHEAD_BYTES: u64 = 256;

/// Initial number of entries; the tables grow as needed.
const FIRST_CAPACITY: usize = 64;

/// An access token, and the newest AuthID of the login that it belongs to.
#[derive(Debug)]
pub(super) struct CachedToken {
    /// The access token.
    pub(super) access_token: Secret,
    /// End of its lifetime.
    pub(super) expires_at: Moment,
    /// End of the time in which it may be handed out.
    pub(super) fresh_until: Moment,
    /// Name of the login in log lines: a hash, taken for the first line that is written.
    pub(super) log_name: OnceLock<LogName>,
    /// The newest generation that this server knows.
    pub(super) generation: u32,
    /// True if no server knew a newer generation when the provider issued it.
    pub(super) is_newest: bool,
    /// True if a rule of `revoked.txt` applies to the newest AuthID of the login. Such a
    /// token is used only to revoke the grant.
    pub(super) is_revoked: bool,
    /// The AuthID of that generation, if the provider replaced the refresh token.
    pub(super) newest_authid: Option<Secret>,
    /// Version of the key set by which `is_revoked` was computed.
    pub(super) keys_version: u64,
}

impl CachedToken {
    /// Returns the end of the time in which a token issued at `now` may be handed out.
    pub(super) fn fresh_until(now: Moment, lifetime: Duration) -> Moment {
        let margin = (lifetime / 10).clamp(SHORTEST_MARGIN, LONGEST_MARGIN);
        now.plus(lifetime.saturating_sub(margin))
    }
}

/// Cache of access tokens, bounded by memory. Entries are wiped when they are dropped.
#[derive(Debug)]
pub(super) struct TokenCache {
    entries: Cache<Lineage, Arc<CachedToken>, TokenWeight>,
}

impl TokenCache {
    /// Makes an empty cache of at most about `bytes`.
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            entries: Cache::with_weighter(FIRST_CAPACITY, bytes, TokenWeight),
        }
    }

    /// Returns the login's access token, if it may still be handed out and was cached under
    /// the same keys and revocations.
    pub(super) fn get(
        &self,
        lineage: &Lineage,
        now: Moment,
        keys_version: u64,
    ) -> Option<Arc<CachedToken>> {
        let token = self.entries.get(lineage);
        token.filter(|token| now < token.fresh_until && token.keys_version == keys_version)
    }

    /// Counts the tokens, including expired ones.
    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    /// Removes the login's access token.
    pub(super) fn remove(&self, lineage: &Lineage) {
        self.entries.remove(lineage);
    }

    /// Removes the access tokens of the logins for which `is_one` returns true.
    pub(super) fn remove_all(&self, is_one: impl Fn(&Lineage) -> bool) {
        self.entries.retain(|lineage, _| !is_one(lineage));
    }

    /// Caches a token, unless its lifetime is too short for a second request.
    pub(super) fn insert(&self, lineage: Lineage, now: Moment, token: Arc<CachedToken>) {
        if now < token.fresh_until {
            self.entries.insert(lineage, token);
        } else {
            self.entries.remove(&lineage);
        }
    }
}

#[derive(Clone, Debug)]
struct TokenWeight;

impl Weighter<Lineage, Arc<CachedToken>> for TokenWeight {
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
            log_name: OnceLock::new(),
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
        let later = Moment::default().plus(Duration::from_secs(3_300));
        assert!(cache.get(&lineage, later, 0).is_none());
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
