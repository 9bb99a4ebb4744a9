//! The state of one connection: waiting or answering, and since when.

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
const MOST_CANCELLED: u32 = 100;

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Seat {
    /// Number of requests that are being answered; HTTP/2 may have several.
    answering: AtomicU32,
    pub(super) has_asked: AtomicBool,
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

impl Seat {
    /// Creates the state of a connection that waits for its first request.
    pub(super) fn new(now: u64) -> Self {
        Self {
            answering: AtomicU32::new(0),
            has_asked: AtomicBool::new(false),
            waiting_since: AtomicU64::new(now),
            cancelled: AtomicU32::new(0),
            unfinished: AtomicU32::new(0),
            displaced: Notify::new(),
            draining: Notify::new(),
        }
    }

    pub(super) fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed) > 0
    }
}

/// The seat of one connection, which is given up on drop.
#[derive(Debug)]
pub(super) struct Seated {
    pub(super) connections: Arc<Connections>,
    pub(super) seat: Arc<Seat>,
    pub(super) place: usize,
}

impl Seated {
    /// Returns the handle that the requests of this connection share.
    pub(super) fn asking(&self) -> Asking {
        Asking {
            connections: self.connections.clone(),
            seat: self.seat.clone(),
        }
    }

    /// Returns when the connection must be closed: because it was displaced, or because
    /// it has waited too long.
    pub(super) async fn must_leave(&self) {
        let limit = |seat: &Seat, limits: &Limits| match seat.has_asked.load(Ordering::Relaxed) {
            true => limits.idle,
            false => limits.first_head,
        };
        tokio::select! {
            () = self.seat.displaced.notified() => {}
            () = self.waited(limit) => {
                self.connections.metrics.timed_out.inc();
            }
        }
    }

    /// Returns when the server shuts down.
    pub(super) async fn draining(&self) {
        self.seat.draining.notified().await;
    }

    /// Returns when the connection has waited for `limit`.
    pub(super) async fn has_waited(&self, limit: Duration) {
        self.waited(|_, _| limit).await;
    }

    async fn waited(&self, limit: impl Fn(&Seat, &Limits) -> Duration) {
        let limits = &self.connections.limits;
        // The limit may be another one after the first request, so check again.
        let look_again = limits.first_head.min(limits.idle);
        loop {
            let limit = limit(&self.seat, limits);
            let left = match self.seat.is_answering() {
                true => limit,
                false => limit.saturating_sub(self.waiting_for()),
            };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(look_again)).await;
        }
    }

    fn waiting_for(&self) -> Duration {
        let since = self.seat.waiting_since.load(Ordering::Relaxed);
        Duration::from_millis(self.connections.now().saturating_sub(since))
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.connections.leave(&self.seat, self.place);
    }
}

/// The handle by which requests of one connection update its state.
#[derive(Debug)]
pub(super) struct Asking {
    connections: Arc<Connections>,
    seat: Arc<Seat>,
}

impl Asking {
    /// Reserves memory for `bytes` bytes of an incomplete request. If there is not
    /// enough, the waiting connection with the most such bytes is closed. Bytes that
    /// still wait for their permits count too: they are in memory already.
    pub(super) async fn room_for(&self, bytes: u32) -> Unfinished {
        self.seat.unfinished.fetch_add(bytes, Ordering::Relaxed);
        let mut unfinished = Unfinished {
            seat: self.seat.clone(),
            bytes,
            permits: None,
        };
        let room = &self.connections.unfinished;
        if room.available_permits() < bytes as usize {
            self.connections.displace_holder();
        }
        unfinished.permits = room.clone().acquire_many_owned(bytes).await.ok();
        unfinished
    }

    /// Counts a new request. If the returned guard is dropped before [`Asked::answered`],
    /// the client has cancelled the request (HTTP/2 RST_STREAM). A connection that does
    /// so again and again is closed: a cancelled request costs the server more than the
    /// client (CVE-2023-44487).
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            seat: &self.seat,
            is_answered: false,
        }
    }

    /// Marks a request as completely received and being answered, until the guard is
    /// dropped.
    pub(super) fn answering(&self) -> Answering<'_> {
        self.seat.answering.fetch_add(1, Ordering::Relaxed);
        Answering(self)
    }
}

/// The guard of a received request.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    seat: &'a Seat,
    is_answered: bool,
}

impl Asked<'_> {
    /// Marks the request as answered.
    pub(super) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let cancelled = &self.seat.cancelled;
        let change = |count: u32| match self.is_answered {
            true => count.checked_sub(1),
            false => count.checked_add(1),
        };
        let before = cancelled.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
        if !self.is_answered && before.unwrap_or(u32::MAX) >= MOST_CANCELLED {
            tracing::debug!("a connection is closed: it cancels most of what it asks for");
            self.seat.displaced.notify_one();
        }
    }
}

/// The memory of a part of a request, released on drop.
#[derive(Debug)]
pub(super) struct Unfinished {
    seat: Arc<Seat>,
    bytes: u32,
    permits: Option<OwnedSemaphorePermit>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.permits.take();
        self.seat
            .unfinished
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The guard of a request that is being answered.
#[derive(Debug)]
pub(super) struct Answering<'a>(&'a Asking);

impl Answering<'_> {
    /// True if the server shuts down.
    pub(super) fn is_draining(&self) -> bool {
        self.0.connections.draining.load(Ordering::Relaxed)
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        let Asking { connections, seat } = self.0;
        seat.waiting_since
            .store(connections.now(), Ordering::Relaxed);
        seat.has_asked.store(true, Ordering::Relaxed);
        seat.answering.fetch_sub(1, Ordering::Release);
    }
}
