//! How many connections there are, and which of them must go.
//!
//! A connection is either answering a request that has come whole, which handlers bound
//! in time, or waiting: for a handshake, for the rest of a request, for the next one. Who
//! waits too long is closed. When there is no room for a new connection, the one that has
//! waited longest makes it, among those that have been answered before or among those
//! that have not, whichever are more: so whoever holds thousands of connections displaces
//! his own, and neither newcomers nor old acquaintances go for them.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use slab::Slab;
use tokio::sync::Semaphore;

use super::seat::{Seat, Seated};
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
    /// How many bytes requests may have together whose bodies are still coming. One
    /// connection can have many such requests (HTTP/2).
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
    /// What every seat's times count from.
    epoch: Stopwatch,
    /// A permit is a byte.
    pub(super) unfinished: Arc<Semaphore>,
    pub(super) draining: AtomicBool,
    // Held to add, remove and choose, never across an await.
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    taken: Slab<Arc<Seat>>,
    /// How many were displaced and have not closed their sockets yet.
    leaving: usize,
}

/// Beyond the limit, while displaced ones are on their way out.
const MAX_LEAVING: usize = 64;

impl Connections {
    /// None yet.
    pub fn new(limits: Limits, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self {
            unfinished: Arc::new(Semaphore::new(limits.unfinished_bytes as usize)),
            limits,
            metrics,
            epoch: Stopwatch::start(),
            draining: AtomicBool::new(false),
            seats: Mutex::default(),
        })
    }

    /// A place for one more. `None` while there is none, which is soon over.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Seated> {
        let mut seats = self.seats();
        if seats.taken.len() >= self.limits.connections {
            self.displace_one(&mut seats)?;
        }
        let seat = Arc::new(Seat::new(self.now()));
        if self.draining.load(Ordering::Relaxed) {
            seat.draining.notify_one();
        }
        let place = seats.taken.insert(seat.clone());
        self.metrics.open.inc();
        Some(Seated {
            connections: self.clone(),
            seat,
            place,
        })
    }

    /// The connection has closed its socket.
    pub(super) fn leave(&self, seat: &Arc<Seat>, place: usize) {
        let mut seats = self.seats();
        // The place of one that was displaced may be another's by now.
        let taken = seats.taken.get(place);
        if taken.is_some_and(|taken| Arc::ptr_eq(taken, seat)) {
            seats.taken.remove(place);
            self.metrics.open.dec();
        } else {
            seats.leaving -= 1;
        }
    }

    /// Closes a connection that waits, for want of file descriptors.
    pub(super) fn make_room(&self) {
        self.displace_one(&mut self.seats());
    }

    /// Tells every connection that nobody is accepted any more.
    pub(super) fn drain(&self) {
        let seats = self.seats();
        self.draining.store(true, Ordering::Relaxed);
        for (_, seat) in &seats.taken {
            seat.draining.notify_one();
        }
    }

    /// Closes every connection, whatever it is doing.
    pub(super) fn close_all(&self) {
        for (_, seat) in &self.seats().taken {
            seat.displaced.notify_one();
        }
    }

    /// `None` if none waits, or too many are leaving already.
    fn displace_one(&self, seats: &mut Seats) -> Option<()> {
        if seats.leaving >= MAX_LEAVING {
            return None;
        }
        // Of each kind how many, and who has waited longest.
        let mut kinds: [(usize, Option<(u64, usize)>); 2] = Default::default();
        for (place, seat) in seats.taken.iter().filter(|(_, seat)| !seat.is_answering()) {
            let since = seat.waiting_since.load(Ordering::Relaxed);
            let (count, first) = &mut kinds[usize::from(seat.has_asked.load(Ordering::Relaxed))];
            *count += 1;
            *first = Some(first.map_or((since, place), |first| first.min((since, place))));
        }
        let (_, first) = kinds.into_iter().max_by_key(|(count, _)| *count)?;
        let (_, place) = first?;
        self.displace(seats, place);
        Some(())
    }

    /// Closes the connection that has most of what is unfinished.
    pub(super) fn displace_holder(&self) {
        let mut seats = self.seats();
        let holding = seats.taken.iter().map(|(place, seat)| {
            let waits = !seat.is_answering();
            (waits, seat.unfinished.load(Ordering::Relaxed), place)
        });
        let most = holding
            .filter(|(waits, bytes, _)| *waits && *bytes > 0)
            .max();
        if let Some((_, _, place)) = most {
            self.displace(&mut seats, place);
        }
    }

    fn displace(&self, seats: &mut Seats, place: usize) {
        seats.taken.remove(place).displaced.notify_one();
        seats.leaving += 1;
        self.metrics.open.dec();
        self.metrics.displaced.inc();
    }

    /// In milliseconds of the epoch.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats
            .lock()
            .expect("nothing panics while holding the lock")
    }
}
