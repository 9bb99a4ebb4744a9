//! Guards of the requests of one connection: received in part, taking memory, or being
//! answered.

use std::sync::{Arc, atomic::Ordering};

use tokio::sync::OwnedSemaphorePermit;

use super::slot::Slot;

/// Limit of cancelled requests on one connection, less the answered ones: as many as a
/// browser may have in progress when its tab is closed.
const MAX_CANCELLED: u32 = 100;

impl Slot {
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
        let has_place = self.place.begin_answer();
        self.is_receiving.store(false, Ordering::Relaxed);
        ResponseGuard {
            slot: self,
            has_place: has_place && !self.is_extra,
            is_worn: self.connections.is_worn(self),
        }
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
pub(super) struct ResponseGuard<'a> {
    slot: &'a Slot,
    has_place: bool,
    is_worn: bool,
}

impl ResponseGuard<'_> {
    /// False if the connection is above the limit, or another one has its place: the
    /// request is answered without a handler.
    pub(super) fn has_place(&self) -> bool {
        self.has_place
    }

    /// True if the connection is closed after this response.
    pub(super) fn is_last(&self) -> bool {
        let connections = &self.slot.connections;
        self.is_worn || !self.has_place || connections.is_draining() || connections.has_queue()
    }
}

impl Drop for ResponseGuard<'_> {
    fn drop(&mut self) {
        let now = self.slot.connections.now();
        self.slot.waiting_since.store(now, Ordering::Relaxed);
        self.slot.had_request.store(true, Ordering::Relaxed);
        self.slot.place.end_answer();
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        listen::{Connections, Limits},
        telemetry::ConnectionMetrics,
    };

    #[test]
    fn a_request_on_a_connection_that_made_room_is_answered_without_a_handler() {
        let limits = Limits {
            connections: 1,
            ..Limits::default()
        };
        let connections = Connections::new(limits, ConnectionMetrics::default());
        let first = connections.admit().unwrap();
        first.slot.note_received();
        let second = connections.admit().unwrap();
        assert!(!second.slot.is_extra);
        let response = first.slot.response();
        assert!(!response.has_place() && response.is_last());

        // A request that was there first keeps the place.
        second.slot.note_received();
        let response = second.slot.response();
        assert!(connections.admit().unwrap().slot.is_extra);
        assert!(response.has_place());
    }
}
