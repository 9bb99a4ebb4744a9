//! Request bodies, read to their end before the request is answered.

use std::{pin::pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::slot::Slot;
use crate::clock::within;

/// Limit of a body: the longest AuthID fits, with every character percent-encoded.
const MAX_BYTES: usize = 64 * 1024;
/// Limit of bytes that are read and discarded after that: closing a connection with
/// unread bytes can lose the response (RFC 9112 section 9.6).
const MAX_DISCARDED_BYTES: usize = 1024 * 1024;

/// A request's body.
#[derive(Clone, Debug)]
pub enum Body {
    /// The complete body, which may be empty.
    Whole(Bytes),
    /// A body longer than any request of the API needs.
    TooLong,
    /// A body that ended early.
    Broken,
    /// A body that did not arrive within the timeout.
    Late,
}

impl Body {
    /// Reads the body to its end, or until it is much too long. `head_bytes` is the
    /// memory that the request's head takes meanwhile.
    pub(super) async fn read(incoming: Incoming, head_bytes: u32, slot: &Arc<Slot>) -> Self {
        let limit = slot.connections.limits.rest_of_request;
        let reading = pin!(collect(incoming, head_bytes, slot));
        within(limit, reading).await.unwrap_or(Self::Late)
    }
}

async fn collect(mut incoming: Incoming, head_bytes: u32, slot: &Arc<Slot>) -> Body {
    let mut reserved = vec![slot.reserve(head_bytes).await];
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
            reserved.push(slot.reserve((capacity - whole.capacity()) as u32).await);
            whole.reserve(capacity - whole.len());
        }
        whole.extend_from_slice(&data);
    }
    match length > MAX_BYTES {
        true => Body::TooLong,
        false => Body::Whole(whole.freeze()),
    }
}
