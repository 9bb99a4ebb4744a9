//! The newest refresh token of each login whose provider replaces refresh tokens.
//!
//! Stock Duplicati starts every job with the AuthID in its settings, generation 0. If it
//! gets access tokens of the newest generation, no used token is sent again, and a sliding
//! login does not expire with its first token.

use std::{sync::Arc, time::Duration};

use super::{
    AuthIdReader,
    login_memory::LoginMemory,
    login_state::{LoginState, REVOKED, name},
    newest_grant::NoGrant,
    store_writer::{NewState, PendingWrite, StoreWriter},
};
use crate::{
    clock::UnixTime,
    seal::{Grant, Lineage},
    secret::Secret,
    store::{Lease, LoginStore, Memory},
};

/// The newest refresh tokens, in the memory of this process and in the store.
#[derive(Debug)]
pub(super) struct Lineages {
    started_at: UnixTime,
    pub(super) memory: LoginMemory,
    /// `None` without a store.
    writer: Option<StoreWriter>,
}

/// The newest known grant of a login, and the lease that keeps other servers from using it.
#[derive(Debug)]
pub(super) struct LeasedGrant {
    pub(super) grant: Arc<Grant>,
    /// True if memory or the store had a state of this login.
    pub(super) is_known: bool,
    /// True if no server can know a newer grant: the store was asked, or there is none.
    pub(super) is_newest: bool,
    /// `None` without a store, for a stable token, and for a sliding one while the store is
    /// away.
    pub(super) lease: Option<Arc<Lease>>,
}

impl LeasedGrant {
    pub(super) fn without_lease(grant: Arc<Grant>, is_newest: bool) -> Self {
        Self {
            grant,
            is_known: false,
            is_newest,
            lease: None,
        }
    }

    /// Does the work, and keeps the lease until it ends.
    pub(super) async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        match &self.lease {
            Some(lease) => Box::pin(lease.hold(work)).await,
            None => work.await,
        }
    }
}

impl Lineages {
    pub(super) fn new(authids: &AuthIdReader, memory: Memory, store: Option<LoginStore>) -> Self {
        let (keyring, clock) = (&authids.keyring, &authids.clock);
        let metrics = authids.metrics.clone();
        let writer = |store| StoreWriter::new(store, keyring.clone(), clock.clone(), metrics);
        Self {
            writer: store.map(writer),
            memory: LoginMemory::new(memory, keyring.clone(), clock.clone()),
            started_at: clock.now(),
        }
    }

    /// Returns the store; `None` if there is none.
    pub(super) fn store(&self) -> Option<&LoginStore> {
        self.writer.as_ref().map(|writer| &writer.store)
    }

    /// Takes the lease on the login of the presented grant, and finds its newest grant.
    /// Another server that has the lease is waited for, at most for `patience`.
    pub(super) async fn lease(
        &self,
        presented: &Grant,
        patience: Duration,
    ) -> Result<LeasedGrant, NoGrant> {
        let lease = match self.store() {
            Some(store) => {
                let lease = store.lease(name(&presented.lineage), patience).await;
                let lease = lease.map_err(|error| NoGrant::Unknown(error.into()))?;
                Some(Arc::new(lease))
            }
            None => None,
        };
        let stored = lease.as_ref().and_then(|lease| lease.value());
        match self.memory.newest_of(presented, stored) {
            Ok((grant, is_known)) => Ok(LeasedGrant {
                grant: Arc::new(grant),
                is_known,
                is_newest: true,
                lease,
            }),
            Err(error) => {
                self.write(&presented.lineage, lease, None).await;
                Err(error)
            }
        }
    }

    /// Returns the newest grant that this process knows, without a lease: good enough where
    /// older tokens stay good.
    pub(super) fn newest_in_memory(&self, presented: Arc<Grant>) -> LeasedGrant {
        let newest = self.memory.newest_of(&presented, None);
        let is_newest = self.writer.is_none();
        let grant = newest.map_or(presented, |(grant, _)| Arc::new(grant));
        LeasedGrant::without_lease(grant, is_newest)
    }

    /// Returns the newest known state of the login, and changes nothing.
    pub(super) async fn known(&self, presented: &Grant) -> Result<Option<LoginState>, NoGrant> {
        let stored = match self.store() {
            Some(store) => {
                let stored = store.get(&name(&presented.lineage)).await;
                stored.map_err(|error| NoGrant::Unknown(error.into()))?
            }
            None => None,
        };
        self.memory.known(presented, stored.as_ref())
    }

    /// True if a newer grant than the presented one is known here or in the store.
    pub(super) async fn have_newer_than(&self, presented: &Grant) -> bool {
        let stored = match self.store() {
            Some(store) => store.get(&name(&presented.lineage)).await.ok().flatten(),
            None => None,
        };
        let newest = self.memory.newest_of(presented, stored.as_ref());
        newest.is_ok_and(|(grant, _)| grant.generation > presented.generation)
    }

    /// True if a process that ended may have had a newer token of the login: one that this
    /// process had used would still be in its memory.
    pub(super) fn may_have_forgotten(&self, leased: &LeasedGrant, presented: &Grant) -> bool {
        !leased.is_known
            && self.writer.is_none()
            && self.memory.is_complete()
            && presented.issued_at < self.started_at
    }

    /// Stores the newest AuthID of the leased login and ends the lease. If the store does
    /// not take it, it is in this process's memory, and the write is repeated.
    pub(super) async fn store_newest(&self, leased: LeasedGrant, authid: &Secret, generation: u32) {
        self.put(leased, authid.expose(), generation, false).await;
    }

    /// Marks the leased login as revoked at the provider, here and in the store, and ends
    /// the lease. No token of it is sent any more, and every server drops its cached access
    /// token.
    pub(super) async fn store_revoked(&self, leased: LeasedGrant) {
        self.memory.mark_revoked(&name(&leased.grant.lineage));
        self.put(leased, REVOKED, u32::MAX, true).await;
    }

    async fn put(&self, leased: LeasedGrant, text: &str, generation: u32, is_revocation: bool) {
        let lineage = leased.grant.lineage;
        let Some(sealed) = self.memory.put(&lineage, generation, text) else {
            // No key seals, so there is nothing to store.
            return self.release(leased).await;
        };
        let value = NewState {
            generation,
            sealed,
            is_revocation,
        };
        self.write(&lineage, leased.lease, Some(value)).await;
    }

    /// Ends the lease without a new value.
    pub(super) async fn release(&self, leased: LeasedGrant) {
        self.write(&leased.grant.lineage, leased.lease, None).await;
    }

    async fn write(&self, lineage: &Lineage, lease: Option<Arc<Lease>>, value: Option<NewState>) {
        let Some(writer) = &self.writer else {
            return;
        };
        if lease.is_none() && value.is_none() {
            return;
        }
        let write = PendingWrite {
            lineage: *lineage,
            lease,
            value,
        };
        // Boxed: most calls do without the store.
        Box::pin(writer.write(write)).await;
    }

    /// Announces to every server that this provider replaces refresh tokens. If that fails,
    /// `refresh/news.rs` announces it again.
    pub(super) async fn tell_rotating(&self, provider: &str) {
        if let Some(store) = self.store() {
            // The store logs its failures.
            let _ = store.tell_rotating(provider).await;
        }
    }

    /// Waits until everything is stored, for a limited time.
    pub(super) async fn saved(&self) {
        if let Some(writer) = &self.writer {
            writer.finish().await;
        }
    }

    /// Counts the logins whose state is not in the store yet.
    pub(super) fn unsaved(&self) -> usize {
        self.writer.as_ref().map_or(0, StoreWriter::waiting)
    }
}
