//! The newest AuthID of each login whose provider replaces refresh tokens.
//!
//! Stock Duplicati starts every job from the AuthID in its settings, generation 0.
//! Served with the newest one, it neither replays a token that was used up nor
//! dies with the first one of a sliding row.

use std::{sync::Arc, time::Duration};

use thiserror::Error;

use super::{
    known::{Known, REVOKED, open_stored},
    saving::{Debt, Owed, Saving},
};
use crate::{
    clock::{Clock, UnixTime},
    keyring::{KeySet, Keyring},
    seal::{self, Grant, Lineage, OpenError, Purpose, seal_envelope},
    secret::Secret,
    store::{Lease, Memory, Name, Shared, StoreError},
    telemetry::Metrics,
};

/// At least as long as any refresh token lives unused (`idle_days` in providers.toml).
pub(super) const LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// The logins that were seen to be given a newer refresh token.
#[derive(Clone, Debug)]
pub struct Lineages {
    pub(super) keyring: Arc<Keyring>,
    /// Newest AuthIDs seen by this process: whatever the shared store forgets, an older token
    /// is not used again here.
    pub(super) memory: Memory,
    pub(super) shared: Option<Shared>,
    saving: Saving,
}

/// Why it is not known which refresh token is a login's newest.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NewestUnknown {
    /// The shared store, which knows it, does not say.
    #[error("the store {0}")]
    Store(#[from] StoreError),
    /// It is sealed under a key that is not here, or was changed.
    #[error("what is stored of this login does not open: {0}")]
    Sealed(#[from] OpenError),
}

/// Why a login can't be claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotClaimed {
    /// Its grant was revoked at the provider.
    Revoked,
    /// An older token than the newest must not be sent.
    Unknown(NewestUnknown),
}

/// The newest grant of a login, and the right to use it up.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) grant: Grant,
    /// Memory or the store knew this login.
    pub(super) is_known: bool,
    /// The store was asked, or there is none, so no newer grant is known anywhere.
    pub(super) is_newest: bool,
    pub(super) lease: Option<Arc<Lease>>,
}

impl Claim {
    /// A claim without a lease.
    pub(super) fn free(grant: Grant, is_newest: bool) -> Self {
        Self {
            grant,
            is_known: false,
            is_newest,
            lease: None,
        }
    }

    /// Does the work, while no other server refreshes the same login.
    pub(super) async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        match &self.lease {
            Some(lease) => Box::pin(lease.hold(work)).await,
            None => work.await,
        }
    }
}

