//! The newest AuthID of each login whose provider replaces refresh tokens.
//!
//! Stock Duplicati starts every job from the AuthID in its settings, generation 0.
//! Served with the newest one, it neither replays a token that was used up nor
//! dies with the first one of a sliding row.

use std::{sync::Arc, time::Duration};

use thiserror::Error;

use super::saving::{Saving, Unsaved};
use crate::{
    clock::{Clock, UnixTime},
    keyring::{KeySet, Keyring},
    seal::{self, Grant, Lineage, OpenError, Purpose, open_envelope, seal_envelope},
    secret::Secret,
    store::{Lease, Memory, Name, Shared, StoreError},
    telemetry::Metrics,
};

/// Longer than any refresh token lives unused (providers.md).
pub(super) const LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// The logins that were seen to be given a newer refresh token.
#[derive(Clone, Debug)]
pub struct Lineages {
    pub(super) keyring: Arc<Keyring>,
    /// What this process has seen: whatever the shared store forgets, an older token
    /// is not used again here.
    memory: Memory,
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

/// The newest grant of a login, and the right to use it up.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) grant: Grant,
    /// Whether more was known of the login than the AuthID that was presented.
    pub(super) is_known: bool,
    lease: Option<Lease>,
}

impl Claim {
    /// A claim to a grant that nobody else's refresh can harm.
    pub(super) fn free(grant: Grant) -> Self {
        Self {
            grant,
            is_known: false,
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

    /// Lets others go on: there is nothing new.
    pub(super) async fn release(self) {
        if let Some(lease) = self.lease {
            // A store that does not answer now lets others go on by itself, later.
            let _ = Box::pin(lease.settle(None)).await;
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

    /// Whether it outlives this process what is known of a login.
    pub fn outlive_the_process(&self) -> bool {
        self.shared.is_some()
    }

    /// The newest grant of the presented one's login. From now on no other server
    /// refreshes it; one that does already is waited for, at most for `patience`.
    pub(super) async fn claim(
        &self,
        now: UnixTime,
        presented: &Grant,
        patience: Duration,
    ) -> Result<Claim, NewestUnknown> {
        let lease = match &self.shared {
            Some(shared) => Some(shared.lease(name(&presented.lineage), patience).await?),
            None => None,
        };
        let stored = lease.as_ref().and_then(Lease::value);
        match self.newest_of(now, presented, stored) {
            Ok((grant, is_known)) => Ok(Claim {
                grant,
                is_known,
                lease,
            }),
            Err(error) => {
                if let Some(lease) = lease {
                    let _ = lease.settle(None).await;
                }
                Err(error.into())
            }
        }
    }

    /// The newest grant that is known without asking the shared store: good enough
    /// where an older token is as good.
    pub(super) fn claim_in_memory(&self, now: UnixTime, presented: Grant) -> Claim {
        let newest = self.newest_of(now, &presented, None);
        Claim::free(newest.map_or(presented, |(grant, _)| grant))
    }

    /// The newest grant that is known, for something else than refreshing it.
    pub(super) async fn peek(&self, now: UnixTime, presented: &Grant) -> Grant {
        let stored = match &self.shared {
            Some(shared) => shared.get(&name(&presented.lineage)).await.ok().flatten(),
            None => None,
        };
        let newest = self.newest_of(now, presented, stored.as_ref());
        newest.map_or_else(|_| presented.clone(), |(grant, _)| grant)
    }

    /// Of the AuthID presented, what this process knows and what is stored: the
    /// highest generation, which is remembered before the provider is asked, so that
    /// an older one is not used again after it. And whether anything was known.
    fn newest_of(
        &self,
        now: UnixTime,
        presented: &Grant,
        stored: Option<&Secret>,
    ) -> Result<(Grant, bool), OpenError> {
        let keys = self.keyring.current();
        let lineage = &presented.lineage;
        let open = |sealed: Secret| -> Result<(Grant, Secret), OpenError> {
            let grant = open_stored(&keys, now, lineage, &sealed)?;
            Ok((grant, sealed))
        };
        let stored = stored.cloned().map(open).transpose()?;
        let remembered = match self.remembered(lineage) {
            None => None,
            Some((generation, sealed)) => match open(sealed) {
                // The key is gone that was newest then, and there is a newer one.
                Err(_) if stored.is_some() || presented.generation >= generation => None,
                opened => Some(opened?),
            },
        };
        let known = stored
            .into_iter()
            .chain(remembered)
            .max_by_key(|(grant, _)| grant.generation);
        let is_known = known.is_some();
        let generation = known.as_ref().map_or(0, |(grant, _)| grant.generation);
        let newest = match known {
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
            .and_then(|authid| self.seal(now, &grant.lineage, &authid));
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

    /// Keeps the newest AuthID of the claimed login, and lets others go on. When
    /// this returns it is in the store; or, if that did not work, in this process's
    /// memory, and it is tried again.
    pub(super) async fn keep(&self, now: UnixTime, claim: Claim, authid: &Secret, generation: u32) {
        let lineage = claim.grant.lineage;
        // Without a sealing key there is nothing to keep: no AuthID could be made.
        let Some(sealed) = self.seal(now, &lineage, authid) else {
            return claim.release().await;
        };
        self.remember(&lineage, generation, &sealed);
        let Some(shared) = &self.shared else {
            return;
        };
        let lease = claim.lease;
        if let Some(lease) = &lease
            && lease.settle(Some((&sealed, LIFETIME))).await == Ok(true)
        {
            return;
        }
        let unsaved = Unsaved {
            lineage,
            name: name(&lineage),
            generation,
            sealed,
        };
        self.saving
            .start(shared.clone(), self.keyring.clone(), lease, unsaved);
    }

    /// Forgets the login: it has been revoked.
    pub(super) async fn forget(&self, lineage: &Lineage) {
        self.memory.take(&name(lineage));
        if let Some(shared) = &self.shared {
            // What stays is a dead token, and goes with its time.
            let _ = shared.remove(&name(lineage)).await;
        }
    }

    /// Waits until everything is stored, for a while.
    pub(super) async fn saved(&self) {
        self.saving.finish().await;
    }

    fn seal(&self, now: UnixTime, lineage: &Lineage, authid: &Secret) -> Option<Secret> {
        seal_envelope(
            &self.keyring.current(),
            now,
            Purpose::Lineage,
            lineage.as_bytes(),
            authid.expose().as_bytes(),
        )
        .ok()
    }
}

/// Opens what is stored of a login.
pub(super) fn open_stored(
    keys: &KeySet,
    now: UnixTime,
    lineage: &Lineage,
    sealed: &Secret,
) -> Result<Grant, OpenError> {
    let context = lineage.as_bytes();
    let authid = open_envelope(keys, now, Purpose::Lineage, context, sealed.expose())?;
    let authid = std::str::from_utf8(&authid).map_err(|_| OpenError::Tampered)?;
    Ok(seal::open(keys, now, authid)?.grant)
}

fn name(lineage: &Lineage) -> Name {
    Name::new("lineage", lineage.as_bytes())
}
