//! The place of one connection among those that the server allows.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed, Ordering::Release};

/// Bit of a place that another connection has taken.
const LOST: u32 = 1 << 31;

/// The number of requests that a connection is answering (HTTP/2 may have several), and if
/// another connection has taken its place. Both are one atomic value: the place is taken by
/// another thread, and that must not happen between the last byte of a request and its
/// handler.
#[derive(Debug, Default)]
pub(super) struct SlotPlace(AtomicU32);

impl SlotPlace {
    /// True while a request is being answered.
    pub(super) fn is_answering(&self) -> bool {
        self.0.load(Relaxed) & !LOST > 0
    }

    /// Counts a request that is being answered now, until [`SlotPlace::end_answer`]. Returns
    /// false if the place is lost: the connection is about to be closed, so only a response
    /// that is ready at once still reaches the client.
    pub(super) fn begin_answer(&self) -> bool {
        self.0.fetch_add(1, Relaxed) & LOST == 0
    }

    pub(super) fn end_answer(&self) {
        self.0.fetch_sub(1, Release);
    }

    /// Takes the place for another connection. Returns false if a request is being
    /// answered, or if the place is lost already.
    pub(super) fn take(&self) -> bool {
        self.0.compare_exchange(0, LOST, Relaxed, Relaxed).is_ok()
    }

    /// True if another connection has taken the place.
    pub(super) fn is_lost(&self) -> bool {
        self.0.load(Relaxed) & LOST != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_not_taken_while_a_request_is_answered() {
        let place = SlotPlace::default();
        assert!(place.begin_answer() && place.begin_answer());
        assert!(!place.take());
        place.end_answer();
        assert!(!place.take());
        place.end_answer();
        assert!(place.take());
    }

    #[test]
    fn a_request_is_told_that_its_place_is_lost() {
        let place = SlotPlace::default();
        assert!(place.take() && !place.take());
        assert!(place.is_lost() && !place.is_answering());
        assert!(!place.begin_answer());
        assert!(place.is_answering());
        place.end_answer();
        assert!(place.is_lost() && !place.is_answering());
    }
}
