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
//!
//! While all connections are answering, a few above the limit are accepted, and their
//! requests are answered at once: the server is overloaded.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
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
    /// Maximum of displaced connections that have not closed their sockets yet, and of
    /// connections above the limit that get a response without a handler.
    pub spare: usize,
    /// Timeout of the first request's head, TLS handshake included.
    pub first_head: Duration,
    /// Timeout of an idle connection between two requests. It is longer than the
    /// keep-alive timeout of proxies (nginx 60 s, Traefik 90 s, Caddy 120 s), so that no
    /// proxy sends a request into a connection that has just been closed.
    pub idle: Duration,
    /// Timeout of a body. Also the time for which the rest of a request is awaited when
    /// the idle time is over or the server shuts down.
    pub rest_of_request: Duration,
    /// Idle time after which a connection is closed during a shutdown. A request that
    /// arrives before that still gets its response, with `Connection: close`.
    pub quiet: Duration,
    /// Timeout of requests that are in progress when a shutdown starts; then they get a
    /// 502.
    pub drain: Duration,
    /// Maximum of memory, in bytes, for all requests together whose bodies are not
    /// complete yet. One connection can have many such requests (HTTP/2).
    pub unfinished_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2000,
            spare: 64,
            first_head: Duration::from_secs(15),
            idle: Duration::from_secs(150),
            rest_of_request: Duration::from_secs(15),
            quiet: Duration::from_millis(500),
            drain: Duration::from_secs(25),
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
    draining: AtomicBool,
    cut_off: AtomicBool,
    /// Milliseconds that the last displaced connection had been idle since its last
    /// response; [`NOT_FULL`] if none was displaced lately.
    displaced_after: AtomicU64,
    /// True if new connections have had to wait for a place lately.
    has_queue: AtomicBool,
    // Locked to add, remove and choose a connection, never across an await.
    slots: Mutex<Slots>,
}

const NOT_FULL: u64 = u64::MAX;

#[derive(Debug, Default)]
struct Slots {
    taken: Slab<Arc<Slot>>,
    /// Connections above the limit.
    extra: Slab<Arc<Slot>>,
    /// Number of displaced connections that have not closed their sockets yet.
    closing: usize,
}