impl Lineages {
    /// The logins that this process's memory and, if there is one, a store that
    /// outlives it know of.
    pub fn new(
        keyring: Arc<Keyring>,
        memory: Memory,
        shared: Option<Shared>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            keyring,
            memory,
            shared,
            saving: Saving::new(clock, metrics),
        }
    }

    /// True if the store survives a restart.
    pub fn outlive_the_process(&self) -> bool {
        self.shared.is_some()
    }

    /// True if nothing that this process knew can have been forgotten for want of room.
    pub(super) fn remember_everything(&self) -> bool {
        !self.memory.is_nearly_full()
    }

    /// The newest grant of the presented one's login. From now on no other server
    /// refreshes it; one that does already is waited for, at most for `patience`.
    pub(super) async fn claim(
        &self,
        now: UnixTime,
        presented: &Grant,
        patience: Duration,
    ) -> Result<Claim, NotClaimed> {
        let lease = match &self.shared {
            Some(shared) => {
                let lease = shared.lease(name(&presented.lineage), patience).await;
                let lease = lease.map_err(|error| NotClaimed::Unknown(error.into()))?;
                Some(Arc::new(lease))
            }
            None => None,
        };
        let stored = lease.as_ref().and_then(|lease| lease.value());
        match self.newest_of(now, presented, stored) {
            Ok((grant, is_known)) => Ok(Claim {
                grant,
                is_known,
                is_newest: true,
                lease,
            }),
            Err(error) => {
                self.pay(&presented.lineage, lease, None).await;
                Err(error)
            }
        }
    }

    /// The newest grant that is known without asking the shared store: good enough
    /// where an older token is as good.
    pub(super) fn claim_in_memory(&self, now: UnixTime, presented: Grant) -> Claim {
        let newest = self.newest_of(now, &presented, None);
        let is_newest = self.shared.is_none();
        Claim::free(newest.map_or(presented, |(grant, _)| grant), is_newest)
    }

    /// True if a newer grant than the presented one is known here or in the store.
    pub(super) async fn know_a_newer(&self, now: UnixTime, presented: &Grant) -> bool {
        let stored = match &self.shared {
            Some(shared) => shared.get(&name(&presented.lineage)).await.ok().flatten(),
            None => None,
        };
        let newest = self.newest_of(now, presented, stored.as_ref());
        newest.is_ok_and(|(grant, _)| grant.generation > presented.generation)
    }

    /// Of the AuthID presented, what this process knows and what is stored: the
    /// highest generation, which is remembered before the provider is asked, so that
    /// an older one is not used again after it. And whether anything was known.
    fn newest_of(
        &self,
        now: UnixTime,
        presented: &Grant,
        stored: Option<&Secret>,
    ) -> Result<(Grant, bool), NotClaimed> {
        let keys = self.keyring.current();
        let lineage = &presented.lineage;
        let open = |sealed: Secret| {
            let known = open_stored(&keys, now, lineage, sealed);
            known.map_err(|error| NotClaimed::Unknown(error.into()))
        };
        let stored = stored.cloned().map(open).transpose()?;
        let remembered = match self.remembered(lineage) {
            None => None,
            Some((generation, sealed)) => match open(sealed) {
                // The key is gone that was newest then, and there is a newer one.
                Err(_)
                    if stored
                        .as_ref()
                        .is_some_and(|known| known.generation() >= generation)
                        || presented.generation >= generation =>
                {
                    None
                }
                opened => Some(opened?),
            },
        };
        let mut newest: Option<(Grant, Secret)> = None;
        for known in stored.into_iter().chain(remembered) {
            match known {
                Known::Revoked => return Err(NotClaimed::Revoked),
                Known::Newest { grant, sealed } => match &newest {
                    Some((newer, _)) if newer.generation >= grant.generation => {}
                    _ => newest = Some((grant, sealed)),
                },
            }
        }
        let is_known = newest.is_some();
        let generation = newest.as_ref().map_or(0, |(grant, _)| grant.generation);
        let newest = match newest {
            Some((grant, sealed)) if generation > presented.generation => {
                self.remember(lineage, generation, &sealed);
                grant
            }
            _ => {
                if presented.generation > generation {
                    self.remember_presented(&keys, now, presented);
                }
                presented.clone()
            }
        };
        Ok((newest, is_known))
    }

    fn remember_presented(&self, keys: &KeySet, now: UnixTime, grant: &Grant) {
        let authid = seal::seal(keys, now, grant);
        let sealed = authid
            .ok()
            .and_then(|authid| self.seal(now, &grant.lineage, authid.expose()));
        if let Some(sealed) = sealed {
            self.remember(&grant.lineage, grant.generation, &sealed);
        }
    }

    /// The generation stands in front, so that a client's AuthID is known to be newer
    /// even when the key is gone that this is sealed under.
    fn remember(&self, lineage: &Lineage, generation: u32, sealed: &Secret) {
        let value = Secret::new(format!("{generation} {}", sealed.expose()));
        self.memory.put(name(lineage), value, LIFETIME);
    }

    fn remembered(&self, lineage: &Lineage) -> Option<(u32, Secret)> {
        let value = self.memory.get(&name(lineage))?;
        let (generation, sealed) = value.expose().split_once(' ')?;
        Some((generation.parse().ok()?, Secret::new(sealed)))
    }

    /// True if this process has seen a newer token of the login.
    pub(super) fn remember_a_newer(&self, grant: &Grant) -> bool {
        let remembered = self.remembered(&grant.lineage);
        remembered.is_some_and(|(generation, _)| generation > grant.generation)
    }

    /// Keeps the newest AuthID of the claimed login, and lets others go on. When
    /// this returns it is in the store; or, if that did not work, in this process's
    /// memory, and it is tried again.
    pub(super) async fn keep(&self, now: UnixTime, claim: Claim, authid: &Secret, generation: u32) {
        let lineage = claim.grant.lineage;
        // Without a sealing key there is nothing to keep: no AuthID could be made.
        let Some(sealed) = self.seal(now, &lineage, authid.expose()) else {
            return self.release(claim).await;
        };
        self.remember(&lineage, generation, &sealed);
        let owed = Owed::Newest { generation, sealed };
        self.pay(&lineage, claim.lease, Some(owed)).await;
    }

    /// Lets others go on: there is nothing new.
    pub(super) async fn release(&self, claim: Claim) {
        self.pay(&claim.grant.lineage, claim.lease, None).await;
    }

    /// Notes that the claimed login was revoked at the provider: no token of it is sent
    /// any more, and every server drops what it has cached.
    pub(super) async fn bury(&self, now: UnixTime, claim: Claim) {
        let lineage = claim.grant.lineage;
        self.mark_revoked(&name(&lineage));
        // Without a sealing key, the provider's refusal has to do.
        let Some(sealed) = self.seal(now, &lineage, REVOKED) else {
            return self.release(claim).await;
        };
        self.remember(&lineage, u32::MAX, &sealed);
        let owed = Owed::Revoked { sealed };
        self.pay(&lineage, claim.lease, Some(owed)).await;
    }

    /// Stores what is owed and ends the lease; without a lease it takes one to store.
    async fn pay(&self, lineage: &Lineage, lease: Option<Arc<Lease>>, owed: Option<Owed>) {
        let Some(shared) = &self.shared else {
            return;
        };
        if lease.is_none() && owed.is_none() {
            return;
        }
        let debt = Debt {
            lineage: *lineage,
            name: name(lineage),
            lease,
            owed,
        };
        // Boxed: most calls do without the store.
        Box::pin(self.saving.pay(shared, &self.keyring, debt)).await;
    }

    /// Tells every server that this provider replaces refresh tokens. What does not
    /// arrive now is told again by the engine (`refresh/news.rs`).
    pub(super) async fn tell_rotating(&self, provider: &str) {
        if let Some(shared) = &self.shared {
            // Said by the store's own log line.
            let _ = shared.tell_rotating(provider).await;
        }
    }

    /// Waits until everything is stored, for a while.
    pub(super) async fn saved(&self) {
        self.saving.finish().await;
    }

    /// Counts logins whose newest AuthID is in this process's memory and not yet in the
    /// store.
    pub(super) fn unsaved(&self) -> usize {
        self.saving.len()
    }

    fn seal(&self, now: UnixTime, lineage: &Lineage, text: &str) -> Option<Secret> {
        seal_envelope(
            &self.keyring.current(),
            now,
            Purpose::Lineage,
            lineage.as_bytes(),
            text.as_bytes(),
        )
        .ok()
    }
}

