//! The part of a response that has arrived.

use std::sync::{Mutex, MutexGuard};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use hyper::body::Incoming;

use super::{MAX_BODY_BYTES, OutboundError};

/// The part of a response that has arrived. It is kept if the rest never arrives, because
/// it may contain a new refresh token, and nothing else has a copy of it.
#[derive(Debug, Default)]
pub struct Received {
    // Locked to append and to read, never across an await.
    partial: Mutex<Option<Partial>>,
}

struct Partial {
    status: StatusCode,
    /// Empty once the body is complete.
    pieces: BytesMut,
    /// Empty until then.
    whole: Bytes,
}

/// Leaves out the body, which may contain tokens.
impl std::fmt::Debug for Partial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Partial({})", self.status)
    }
}

impl Received {
    /// Returns status and body; `None` if nothing has arrived.
    pub fn so_far(&self) -> Option<(StatusCode, Bytes)> {
        let partial = self.partial();
        let partial = partial.as_ref()?;
        let body = match partial.pieces.is_empty() {
            true => partial.whole.clone(),
            false => Bytes::copy_from_slice(&partial.pieces),
        };
        Some((partial.status, body))
    }

    /// Reads the whole body into one buffer.
    pub(super) async fn read(
        &self,
        status: StatusCode,
        mut body: Incoming,
        host: impl Fn() -> String,
    ) -> Result<Bytes, OutboundError> {
        *self.partial() = Some(Partial {
            status,
            pieces: BytesMut::new(),
            whole: Bytes::new(),
        });
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| OutboundError::Broken { host: host() })?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if !self.append(data, body.is_end_stream()) {
                return Err(OutboundError::TooLarge { host: host() });
            }
        }
        let mut partial = self.partial();
        let whole = partial.as_mut().map(|partial| {
            if !partial.pieces.is_empty() {
                partial.whole = std::mem::take(&mut partial.pieces).freeze();
            }
            partial.whole.clone()
        });
        Ok(whole.unwrap_or_default())
    }

    /// Appends data to the body; returns `false` if it exceeds the size limit. Most bodies come
    /// in one piece, which is not copied.
    fn append(&self, data: Bytes, is_last: bool) -> bool {
        let mut partial = self.partial();
        let Some(Partial { pieces, whole, .. }) = partial.as_mut() else {
            return false;
        };
        let room = MAX_BODY_BYTES - pieces.len();
        if is_last && pieces.is_empty() && data.len() <= room {
            *whole = data;
            return true;
        }
        pieces.extend_from_slice(&data[..data.len().min(room)]);
        data.len() <= room
    }

    fn partial(&self) -> MutexGuard<'_, Option<Partial>> {
        self.partial
            .lock()
            .expect("nothing panics while holding the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_one_byte_are_held_in_one_buffer() {
        let received = Received::default();
        *received.partial() = Some(Partial {
            status: StatusCode::OK,
            pieces: BytesMut::new(),
            whole: Bytes::new(),
        });
        for _ in 0..MAX_BODY_BYTES {
            assert!(received.append(Bytes::from_static(b"x"), false));
        }
        assert!(!received.append(Bytes::from_static(b"x"), true));
        let partial = received.partial();
        let pieces = &partial.as_ref().unwrap().pieces;
        assert_eq!(pieces.len(), MAX_BODY_BYTES);
        assert!(pieces.capacity() <= 2 * MAX_BODY_BYTES);
    }
}
