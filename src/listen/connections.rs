//! The limit of open connections, and the choice of connections to close when it is
//! reached.
//!
//! A connection is either answering a request that was received completely, which
//! handlers limit in time, or waiting: for a TLS handshake, for the rest of a request, or
//! for the next request. A connection that waits too long is closed. When the limit is
//! reached, a new connection displaces the one that has waited longest, either among
//! those that have had a response or among those that have not, whichever group is
//! larger. So an attacker who holds thousands of connections displaces their own, and
//! neither new clients nor clients with an idle connection lose theirs.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use slab::Slab;
use tokio::sync::Semaphore;

use super::slot::{Slot, SlotGuard};
use crate::{clock::Stopwatch, telemetry::ConnectionMetrics};

/// Limits of one server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Maximum of open connections.
    pub connections: usize,
    /// Timeout of the first request's head, TLS handshake included.
    pub first_head: Duration,
    /// Timeout of an idle connection between two requests. It is longer than the
    /// keep-alive timeout of proxies (nginx 60 s, Traefik 90 s, Caddy 120 s), so that no
    /// proxy sends a request into a connection that has just been closed.
    pub idle: Duration,
    /// Maximum of memory, in bytes, for all requests together whose bodies are not
    /// complete yet. One connection can have many such requests (HTTP/2).
    pub unfinished_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2000,
            first_head: Duration::from_secs(15),
            idle: Duration::from_secs(150),
            unfinished_bytes: 32 * 1024 * 1024,
        }
    }
}

/// The open connections of one server.
#[derive(Debug)]
pub struct Connections {
    pub(super) limits: Limits,
    pub(super) metrics: ConnectionMetrics,
    /// Zero of the millisecond times that slots hold.
    epoch: Stopwatch,
    /// One permit for each byte of `Limits::unfinished_bytes`.
    pub(super) unfinished: Arc<Semaphore>,
    pub(super) draining: AtomicBool,
    // Locked to add, remove and choose a connection, never across an await.
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    taken: Slab<Arc<Slot>>,
    /// Number of displaced connections that have not closed their sockets yet.
    closing: usize,
}

/// Maximum of connections above the limit, while displaced ones close.
const MAX_CLOSING: usize = 64;

impl Connections {
    /// Creates an empty set of connections.
    pub fn new(limits: Limits, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self {
            unfinished: Arc::new(Semaphore::new(limits.unfinished_bytes as usize)),
            limits,
            metrics,
            epoch: Stopwatch::start(),
            draining: AtomicBool::new(false),
            slots: Mutex::default(),
        })
    }

    /// Returns a slot for a new connection, displacing another one if the limit is
    /// reached. `None` if no connection can be displaced now: try again soon.
    pub(super) fn admit(self: &Arc<Self>) -> Option<SlotGuard> {
        let mut slots = self.slots();
        if slots.taken.len() >= self.limits.connections {
            self.displace_one(&mut slots)?;
        }
        let slot = Arc::new(Slot::new(self.clone()));
        if self.draining.load(Ordering::Relaxed) {
            slot.draining.notify_one();
        }
        let index = slots.taken.insert(slot.clone());
        self.metrics.open.inc();
        Some(SlotGuard { slot, index })
    }

    /// Removes a connection that has closed its socket.
    pub(super) fn remove(&self, slot: &Arc<Slot>, index: usize) {
        let mut slots = self.slots();
        // The slot of a displaced connection may be taken by another one by now.
        let taken = slots.taken.get(index);
        if taken.is_some_and(|taken| Arc::ptr_eq(taken, slot)) {
            slots.taken.remove(index);
            self.metrics.open.dec();
        } else {
            slots.closing -= 1;
        }
    }

    /// Closes one waiting connection to free its file descriptor.
    pub(super) fn free_descriptor(&self) {
        self.displace_one(&mut self.slots());
    }

    /// Tells every connection that the server shuts down and accepts no more connections.
    pub(super) fn drain(&self) {
        let slots = self.slots();
        self.draining.store(true, Ordering::Relaxed);
        for (_, slot) in &slots.taken {
            slot.draining.notify_one();
        }
    }

    /// Closes every connection at once, even while it answers a request.
    pub(super) fn close_all(&self) {
        for (_, slot) in &self.slots().taken {
            slot.displaced.notify_one();
        }
    }

    /// Closes the connection that has waited longest in the larger group. Returns `None`
    /// if no connection waits, or too many displaced ones are still open.
    fn displace_one(&self, slots: &mut Slots) -> Option<()> {
        if slots.closing >= MAX_CLOSING {
            return None;
        }
        // Number of waiting connections in each of the two groups, and the one that has
        // waited longest.
        let mut groups: [(usize, Option<(u64, usize)>); 2] = Default::default();
        for (index, slot) in slots.taken.iter().filter(|(_, slot)| !slot.is_answering()) {
            let since = slot.waiting_since.load(Ordering::Relaxed);
            let (count, first) = &mut groups[usize::from(slot.had_request.load(Ordering::Relaxed))];
            *count += 1;
            *first = Some(first.map_or((since, index), |first| first.min((since, index))));
        }
        let (_, first) = groups.into_iter().max_by_key(|(count, _)| *count)?;
        let (_, index) = first?;
        self.displace(slots, index);
        Some(())
    }

    /// Closes the waiting connection whose incomplete requests take the most memory, if
    /// there is one.
    pub(super) fn displace_largest(&self) {
        let mut slots = self.slots();
        let sizes = slots.taken.iter().map(|(index, slot)| {
            let waits = !slot.is_answering();
            (waits, slot.unfinished.load(Ordering::Relaxed), index)
        });
        let largest = sizes.filter(|(waits, bytes, _)| *waits && *bytes > 0).max();
        if let Some((_, _, index)) = largest {
            self.displace(&mut slots, index);
        }
    }

    fn displace(&self, slots: &mut Slots, index: usize) {
        slots.taken.remove(index).displaced.notify_one();
        slots.closing += 1;
        self.metrics.open.dec();
        self.metrics.displaced.inc();
    }

    /// Returns the milliseconds since `epoch`.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots
            .lock()
            .expect("nothing panics while holding the lock")
    }
}
