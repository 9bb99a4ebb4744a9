//! The slot of one connection: waiting for a request or answering one, and since when.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::{Connections, Limits};

/// Limit of cancelled requests on one connection, less the answered ones: as many as a
/// browser may have in progress when its tab is closed.
const MAX_CANCELLED: u32 = 100;

/// The state of one connection, which its requests update.
#[derive(Debug)]
pub(super) struct Slot {
    connections: Arc<Connections>,
    /// Number of requests that are being answered; HTTP/2 may have several.
    answering: AtomicU32,
    pub(super) had_request: AtomicBool,
    /// Milliseconds since the epoch of [`Connections`].
    pub(super) waiting_since: AtomicU64,
    /// Number of cancelled requests, less the answered ones, never below zero.
    cancelled: AtomicU32,
    /// Bytes of requests whose bodies are not complete yet.
    pub(super) unfinished: AtomicU32,
    // One for each connection: a shared one would be locked for every request.
    pub(super) displaced: Notify,
    pub(super) draining: Notify,
}

impl Slot {
    /// Creates the slot of a connection that waits for its first request.
    pub(super) fn new(connections: Arc<Connections>) -> Self {
        Self {
            answering: AtomicU32::new(0),
            had_request: AtomicBool::new(false),
            waiting_since: AtomicU64::new(connections.now()),
            cancelled: AtomicU32::new(0),
            unfinished: AtomicU32::new(0),
            displaced: Notify::new(),
            draining: Notify::new(),
            connections,
        }
    }

    pub(super) fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed) > 0
    }

    /// Reserves memory for `bytes` bytes of an incomplete request. If there is not
    /// enough, the waiting connection with the most such bytes is closed. Bytes that
    /// still wait for their permits count too: they are in memory already.
    pub(super) async fn reserve(self: &Arc<Self>, bytes: u32) -> ReservedMemory {
        self.unfinished.fetch_add(bytes, Ordering::Relaxed);
        let mut reserved = ReservedMemory {
            slot: self.clone(),
            bytes,
            permits: None,
        };
        let free = &self.connections.unfinished;
        if free.available_permits() < bytes as usize {
            self.connections.displace_largest();
        }
        reserved.permits = free.clone().acquire_many_owned(bytes).await.ok();
        reserved
    }

    /// Counts a new request. If the returned guard is dropped before
    /// [`RequestGuard::answered`], the client has cancelled the request (HTTP/2
    /// RST_STREAM). A connection that does so again and again is closed: a cancelled
    /// request costs the server more than the client (CVE-2023-44487).
    pub(super) fn request(&self) -> RequestGuard<'_> {
        RequestGuard {
            slot: self,
            is_answered: false,
        }
    }

    /// Marks a request as completely received and being answered, until the guard is
    /// dropped.
    pub(super) fn response(&self) -> ResponseGuard<'_> {
        self.answering.fetch_add(1, Ordering::Relaxed);
        ResponseGuard(self)
    }
}

/// The guard of an open connection, which gives its slot up on drop.
#[derive(Debug)]
pub(super) struct SlotGuard {
    pub(super) slot: Arc<Slot>,
    /// Index of the slot in [`Connections`].
    pub(super) index: usize,
}

impl SlotGuard {
    /// Returns when the connection must be closed: because it was displaced, or because
    /// it has waited too long.
    pub(super) async fn must_close(&self) {
        let limit = |slot: &Slot, limits: &Limits| match slot.had_request.load(Ordering::Relaxed) {
            true => limits.idle,
            false => limits.first_head,
        };
        tokio::select! {
            () = self.slot.displaced.notified() => {}
            () = self.waited(limit) => {
                self.slot.connections.metrics.timed_out.inc();
            }
        }
    }

    /// Returns when the server shuts down.
    pub(super) async fn draining(&self) {
        self.slot.draining.notified().await;
    }

    /// Returns when the connection has waited for `limit`.
    pub(super) async fn has_waited(&self, limit: Duration) {
        self.waited(|_, _| limit).await;
    }

    async fn waited(&self, limit: impl Fn(&Slot, &Limits) -> Duration) {
        let limits = &self.slot.connections.limits;
        // The limit may be another one after the first request, so check again.
        let check_again = limits.first_head.min(limits.idle);
        loop {
            let limit = limit(&self.slot, limits);
            let left = match self.slot.is_answering() {
                true => limit,
                false => limit.saturating_sub(self.waiting_for()),
            };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(check_again)).await;
        }
    }

    fn waiting_for(&self) -> Duration {
        let since = self.slot.waiting_since.load(Ordering::Relaxed);
        Duration::from_millis(self.slot.connections.now().saturating_sub(since))
    }
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        self.slot.connections.remove(&self.slot, self.index);
    }
}

/// The guard of a request that was received at least in part.
#[derive(Debug)]
pub(super) struct RequestGuard<'a> {
    slot: &'a Slot,
    is_answered: bool,
}

impl RequestGuard<'_> {
    /// Marks the request as answered.
    pub(super) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for RequestGuard<'_> {
    fn drop(&mut self) {
        let cancelled = &self.slot.cancelled;
        let change = |count: u32| match self.is_answered {
            true => count.checked_sub(1),
            false => count.checked_add(1),
        };
        let before = cancelled.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
        if !self.is_answered && before.unwrap_or(u32::MAX) >= MAX_CANCELLED {
            tracing::debug!("a connection is closed: it cancels most of its requests");
            self.slot.displaced.notify_one();
        }
    }
}

/// Memory of a part of a request, released on drop.
#[derive(Debug)]
pub(super) struct ReservedMemory {
    slot: Arc<Slot>,
    bytes: u32,
    permits: Option<OwnedSemaphorePermit>,
}

impl Drop for ReservedMemory {
    fn drop(&mut self) {
        self.permits.take();
        self.slot
            .unfinished
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The guard of a request that is being answered.
#[derive(Debug)]
pub(super) struct ResponseGuard<'a>(&'a Slot);

impl ResponseGuard<'_> {
    /// True if the server shuts down.
    pub(super) fn is_draining(&self) -> bool {
        self.0.connections.draining.load(Ordering::Relaxed)
    }
}

impl Drop for ResponseGuard<'_> {
    fn drop(&mut self) {
        let now = self.0.connections.now();
        self.0.waiting_since.store(now, Ordering::Relaxed);
        self.0.had_request.store(true, Ordering::Relaxed);
        self.0.answering.fetch_sub(1, Ordering::Release);
    }
}
