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
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use slab::Slab;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

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
    limits: Limits,
    metrics: ConnectionMetrics,
    /// What every seat's times count from.
    epoch: Stopwatch,
    /// A permit is a byte.
    unfinished: Arc<Semaphore>,
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

/// One connection's place.
#[derive(Debug)]
pub(super) struct Seat {
    /// Requests that are being answered; HTTP/2 may have several.
    answering: AtomicU32,
    has_asked: AtomicBool,
    /// In milliseconds of the epoch.
    waiting_since: AtomicU64,
    /// Bytes of requests whose bodies are still coming.
    unfinished: AtomicU32,
    displaced: Notify,
}

impl Connections {
    /// None yet.
    pub fn new(limits: Limits, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self {
            unfinished: Arc::new(Semaphore::new(limits.unfinished_bytes as usize)),
            limits,
            metrics,
            epoch: Stopwatch::start(),
            seats: Mutex::default(),
        })
    }

    /// A place for one more. `None` while there is none, which is soon over.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Seated> {
        let mut seats = self.seats();
        if seats.taken.len() >= self.limits.connections {
            self.displace_one(&mut seats)?;
        }
        let seat = Arc::new(Seat {
            answering: AtomicU32::new(0),
            has_asked: AtomicBool::new(false),
            waiting_since: AtomicU64::new(self.now()),
            unfinished: AtomicU32::new(0),
            displaced: Notify::new(),
        });
        let place = seats.taken.insert(seat.clone());
        self.metrics.open.inc();
        Some(Seated {
            connections: self.clone(),
            seat,
            place,
        })
    }

    /// Closes a connection that waits, for want of file descriptors.
    pub(super) fn make_room(&self) {
        self.displace_one(&mut self.seats());
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
    fn displace_holder(&self) {
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

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
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
    /// For the requests of this connection.
    pub(super) fn seat(&self) -> Asking {
        Asking {
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
        let limits = &self.connections.limits;
        // Another limit may hold after a request.
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
        let mut seats = self.connections.seats();
        // The place of one that was displaced may be another's by now.
        let taken = seats.taken.get(self.place);
        if taken.is_some_and(|seat| Arc::ptr_eq(seat, &self.seat)) {
            seats.taken.remove(self.place);
            self.connections.metrics.open.dec();
        } else {
            seats.leaving -= 1;
        }
    }
}

/// A request that is still coming.
#[derive(Debug)]
pub(super) struct Asking {
    connections: Arc<Connections>,
    seat: Arc<Seat>,
}

impl Asking {
    /// Room for so many bytes of a request that is not whole yet. If there is none, who
    /// has most makes it, whether it is held or waited for: what waits is in memory too.
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

    /// It has come whole, and is being answered until this is dropped.
    pub(super) fn answering(self) -> Answering {
        self.seat.answering.fetch_add(1, Ordering::Relaxed);
        Answering(self)
    }
}

/// Room that a part of a request takes until this is dropped.
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

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Answering(Asking);

impl Drop for Answering {
    fn drop(&mut self) {
        let Asking { connections, seat } = &self.0;
        seat.waiting_since
            .store(connections.now(), Ordering::Relaxed);
        seat.has_asked.store(true, Ordering::Relaxed);
        seat.answering.fetch_sub(1, Ordering::Release);
    }
}
