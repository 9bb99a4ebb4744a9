//! The slot of one connection: waiting for a request or answering one, and since when.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

use super::{Connections, Limits, Unserved, listener::Stream, place::SlotPlace};

/// Timeout of a connection above the limit, which gets one response.
const EXTRA_LIMIT: Duration = Duration::from_secs(2);
/// Pause between two looks at a connection that is being closed, or is about to be.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The state of one connection, which its requests update.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) connections: Arc<Connections>,
    /// True for a connection above the limit. Its requests are answered without a handler.
    pub(super) is_extra: bool,
    pub(super) place: SlotPlace,
    pub(super) had_request: AtomicBool,
    /// Milliseconds since the epoch of [`Connections`].
    pub(super) waiting_since: AtomicU64,
    /// Number of cancelled requests, less the answered ones, never below zero.
    pub(super) cancelled: AtomicU32,
    /// Bytes of requests whose bodies are not complete yet.
    pub(super) unfinished: AtomicU32,
    /// True from the first byte of a request until all of it is there.
    pub(super) is_receiving: AtomicBool,
    /// True while a response waits for the client to read.
    is_unwritten: AtomicBool,
    is_http2: AtomicBool,
    /// True if a request was answered before all of it was there. It was the last one.
    was_cut_short: AtomicBool,
    // One for each connection: a shared one would be locked for every request.
    pub(super) displaced: Notify,
    pub(super) draining: Notify,
    pub(super) cut_off: Notify,
    had_http2_request: Notify,
    cut_short: Notify,
    /// The stream, when hyper has dropped it. Locked twice in the life of a connection.
    returned: Mutex<Option<Stream>>,
}

impl Slot {
    /// Creates the slot of a connection that waits for its first request.
    pub(super) fn new(connections: Arc<Connections>, is_extra: bool) -> Self {
        Self {
            is_extra,
            place: SlotPlace::default(),
            had_request: AtomicBool::new(false),
            waiting_since: AtomicU64::new(connections.now()),
            cancelled: AtomicU32::new(0),
            unfinished: AtomicU32::new(0),
            is_receiving: AtomicBool::new(false),
            is_unwritten: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            was_cut_short: AtomicBool::new(false),
            displaced: Notify::new(),
            draining: Notify::new(),
            cut_off: Notify::new(),
            had_http2_request: Notify::new(),
            cut_short: Notify::new(),
            returned: Mutex::default(),
            connections,
        }
    }

    pub(super) fn is_answering(&self) -> bool {
        self.place.is_answering()
    }

    /// True if something has come on the connection.
    pub(super) fn has_begun(&self) -> bool {
        self.is_receiving.load(Relaxed) || self.had_request.load(Relaxed)
    }

    pub(super) fn is_http2(&self) -> bool {
        self.is_http2.load(Relaxed)
    }

    pub(super) fn is_unwritten(&self) -> bool {
        self.is_unwritten.load(Relaxed)
    }

    /// Notes that bytes of a request have arrived.
    pub(super) fn note_received(&self) {
        self.is_receiving.store(true, Relaxed);
    }

    /// Notes that the connection speaks HTTP/2.
    pub(super) fn note_http2(&self) {
        self.is_http2.store(true, Relaxed);
    }

    /// Notes an HTTP/2 request, after which a GOAWAY can be sent.
    pub(super) fn note_http2_request(&self) {
        self.note_http2();
        self.had_http2_request.notify_one();
    }

    /// Notes that bytes of a response wait for the client to read, or no longer do.
    pub(super) fn note_unwritten(&self, is_unwritten: bool) {
        if self.is_unwritten.load(Relaxed) != is_unwritten {
            self.is_unwritten.store(is_unwritten, Relaxed);
        }
    }

    /// Notes that an HTTP/1 request is answered before all of it is there.
    pub(super) fn note_cut_short(&self) {
        self.was_cut_short.store(true, Relaxed);
        self.cut_short.notify_one();
    }

    pub(super) fn was_cut_short(&self) -> bool {
        self.was_cut_short.load(Relaxed)
    }