impl Slots {
    fn of_kind(&mut self, is_extra: bool) -> &mut Slab<Arc<Slot>> {
        match is_extra {
            true => &mut self.extra,
            false => &mut self.taken,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Slot>> {
        let all = self.taken.iter().chain(&self.extra);
        all.map(|(_, slot)| slot)
    }
}

/// Time for which a connection is not displaced by another one, if nothing has come on it
/// or it is above the limit: a request on its way could not be answered.
const GRACE: Duration = Duration::from_millis(500);

impl Connections {
    /// Creates an empty set of connections.
    pub fn new(limits: Limits, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self {
            unfinished: Arc::new(Semaphore::new(limits.unfinished_bytes as usize)),
            limits,
            metrics,
            epoch: Stopwatch::start(),
            draining: AtomicBool::new(false),
            cut_off: AtomicBool::new(false),
            displaced_after: AtomicU64::new(NOT_FULL),
            has_queue: AtomicBool::new(false),
            slots: Mutex::default(),
        })
    }

    /// Returns a slot for a new connection, displacing another one if the limit is
    /// reached, or an extra slot if none can be displaced. `None` if there is none of
    /// those either: try again soon.
    pub(super) fn admit(self: &Arc<Self>) -> Option<SlotGuard> {
        let admitted = self.admit_now();
        if admitted.is_none() {
            self.has_queue.store(true, Ordering::Relaxed);
        }
        admitted
    }

    fn admit_now(self: &Arc<Self>) -> Option<SlotGuard> {
        let mut slots = self.slots();
        let is_full = slots.taken.len() >= self.limits.connections;
        if is_full && slots.closing >= self.limits.spare {
            return None;
        }
        let is_extra = is_full && self.displace_one(&mut slots).is_none();
        if is_extra && slots.extra.len() >= self.limits.spare {
            self.displace_extra(&mut slots)?;
        }
        if !is_full {
            self.displaced_after.store(NOT_FULL, Ordering::Relaxed);
            self.has_queue.store(false, Ordering::Relaxed);
        }
        let slot = Arc::new(Slot::new(self.clone(), is_extra));
        if is_extra || self.is_draining() {
            slot.draining.notify_one();
        }
        let index = slots.of_kind(is_extra).insert(slot.clone());
        self.metrics.open.inc();
        Some(SlotGuard { slot, index })
    }

    /// Removes a connection that has closed its socket.
    pub(super) fn remove(&self, slot: &Arc<Slot>, index: usize) {
        let mut slots = self.slots();
        let kind = slots.of_kind(slot.is_extra);
        // The slot of a displaced connection may be taken by another one by now.
        let taken = kind.get(index);
        if taken.is_some_and(|taken| Arc::ptr_eq(taken, slot)) {
            kind.remove(index);
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
        for slot in slots.all() {
            slot.draining.notify_one();
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Has every request in progress answered at once, without its handler.
    pub(super) fn cut_off(&self) {
        let slots = self.slots();
        self.cut_off.store(true, Ordering::SeqCst);
        for slot in slots.all() {
            slot.cut_off.notify_waiters();
        }
    }

    pub(super) fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::SeqCst)
    }

    /// Closes every connection at once, even while it answers a request.
    pub(super) fn close_all(&self) {
        for slot in self.slots().all() {
            slot.displaced.notify_one();
        }
    }

    /// Closes the connection that has waited longest in the larger group. Returns `None`
    /// if no connection waits, or too many displaced ones are still open.
    fn displace_one(&self, slots: &mut Slots) -> Option<()> {
        if slots.closing >= self.limits.spare {
            return None;
        }
        // Number of waiting connections in each of the two groups, and the one that has
        // waited longest.
        let mut groups: [(usize, Option<(u64, usize)>); 2] = Default::default();
        for (index, slot) in slots.taken.iter().filter(|(_, slot)| self.can_go(slot)) {
            let since = slot.waiting_since.load(Ordering::Relaxed);
            let (count, first) = &mut groups[usize::from(slot.had_request.load(Ordering::Relaxed))];
            *count += 1;
            *first = Some(first.map_or((since, index), |first| first.min((since, index))));
        }
        let (_, first) = groups.into_iter().max_by_key(|(count, _)| *count)?;
        let (since, index) = first?;
        let waited = self.now().saturating_sub(since);
        let had_request = slots.taken[index].had_request.load(Ordering::Relaxed);
        self.displace(slots, false, index)?;
        if had_request {
            self.displaced_after.store(waited, Ordering::Relaxed);
        }
        Some(())
    }

    fn can_go(&self, slot: &Slot) -> bool {
        !slot.is_answering() && (slot.has_begun() || slot.waiting_for() >= GRACE)
    }

    /// Closes the connection above the limit that has waited longest. Returns `None` if all
    /// are new, or too many displaced ones are still open.
    fn displace_extra(&self, slots: &mut Slots) -> Option<()> {
        let since = |(index, slot): (usize, &Arc<Slot>)| {
            let since = slot.waiting_since.load(Ordering::Relaxed);
            (since, index)
        };
        let (since, index) = slots.extra.iter().map(since).min()?;
        if slots.closing >= self.limits.spare || self.since(since) < GRACE {
            return None;
        }
        self.displace(slots, true, index)
    }

    /// True if new connections have no place, so that a response should be the last one of
    /// its connection.
    pub(super) fn has_queue(&self) -> bool {
        self.has_queue.load(Ordering::Relaxed)
    }

    /// True if the connection had been idle for so long before its present request that
    /// it would soon be displaced. Its client should not rely on it again, because a request
    /// that is sent while the server closes the connection gets no response.
    pub(super) fn is_worn(&self, slot: &Slot) -> bool {
        let displaced_after = self.displaced_after.load(Ordering::Relaxed);
        displaced_after != NOT_FULL && slot.had_request.load(Ordering::Relaxed) && {
            let waited = self.since(slot.waiting_since.load(Ordering::Relaxed));
            waited >= Duration::from_millis(displaced_after / 2)
        }
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
            self.displace(&mut slots, false, index);
        }
    }

    /// Closes one connection. Returns `None` if it has begun to answer a request since it was
    /// chosen.
    fn displace(&self, slots: &mut Slots, is_extra: bool, index: usize) -> Option<()> {
        let kind = slots.of_kind(is_extra);
        if !kind[index].place.take() {
            return None;
        }
        kind.remove(index).displaced.notify_one();
        slots.closing += 1;
        self.metrics.open.dec();
        self.metrics.displaced.inc();
        Some(())
    }

    /// Returns the milliseconds since `epoch`.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the time since a moment of [`Connections::now`].
    pub(super) fn since(&self, moment: u64) -> Duration {
        Duration::from_millis(self.now().saturating_sub(moment))
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots
            .lock()
            .expect("nothing panics while holding the lock")
    }
}
