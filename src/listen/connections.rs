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

use super::seat::{Seat, Seated};
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
    /// Start of the milliseconds in which seats keep their times.
    epoch: Stopwatch,
    /// One permit for each byte of `Limits::unfinished_bytes`.
    pub(super) unfinished: Arc<Semaphore>,
    pub(super) draining: AtomicBool,
    // Locked to add, remove and choose a connection, never across an await.
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    taken: Slab<Arc<Seat>>,
    /// Number of displaced connections that have not closed their sockets yet.
    leaving: usize,
}

/// Maximum of connections above the limit, while displaced ones close.
const MAX_LEAVING: usize = 64;

impl Connections {
    /// Creates an empty set of connections.
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

    /// Returns a seat for a new connection, displacing another one if the limit is
    /// reached. `None` if no connection can be displaced now: try again soon.
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

    /// Removes a connection that has closed its socket.
    pub(super) fn leave(&self, seat: &Arc<Seat>, place: usize) {
        let mut seats = self.seats();
        // The place of a displaced connection may belong to another one by now.
        let taken = seats.taken.get(place);
        if taken.is_some_and(|taken| Arc::ptr_eq(taken, seat)) {
            seats.taken.remove(place);
            self.metrics.open.dec();
        } else {
            seats.leaving -= 1;
        }
    }

    /// Closes one waiting connection, because file descriptors ran out.
    pub(super) fn make_room(&self) {
        self.displace_one(&mut self.seats());
    }

    /// Tells every connection that the server shuts down and accepts no more connections.
    pub(super) fn drain(&self) {
        let seats = self.seats();
        self.draining.store(true, Ordering::Relaxed);
        for (_, seat) in &seats.taken {
            seat.draining.notify_one();
        }
    }

    /// Closes every connection at once, even while it answers a request.
    pub(super) fn close_all(&self) {
        for (_, seat) in &self.seats().taken {
            seat.displaced.notify_one();
        }
    }

    /// Closes the connection that has waited longest in the larger group. Returns `None`
    /// if no connection waits, or too many displaced ones are still open.
    fn displace_one(&self, seats: &mut Seats) -> Option<()> {
        if seats.leaving >= MAX_LEAVING {
            return None;
        }
        // Number of waiting connections in each of the two groups, and the one that has
        // waited longest.
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

    /// Closes the waiting connection whose incomplete requests take the most memory, if
    /// there is one.
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

    /// Returns the milliseconds since `epoch`.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats
            .lock()
            .expect("nothing panics while holding the lock")
    }
}
