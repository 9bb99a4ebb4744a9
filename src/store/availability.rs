//! Success and failure of a store's commands, for logs and metrics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::StoreError;
use crate::telemetry::Metrics;

/// Notes how each command of a store ended. Only a change is logged, not each failure.
#[derive(Debug)]
pub(super) struct Availability {
    /// The store in a sentence, such as `the store at localhost:6379`.
    place: String,
    pub(super) metrics: Arc<Metrics>,
    /// True if the last command succeeded.
    is_up: AtomicBool,
}

impl Availability {
    pub(super) fn new(place: String, metrics: Arc<Metrics>) -> Self {
        Self {
            place,
            metrics,
            is_up: AtomicBool::new(true),
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn note(&self, failure: Option<&StoreError>, took: Duration) {
        let place = &self.place;
        self.metrics
            .store_answered(failure.map(StoreError::kind), took);
        let was_up = self.is_up.swap(failure.is_none(), Ordering::Relaxed);
        match failure {
            Some(error) if was_up => tracing::error!("{place} {error}"),
            None if !was_up => tracing::info!("{place} answers again"),
            _ => {}
        }
    }
}
