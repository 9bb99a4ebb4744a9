//! The permit to send a refresh token, asked for right before the token leaves.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::store::{Lease, StoreError};

/// Turns a lease into *sent* right before a token is sent under it, for as long as the call
/// may take. If that fails, the token is not sent, and the reason is kept here.
#[derive(Debug)]
pub(super) struct SendPermit {
    lease: Arc<Lease>,
    refusal: Arc<OnceLock<StoreError>>,
}

type Permitted = Pin<Box<dyn Future<Output = bool> + Send>>;

impl SendPermit {
    pub(super) fn new(lease: Arc<Lease>) -> Self {
        Self {
            lease,
            refusal: Arc::default(),
        }
    }

    /// Returns the question that the provider client asks, with the time that is left for
    /// the call.
    pub(super) fn question(&self) -> impl Fn(Duration) -> Permitted + Send + Sync + use<> {
        let (lease, refusal) = (self.lease.clone(), self.refusal.clone());
        move |left| {
            let (lease, refusal) = (lease.clone(), refusal.clone());
            Box::pin(async move {
                let Err(error) = lease.mark_sent(left).await else {
                    return true;
                };
                tracing::warn!("a refresh token was not sent: the store {error}");
                // Set once: no call asks twice.
                let _ = refusal.set(error);
                false
            })
        }
    }

    /// Returns the reason why a token was not sent.
    pub(super) fn refusal(&self) -> StoreError {
        self.refusal.get().cloned().unwrap_or(StoreError::Lost)
    }
}