    /// Returns when such a response is written. hyper would wait for the rest of the
    /// request.
    pub(super) async fn is_cut_short(&self) {
        self.cut_short.notified().await;
        while self.is_unwritten() {
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Takes the stream back from hyper.
    pub(super) fn give_back(&self, stream: Stream) {
        *self.returned() = Some(stream);
    }

    /// Returns the stream if hyper has dropped it.
    pub(super) fn take_stream(&self) -> Option<Stream> {
        self.returned().take()
    }

    fn returned(&self) -> std::sync::MutexGuard<'_, Option<Stream>> {
        self.returned
            .lock()
            .expect("nothing panics while holding the lock")
    }

    /// Returns when requests in progress must be answered without their handlers.
    pub(super) async fn is_cut_off(&self) {
        // Created before the flag is read, so that no notification is missed.
        let notified = self.cut_off.notified();
        if !self.connections.is_cut_off() {
            notified.await;
        }
    }

    /// Returns how long the connection may wait for a request.
    fn limit(&self, limits: &Limits) -> Duration {
        match self.had_request.load(Relaxed) {
            _ if self.is_extra => EXTRA_LIMIT.min(limits.first_head),
            false => limits.first_head,
            // A request may begin at the end of the idle time.
            true if self.is_receiving.load(Relaxed) => limits.idle + limits.rest_of_request,
            true => limits.idle,
        }
    }

    pub(super) fn waiting_for(&self) -> Duration {
        self.connections.since(self.waiting_since.load(Relaxed))
    }

    /// Returns how long a connection that has been draining since `begun` should stay open
    /// before it is looked at again. Zero if it can be closed.
    fn left_in_drain(&self, begun: u64) -> Duration {
        let limits = &self.connections.limits;
        // These end by themselves: handlers and bodies have time limits.
        let is_busy =
            self.is_answering() || self.unfinished.load(Relaxed) > 0 || self.is_unwritten();
        if is_busy {
            return limits.quiet;
        }
        if self.connections.is_cut_off() {
            return Duration::ZERO;
        }
        let drained_for = self.connections.since(begun);
        // A connection above the limit drains from its begin, and still gets its response.
        let quiet = match self.is_extra {
            true => EXTRA_LIMIT,
            false => limits.quiet,
        };
        match self.is_receiving.load(Relaxed) && !self.is_http2() {
            true => limits.rest_of_request.saturating_sub(drained_for),
            false => quiet.saturating_sub(drained_for.min(self.waiting_for())),
        }
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
    pub(super) async fn must_close(&self) -> Unserved {
        tokio::select! {
            () = self.slot.displaced.notified() => Unserved::Overloaded,
            () = self.waited_too_long() => {
                self.slot.connections.metrics.timed_out.inc();
                Unserved::Late
            }
        }
    }

    /// Returns when the server shuts down and this connection may be closed: it is idle,
    /// the rest of its request does not come, or it speaks HTTP/2, which tells the client
    /// what will still be answered.
    pub(super) async fn is_drained(&self) {
        self.slot.draining.notified().await;
        tokio::select! {
            () = self.is_quiet() => {}
            () = self.slot.had_http2_request.notified() => {}
        }
    }

    /// Returns when nothing is in progress on a connection that drains, and has not been
    /// for a while.
    pub(super) async fn is_quiet(&self) {
        let begun = self.slot.connections.now();
        loop {
            let left = self.slot.left_in_drain(begun);
            if left.is_zero() {
                return;
            }
            match self.slot.connections.is_cut_off() {
                true => sleep(LOOK_AGAIN).await,
                false => tokio::select! {
                    () = sleep(left.min(self.slot.connections.limits.quiet)) => {}
                    () = self.slot.is_cut_off() => {}
                },
            }
        }
    }

    async fn waited_too_long(&self) {
        let limits = &self.slot.connections.limits;
        // The limit may be another one after the first request, so check again.
        let check_again = limits.first_head.min(limits.idle);
        let mut looked_again = false;
        loop {
            let limit = self.slot.limit(limits);
            // A form that is being read has a time limit of its own, and a known request
            // that can be answered.
            let is_reading_form = !self.slot.is_extra && self.slot.unfinished.load(Relaxed) > 0;
            let left = match self.slot.is_answering() || is_reading_form {
                true => limit,
                false => limit.saturating_sub(self.slot.waiting_for()),
            };
            if left.is_zero() && looked_again {
                return;
            }
            // After a standstill of the process the request may wait in the socket.
            looked_again = left.is_zero();
            sleep(left.min(check_again).max(LOOK_AGAIN)).await;
        }
    }
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        self.slot.connections.remove(&self.slot, self.index);
    }
}
