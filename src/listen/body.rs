//! A request's body, read before anything is answered.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::seat::Asking;

/// The longest AuthID with every character percent-encoded fits.
const MAX_BYTES: usize = 64 * 1024;
/// What is too much is thrown away, up to a point: a connection that is closed on
/// unread bytes can lose the answer (RFC 9112 section 9.6).
const MAX_DISCARDED_BYTES: usize = 1024 * 1024;
/// What comes slower than this is given up.
const DEADLINE: Duration = Duration::from_secs(15);

/// What a request carried.
#[derive(Clone, Debug)]
pub enum Body {
    /// All of it, perhaps nothing.
    Whole(Bytes),
    /// More than any request of ours needs.
    TooLong,
    /// It broke off, or did not come in time.
    Broken,
}

impl Body {
    /// Reads it to its end, or as far as it makes sense. `head_bytes` is what the rest of
    /// the request takes meanwhile.
    pub(super) async fn read(incoming: Incoming, head_bytes: u32, asking: &Asking) -> Self {
        let reading = tokio::time::timeout(DEADLINE, collect(incoming, head_bytes, asking));
        reading.await.unwrap_or(Self::Broken)
    }
}

async fn collect(mut incoming: Incoming, head_bytes: u32, asking: &Asking) -> Body {
    let mut rooms = vec![asking.room_for(head_bytes).await];
    let mut whole = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = incoming.frame().await {
        let Ok(frame) = frame else {
            return Body::Broken;
        };
        let data = frame.into_data().unwrap_or_default();
        length += data.len();
        if length > MAX_DISCARDED_BYTES {
            break;
        }
        if length > MAX_BYTES {
            continue;
        }
        if length > whole.capacity() {
            let capacity = length.next_power_of_two();
            rooms.push(asking.room_for((capacity - whole.capacity()) as u32).await);
            whole.reserve(capacity - whole.len());
        }
        whole.extend_from_slice(&data);
    }
    match length > MAX_BYTES {
        true => Body::TooLong,
        false => Body::Whole(whole.freeze()),
    }
}
