//! An answer as far as it has come.

use std::sync::{Mutex, MutexGuard};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::{MAX_BODY_BYTES, OutboundError};

/// The part of an answer that has arrived. It is kept if the rest never comes, because a
/// new refresh token may stand in it that nobody else will ever have.
#[derive(Debug, Default)]
pub struct Received {
    // Held to append and to read, never across an await.
    answer: Mutex<Option<Partial>>,
}

struct Partial {
    status: StatusCode,
    /// Empty once the body is whole.
    pieces: BytesMut,
    whole: Bytes,
}

/// The body may hold tokens.
impl std::fmt::Debug for Partial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Partial({})", self.status)
    }
}

impl Received {
    /// Status and body, if anything has come.
    pub fn so_far(&self) -> Option<(StatusCode, Bytes)> {
        let answer = self.answer();
        let partial = answer.as_ref()?;
        let body = match partial.pieces.is_empty() {
            true => partial.whole.clone(),
            false => Bytes::copy_from_slice(&partial.pieces),
        };
        Some((partial.status, body))
    }

    /// Reads the whole body into one buffer, whatever pieces it comes in.
    pub(super) async fn read(
        &self,
        status: StatusCode,
        mut body: Incoming,
        host: &str,
    ) -> Result<Bytes, OutboundError> {
        *self.answer() = Some(Partial {
            status,
            pieces: BytesMut::new(),
            whole: Bytes::new(),
        });
        let host = || host.to_owned();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| OutboundError::Broken { host: host() })?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if !self.append(&data) {
                return Err(OutboundError::TooLarge { host: host() });
            }
        }
        let mut answer = self.answer();
        let whole = answer.as_mut().map(|partial| {
            partial.whole = std::mem::take(&mut partial.pieces).freeze();
            partial.whole.clone()
        });
        Ok(whole.unwrap_or_default())
    }

    /// `false` if that is more than any answer needs.
    fn append(&self, data: &[u8]) -> bool {
        let mut answer = self.answer();
        let Some(Partial { pieces, .. }) = answer.as_mut() else {
            return false;
        };
        let room = MAX_BODY_BYTES - pieces.len();
        pieces.extend_from_slice(&data[..data.len().min(room)]);
        data.len() <= room
    }

    fn answer(&self) -> MutexGuard<'_, Option<Partial>> {
        self.answer
            .lock()
            .expect("nothing panics while holding the lock")
    }
}
