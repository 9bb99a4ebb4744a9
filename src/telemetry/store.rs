//! Metrics of the shared store.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// Metrics of the store's commands, and of AuthIDs that wait for it.
#[derive(Debug)]
pub(super) struct StoreMetrics {
    up: Family<NoLabels, Gauge>,
    commands: Histogram,
    errors: Family<StoreLabels, Counter>,
    unsaved_authids: Gauge,
    leases_taken_over: Counter,
}

/// Empty labels of a metric that is absent until its value is known.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct NoLabels {}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct StoreLabels {
    kind: &'static str,
}

impl StoreMetrics {
    pub(super) fn new() -> Self {
        Self {
            up: Family::default(),
            // 0.1 ms to 2 s, which is the deadline.
            commands: Histogram::new(exponential_buckets(0.0001, 3.0, 10)),
            errors: Family::default(),
            unsaved_authids: Gauge::default(),
            leases_taken_over: Counter::default(),
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "store_up",
            "1 if the shared store answered the last command, 0 if not; absent before the first",
            self.up.clone(),
        );
        registry.register_with_unit(
            "store_command",
            "How long the shared store took to answer",
            Unit::Seconds,
            self.commands.clone(),
        );
        registry.register(
            "store_errors",
            "Commands that the shared store did not carry out",
            self.errors.clone(),
        );
        registry.register(
            "unsaved_authids",
            "Newest AuthIDs in this process's memory that the shared store does not have yet",
            self.unsaved_authids.clone(),
        );
        registry.register(
            "leases_taken_over",
            "Logins that another server left in the middle of a refresh",
            self.leases_taken_over.clone(),
        );
    }

    /// Records a command: its duration, and the kind of failure if it failed.
    pub(super) fn answered(&self, failure: Option<&'static str>, took: Duration) {
        self.up
            .get_or_create(&NoLabels {})
            .set(failure.is_none().into());
        self.commands.observe(took.as_secs_f64());
        if let Some(kind) = failure {
            self.errors.get_or_create(&StoreLabels { kind }).inc();
        }
    }

    /// Counts one more AuthID that waits to be stored, until the guard is dropped.
    pub(super) fn unsaved_authid(&self) -> Unsaved {
        self.unsaved_authids.inc();
        Unsaved(self.unsaved_authids.clone())
    }

    /// Counts a login that this server continued after another server had stopped in the
    /// middle of a refresh.
    pub(super) fn lease_taken_over(&self) {
        self.leases_taken_over.inc();
    }
}

/// The guard of an AuthID that waits to be stored.
#[derive(Debug)]
pub struct Unsaved(Gauge);

impl Drop for Unsaved {
    fn drop(&mut self) {
        self.0.dec();
    }
}
