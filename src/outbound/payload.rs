//! A request body that is sent only if a fence permits it at the last moment.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use thiserror::Error;

/// A check that runs when the connection is established, right before the first byte of the
/// body is passed to it. If it returns `false`, nothing of the body is sent.
#[derive(Clone)]
pub struct Fence(Arc<dyn Fn() -> Permission + Send + Sync>);

type Permission = Pin<Box<dyn Future<Output = bool> + Send>>;

impl Fence {
    /// Creates a fence that permits the body if the future of `ask` returns `true`.
    pub fn new<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask())))
    }

    pub(super) fn ask(&self) -> impl Future<Output = bool> + Send + use<> {
        (self.0)()
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fence")
    }
}

/// A body of known length.
pub(super) struct Payload {
    bytes: Bytes,
    fence: Option<Fence>,
    asking: Option<Permission>,
    /// `None` without a fence.
    withholding: Option<Withholding>,
}

/// A flag that is set when the fence refuses.
#[derive(Clone, Debug, Default)]
pub(super) struct Withholding(Arc<AtomicBool>);

impl Withholding {
    /// True if the fence has refused.
    pub(super) fn has_happened(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The fence did not permit the body.
#[derive(Debug, Error)]
#[error("the body was withheld")]
pub(super) struct BodyWithheld;

impl Payload {
    pub(super) fn new(bytes: Bytes, fence: Option<Fence>) -> Self {
        Self {
            bytes,
            withholding: fence.as_ref().map(|_| Withholding::default()),
            fence,
            asking: None,
        }
    }

    /// Returns the flag of the fence; `None` without a fence.
    pub(super) fn withholding(&self) -> Option<Withholding> {
        self.withholding.clone()
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = BodyWithheld;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyWithheld>>> {
        if let Some(fence) = self.fence.clone() {
            let asking = self.asking.get_or_insert_with(|| (fence.0)());
            if !ready!(asking.as_mut().poll(context)) {
                if let Some(Withholding(flag)) = &self.withholding {
                    flag.store(true, Ordering::Release);
                }
                return Poll::Ready(Some(Err(BodyWithheld)));
            }
            (self.fence, self.asking) = (None, None);
        }
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
