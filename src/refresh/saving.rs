//! Storing what could not be stored at once: the provider has already replaced the
//! token, so it must not be lost.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::lineages::{LIFETIME, open_stored};
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
/// How long an attempt waits for another server.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bounds the memory that a store takes which stays away.
const MOST_AT_ONCE: usize = 10_000;
/// How long the end of the process waits for a store that does not answer.
const LAST_CHANCE: Duration = Duration::from_secs(5);

/// The attempts under way.
#[derive(Clone, Debug)]
pub(super) struct Saving {
    tasks: TaskTracker,
    room: Arc<Semaphore>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// The newest AuthID of a login, which the store does not have.
#[derive(Debug)]
pub(super) struct Unsaved {
    pub(super) lineage: Lineage,
    pub(super) name: Name,
    pub(super) generation: u32,
    /// As it is to be stored.
    pub(super) sealed: Secret,
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

    /// Tries until it is stored, in a task of its own.
    pub(super) fn start(
        &self,
        shared: Shared,
        keyring: Arc<Keyring>,
        lease: Option<Lease>,
        unsaved: Unsaved,
    ) {
        let lineage = unsaved.lineage.short_hash();
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            tracing::error!(lineage, "not stored: too much waits for the store already");
            return;
        };
        tracing::warn!(lineage, "not stored yet: will try until it is");
        let attempt = Attempt {
            shared,
            keyring,
            clock: self.clock.clone(),
            lease,
            unsaved,
            _counted: self.metrics.unsaved_authid(),
            _room: room,
        };
        self.tasks.spawn(attempt.repeat());
    }

    /// Waits until nothing is left, for a while; then says what is lost.
    pub(super) async fn finish(&self) {
        self.tasks.close();
        if tokio::time::timeout(LAST_CHANCE, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::error!(
                logins = self.tasks.len(),
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
    /// Under which the provider was asked, as far as it is not lost.
    lease: Option<Lease>,
    unsaved: Unsaved,
    _counted: crate::telemetry::Unsaved,
    _room: OwnedSemaphorePermit,
}

impl Attempt {
    async fn repeat(mut self) {
        while self.save().await.is_err() {
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
        let lineage = self.unsaved.lineage.short_hash();
        tracing::info!(lineage, "stored after all");
    }

    async fn save(&mut self) -> Result<(), StoreError> {
        let Unsaved { name, sealed, .. } = &self.unsaved;
        if let Some(lease) = &self.lease
            && lease.settle(Some((sealed, LIFETIME))).await?
        {
            return Ok(());
        }
        // Without a lease, or taken for dead: others may have gone on meanwhile.
        let lease = self.lease.insert(self.shared.lease(*name, PATIENCE).await?);
        let is_newer = match lease.value() {
            None => true,
            Some(stored) => self
                .unsaved
                .is_newer_than(stored, &self.keyring, &self.clock),
        };
        let value = is_newer.then_some((sealed, LIFETIME));
        lease.settle(value).await.map(|_| ())
    }
}

impl Unsaved {
    /// What does not open here is another server's, under a newer key.
    fn is_newer_than(&self, stored: &Secret, keyring: &Keyring, clock: &Clock) -> bool {
        let stored = open_stored(&keyring.current(), clock.now(), &self.lineage, stored);
        stored.is_ok_and(|stored| stored.generation < self.generation)
    }
}
