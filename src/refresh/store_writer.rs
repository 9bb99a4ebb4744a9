//! Writes to the store that are repeated until the store has taken them: the provider has
//! already replaced the refresh token, so the new one must not be lost.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::task::TaskTracker;

use super::login_state::{name, open_state};
use crate::{
    clock::Clock,
    keyring::Keyring,
    seal::Lineage,
    secret::Secret,
    store::{LOGIN_LIFETIME, Lease, LoginStore, StoreError},
    telemetry::Metrics,
};

/// Pause between two attempts. Several fit into the time for which another server waits
/// for this one once the store is back.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// Time that an attempt waits for another server.
const PATIENCE: Duration = Duration::from_secs(15);
/// Limit of waiting writes, which bounds their memory while the store is away.
const MAX_WAITING: usize = 10_000;
/// Time that the end of the process waits for a store that does not answer.
const LAST_CHANCE: Duration = Duration::from_secs(5);

/// Writes the states of logins to the store.
#[derive(Clone, Debug)]
pub(super) struct StoreWriter {
    pub(super) store: LoginStore,
    keyring: Arc<Keyring>,
    clock: Clock,
    metrics: Arc<Metrics>,
    waiting: TaskTracker,
    room: Arc<Semaphore>,
}

/// A write to the store: it stores a value, if there is one, and ends the lease.
#[derive(Debug)]
pub(super) struct PendingWrite {
    pub(super) lineage: Lineage,
    /// The lease of the provider call, if it had one.
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) value: Option<NewState>,
}

/// A sealed state of a login that the store does not have yet.
#[derive(Debug)]
pub(super) struct NewState {
    /// [`u32::MAX`] for a revocation: nothing replaces it.
    pub(super) generation: u32,
    pub(super) sealed: Secret,
    /// True for a revocation at the provider, which is announced to every server too.
    pub(super) is_revocation: bool,
}

impl StoreWriter {
    pub(super) fn new(
        store: LoginStore,
        keyring: Arc<Keyring>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            store,
            keyring,
            clock,
            metrics,
            waiting: TaskTracker::new(),
            room: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }

    /// Writes at once. If that fails, a task repeats it until the store has taken it.
    pub(super) async fn write(&self, write: PendingWrite) {
        if self.attempt(&write).await.is_ok() {
            return;
        }
        let lineage = write.lineage.short_hash();
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            tracing::error!(lineage, "not stored: too much waits for the store already");
            return;
        };
        let counted = write.value.as_ref().map(|_| {
            tracing::warn!(lineage, "not stored yet: will try until it is");
            self.metrics.unsaved_authid()
        });
        let writer = self.clone();
        self.waiting.spawn(async move {
            let _room = room;
            while writer.attempt(&write).await.is_err() {
                sleep(RETRY_INTERVAL).await;
            }
            if counted.is_some() {
                let lineage = write.lineage.short_hash();
                tracing::info!(lineage, "stored after all");
            }
        });
    }

    /// Counts the writes that wait for the store.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Waits until no write is left, at most for [`LAST_CHANCE`]; then logs the loss.
    pub(super) async fn finish(&self) {
        self.waiting.close();
        let written = timeout(LAST_CHANCE, self.waiting.wait());
        if written.await.is_err() {
            tracing::error!(
                logins = self.waiting(),
                "the store does not answer: the newest refresh tokens of some logins are lost with \
                 this process"
            );
        }
        self.waiting.reopen();
    }

    async fn attempt(&self, write: &PendingWrite) -> Result<(), StoreError> {
        self.settle(write).await?;
        if write.value.as_ref().is_some_and(|new| new.is_revocation) {
            self.store.tell_revoked(&name(&write.lineage)).await?;
        }
        Ok(())
    }

    async fn settle(&self, write: &PendingWrite) -> Result<(), StoreError> {
        let value = write
            .value
            .as_ref()
            .map(|new| (&new.sealed, LOGIN_LIFETIME));
        if let Some(lease) = &write.lease
            && lease.settle(value).await?
        {
            return Ok(());
        }
        let Some(new) = &write.value else {
            // Another server has the turn already.
            return Ok(());
        };
        // The call's lease is lost, or there was none: other servers may have gone on, and
        // may do so again between two attempts. So each attempt takes a lease of its own
        // and compares with the stored generation.
        let lease = self.store.lease(name(&write.lineage), PATIENCE).await?;
        let is_newer = match lease.value() {
            Some(stored) => self.is_newer(new, &write.lineage, stored),
            None => true,
        };
        match lease.settle(value.filter(|_| is_newer)).await? {
            true => Ok(()),
            false => Err(StoreError::Lost),
        }
    }

    /// A stored state that does not open here stays: another server sealed it under a newer
    /// key.
    fn is_newer(&self, new: &NewState, lineage: &Lineage, stored: &Secret) -> bool {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let stored = open_state(&keys, now, lineage, stored.clone());
        stored.is_ok_and(|stored| stored.generation() < new.generation)
    }
}
