//! Storing new refresh tokens and ending leases, again and again until the store has taken
//! it: the provider has already replaced the token, so the new one must not be lost.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::{known::stored_generation, lineages::LIFETIME};
use crate::{
    clock::Clock,
    keyring::Keyring,
    seal::Lineage,
    secret::Secret,
    store::{Lease, Name, Shared, StoreError},
    telemetry::Metrics,
};

/// Between two attempts: several fit into the time for which another server
/// waits for us once the store is back.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// Time that an attempt waits for another server.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bounds the memory that a store takes which stays away.
const MOST_AT_ONCE: usize = 10_000;
/// Time that the end of the process waits for a store that does not answer.
const LAST_CHANCE: Duration = Duration::from_secs(5);

/// The attempts under way.
#[derive(Clone, Debug)]
pub(super) struct Saving {
    tasks: TaskTracker,
    room: Arc<Semaphore>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// A lease that has to be ended, and the value to be stored with it.
#[derive(Debug)]
pub(super) struct Debt {
    pub(super) lineage: Lineage,
    pub(super) name: Name,
    /// The lease of the provider call, if it had one.
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) owed: Option<Owed>,
}

/// A sealed value that the store does not have yet.
#[derive(Debug)]
pub(super) enum Owed {
    /// The newest AuthID of a login.
    Newest { generation: u32, sealed: Secret },
    /// The mark of a login that was revoked at the provider, which is told to every
    /// server as well.
    Revoked { sealed: Secret },
}

impl Saving {
    pub(super) fn new(clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self {
            tasks: TaskTracker::new(),
            room: Arc::new(Semaphore::new(MOST_AT_ONCE)),
            clock,
            metrics,
        }
    }

    /// Pays at once, or, where the store does not take it, in a task that tries until it
    /// does.
    pub(super) async fn pay(&self, shared: &Shared, keyring: &Arc<Keyring>, debt: Debt) {
        let attempt = Attempt {
            shared: shared.clone(),
            keyring: keyring.clone(),
            clock: self.clock.clone(),
            debt,
        };
        if attempt.pay().await.is_ok() {
            return;
        }
        let lineage = attempt.debt.lineage.short_hash();
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            tracing::error!(lineage, "not stored: too much waits for the store already");
            return;
        };
        let counted = attempt.debt.owed.as_ref().map(|_| {
            tracing::warn!(lineage, "not stored yet: will try until it is");
            self.metrics.unsaved_authid()
        });
        self.tasks.spawn(attempt.repeat(counted, room));
    }

    /// Counts the attempts under way.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Waits until nothing is left, for a while; then says what is lost.
    pub(super) async fn finish(&self) {
        self.tasks.close();
        if tokio::time::timeout(LAST_CHANCE, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::error!(
                logins = self.len(),
                "the store does not answer: the newest refresh tokens of some logins are lost with \
                 this process"
            );
        }
        self.tasks.reopen();
    }
}

struct Attempt {
    shared: Shared,
    keyring: Arc<Keyring>,
    clock: Clock,
    debt: Debt,
}

impl Attempt {
    async fn repeat(self, counted: Option<crate::telemetry::Counted>, _room: OwnedSemaphorePermit) {
        while self.pay().await.is_err() {
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
        if counted.is_some() {
            let lineage = self.debt.lineage.short_hash();
            tracing::info!(lineage, "stored after all");
        }
    }

    async fn pay(&self) -> Result<(), StoreError> {
        self.settle().await?;
        if let Some(Owed::Revoked { .. }) = self.debt.owed {
            self.shared.tell_revoked(&self.debt.name).await?;
        }
        Ok(())
    }

    async fn settle(&self) -> Result<(), StoreError> {
        let owed = self.debt.owed.as_ref();
        let value = owed.map(|owed| (owed.sealed(), LIFETIME));
        if let Some(lease) = &self.debt.lease
            && lease.settle(value).await?
        {
            return Ok(());
        }
        let Some(owed) = owed else {
            // Another server has the turn already.
            return Ok(());
        };
        // Without a lease, or without it any more: others may have gone on meanwhile, and
        // may again while the store does not answer. So each attempt compares anew, under
        // a lease of its own.
        let lease = self.shared.lease(self.debt.name, PATIENCE).await?;
        let value = value.filter(|_| self.is_newer(owed, lease.value()));
        match lease.settle(value).await? {
            true => Ok(()),
            false => Err(StoreError::Lost),
        }
    }

    fn is_newer(&self, owed: &Owed, stored: Option<&Secret>) -> bool {
        let Some(stored) = stored else {
            return true;
        };
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let stored = stored_generation(&keys, now, &self.debt.lineage, stored);
        stored.is_some_and(|stored| stored < owed.generation())
    }
}

impl Owed {
    fn sealed(&self) -> &Secret {
        match self {
            Self::Newest { sealed, .. } | Self::Revoked { sealed } => sealed,
        }
    }

    /// Nothing comes after a revocation.
    fn generation(&self) -> u32 {
        match self {
            Self::Newest { generation, .. } => *generation,
            Self::Revoked { .. } => u32::MAX,
        }
    }
}