/// Name of a lineage in the store and in memory.
pub(super) fn name(lineage: &Lineage) -> Name {
    Name::new("lineage", lineage.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::{Jwk, KeySource};
    use crate::seal::Ancestry;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn lineages(memory: &Memory) -> Lineages {
        let key = Jwk::generate(NOW, Duration::ZERO).to_json();
        let set = Secret::new(format!("{{\"keys\":[{}]}}", key.expose()));
        let keyring = Keyring::load(KeySource::Inline(set)).unwrap();
        let (clock, metrics) = (Clock::manual(NOW), Arc::new(Metrics::new()));
        Lineages::new(Arc::new(keyring), memory.clone(), None, clock, metrics)
    }

    #[test]
    fn a_store_that_forgot_is_not_believed_over_a_generation_that_no_longer_opens() {
        let memory = Memory::new(Clock::manual(NOW), 1 << 20);
        let grant = |generation| Grant {
            service: "box.com".into(),
            refresh_token: Secret::new("token"),
            issued_at: NOW,
            lineage: Lineage::derived(&["a login"]),
            generation,
            region: None,
            ancestry: Ancestry::default(),
        };
        let before = lineages(&memory);
        before.newest_of(NOW, &grant(5), None).unwrap();
        // Another key since then.
        let lineages = lineages(&memory);
        let stored = |generation| {
            let grant = grant(generation);
            let authid = seal::seal(&lineages.keyring.current(), NOW, &grant).unwrap();
            lineages.seal(NOW, &grant.lineage, authid.expose()).unwrap()
        };
        let newest = |presented, stored| {
            let newest = lineages.newest_of(NOW, &grant(presented), Some(&stored));
            newest.ok().map(|(grant, _)| grant.generation)
        };
        assert_eq!(newest(1, stored(3)), None);
        assert_eq!(newest(1, stored(5)), Some(5));
        assert_eq!(newest(6, stored(3)), Some(6));
    }
}
