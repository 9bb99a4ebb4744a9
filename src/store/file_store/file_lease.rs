//! Exclusive use of a name within the one process that has the folder.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use super::{Change, FileStore};
use crate::{
    secret::Secret,
    store::{Name, StoreError},
};

/// Names that are in use.
#[derive(Debug, Default)]
pub(super) struct BusyNames {
    // Locked to look and to change, never across an await.
    names: Mutex<HashSet<Name>>,
    freed: Notify,
}

/// The right to work on a name, and the value that was stored when it began. It ends when it
/// is settled or dropped.
#[derive(Debug)]
pub struct FileLease {
    store: FileStore,
    name: Name,
    value: Option<Secret>,
    /// True if the file says that the token was sent.
    is_marked: AtomicBool,
    /// Locked while the lease is settled. True once it was.
    is_over: tokio::sync::Mutex<bool>,
}

impl FileStore {
    /// Takes the lease on a name. Waits for another task of this process at most for
    /// `patience`, and not at all while the file cannot be used.
    pub(in crate::store) async fn lease(
        &self,
        name: Name,
        patience: Duration,
    ) -> Result<FileLease, StoreError> {
        let failure = self.change_failure().clone();
        let patience = match &failure {
            None => patience,
            Some(_) => Duration::ZERO,
        };
        let mut lease = match self.inner.busy.take(name, patience).await {
            true => FileLease {
                store: self.clone(),
                name,
                value: None,
                is_marked: AtomicBool::new(false),
                is_over: tokio::sync::Mutex::new(false),
            },
            // The other one tries to store what the file does not take.
            false => return Err(failure.unwrap_or(StoreError::Held)),
        };
        let stored = self.login(name).await?;
        if stored.was_sent {
            self.note_takeover();
            *lease.is_marked.get_mut() = true;
        }
        lease.value = stored.value;
        Ok(lease)
    }

    fn note_takeover(&self) {
        tracing::warn!(
            "a refresh of this login was not finished when authseal ended last, and the login goes \
             on; if the provider had answered it, that login is lost"
        );
        self.inner.availability.metrics.lease_taken_over();
    }
}

impl FileLease {
    pub(in crate::store) fn value(&self) -> Option<&Secret> {
        self.value.as_ref()
    }

    /// Writes that the token is about to be sent. So a token is sent only if the disk takes
    /// what follows: one that is full or read-only says so before the provider replaces the
    /// token.
    pub(in crate::store) async fn mark_sent(&self) -> Result<(), StoreError> {
        if *self.is_over.lock().await {
            return Err(StoreError::Lost);
        }
        // Before the answer: the mark may be written although it is late.
        self.is_marked.store(true, Ordering::Relaxed);
        self.store.change(Change::MarkSent(self.name)).await?;
        Ok(())
    }

    /// Stores a new value, if there is one, and ends the lease. Returns `false` if it has
    /// ended before; then nothing was stored.
    pub(in crate::store) async fn settle(
        &self,
        new_value: Option<(&Secret, Duration)>,
    ) -> Result<bool, StoreError> {
        let mut is_over = self.is_over.lock().await;
        if *is_over {
            return Ok(false);
        }
        if new_value.is_some() || self.is_marked.load(Ordering::Relaxed) {
            let new_value = new_value.map(|(value, lifetime)| (value.clone(), lifetime));
            let settled = Change::Settle(self.name, new_value);
            self.store.change(settled).await?;
        }
        *is_over = true;
        self.store.inner.busy.free(&self.name);
        Ok(true)
    }
}

impl Drop for FileLease {
    fn drop(&mut self) {
        if !*self.is_over.get_mut() {
            self.store.inner.busy.free(&self.name);
        }
    }
}

impl BusyNames {
    /// Returns `false` if the name did not become free within `patience`.
    async fn take(&self, name: Name, patience: Duration) -> bool {
        let taking = async {
            loop {
                let mut freed = std::pin::pin!(self.freed.notified());
                freed.as_mut().enable();
                if self.names().insert(name) {
                    return;
                }
                freed.await;
            }
        };
        timeout(patience, taking).await.is_ok()
    }

    fn free(&self, name: &Name) {
        self.names().remove(name);
        self.freed.notify_waiters();
    }

    fn names(&self) -> std::sync::MutexGuard<'_, HashSet<Name>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
