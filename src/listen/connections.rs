//! How many connections there are, and which of them must go.
//!
//! A connection is either answering a request, which handlers bound in time, or
//! waiting: for a handshake, for the rest of a head, for the next request. Who
//! waits too long is closed. When there is no room for a new connection, the one
//! that has waited longest makes it, those first that never asked for anything: so
//! whoever holds thousands of half-open connections displaces his own, and a client
//! with a request finds room.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use slab::Slab;
use tokio::sync::Notify;

use crate::{clock::Stopwatch, telemetry::ConnectionMetrics};

/// What a server does not go beyond.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many connections may be open.
    pub connections: usize,
    /// How long the first request's head may take, TLS handshake included.
    pub first_head: Duration,
    /// How long a connection may wait between two requests. Longer than proxies
    /// keep theirs (nginx 60 s, Traefik 90 s, Caddy 120 s), so that none of them
    /// sends a request into one that has just been closed.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2000,
            first_head: Duration::from_secs(15),
            idle: Duration::from_secs(150),
        }
    }
}

/// The open connections of one server.
#[derive(Debug)]
pub struct Connections {
    limits: Limits,
    metrics: ConnectionMetrics,
    /// What every seat's times count from.
    epoch: Stopwatch,
    // Held to add, remove and choose, never across an await.
    seats: Mutex<Slab<Arc<Seat>>>,
}

/// One connection's place.
#[derive(Debug)]
pub(super) struct Seat {
    /// Requests that are being answered; HTTP/2 may have several.
    answering: AtomicU32,
    has_asked: AtomicBool,
    /// In milliseconds of the epoch.
    waiting_since: AtomicU64,
    displaced: Notify,
}

impl Connections {
    /// None yet.
    pub fn new(limits: Limits, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self {
            limits,
            metrics,
            epoch: Stopwatch::start(),
            seats: Mutex::default(),
        })
    }

    /// A place for one more. `None` while all are answering.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Seated> {
        let mut seats = self.seats();
        if seats.len() >= self.limits.connections {
            self.displace_one(&mut seats)?;
        }
        let seat = Arc::new(Seat {
            answering: AtomicU32::new(0),
            has_asked: AtomicBool::new(false),
            waiting_since: AtomicU64::new(self.now()),
            displaced: Notify::new(),
        });
        let place = seats.insert(seat.clone());
        self.metrics.open.inc();
        Some(Seated {
            connections: self.clone(),
            seat,
            place,
        })
    }

    /// Closes the connection that has waited longest, for want of file descriptors.
    pub(super) fn make_room(&self) {
        self.displace_one(&mut self.seats());
    }

    fn displace_one(&self, seats: &mut Slab<Arc<Seat>>) -> Option<()> {
        let waiting = seats.iter().filter(|(_, seat)| !seat.is_answering());
        let (place, _) = waiting.min_by_key(|(_, seat)| {
            let since = seat.waiting_since.load(Ordering::Relaxed);
            (seat.has_asked.load(Ordering::Relaxed), since)
        })?;
        seats.remove(place).displaced.notify_one();
        self.metrics.open.dec();
        self.metrics.displaced.inc();
        Some(())
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn seats(&self) -> MutexGuard<'_, Slab<Arc<Seat>>> {
        self.seats
            .lock()
            .expect("nothing panics while holding the lock")
    }
}

impl Seat {
    fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed) > 0
    }
}

/// A connection that has its place until this is dropped.
#[derive(Debug)]
pub(super) struct Seated {
    connections: Arc<Connections>,
    seat: Arc<Seat>,
    place: usize,
}

impl Seated {
    /// From a request's whole head until its answer is handed to the connection.
    pub(super) fn answering(&self) -> Answering {
        self.seat.answering.fetch_add(1, Ordering::Relaxed);
        Answering {
            connections: self.connections.clone(),
            seat: self.seat.clone(),
        }
    }

    /// Returns when the connection must be closed: because another needs the place,
    /// or because it has waited too long.
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

    /// Returns when it has waited for so long.
    pub(super) async fn has_waited(&self, limit: Duration) {
        self.waited(|_, _| limit).await;
    }

    async fn waited(&self, limit: impl Fn(&Seat, &Limits) -> Duration) {
        loop {
            let limit = limit(&self.seat, &self.connections.limits);
            let left = match self.seat.is_answering() {
                true => limit,
                false => limit.saturating_sub(self.waiting_for()),
            };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    fn waiting_for(&self) -> Duration {
        let since = self.seat.waiting_since.load(Ordering::Relaxed);
        Duration::from_millis(self.connections.now().saturating_sub(since))
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        let mut seats = self.connections.seats();
        // The place of one that was displaced may be another's by now.
        if seats
            .get(self.place)
            .is_some_and(|seat| Arc::ptr_eq(seat, &self.seat))
        {
            seats.remove(self.place);
            self.connections.metrics.open.dec();
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Answering {
    connections: Arc<Connections>,
    seat: Arc<Seat>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        let now = self.connections.now();
        self.seat.waiting_since.store(now, Ordering::Relaxed);
        self.seat.has_asked.store(true, Ordering::Relaxed);
        self.seat.answering.fetch_sub(1, Ordering::Release);
    }
}
