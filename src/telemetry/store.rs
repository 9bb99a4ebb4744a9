//! Metrics of the store.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::{Metrics, edge::Counted, registration::Registration};

/// Upper bounds of the store's commands in seconds, up to the deadline.
const COMMAND_BUCKETS: [f64; 11] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 2.0,
];

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
pub(super) struct NoLabels {}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct StoreLabels {
    kind: &'static str,
}

impl StoreMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self {
            up: registry.add(
                "store_up",
                "1 if the store answered the last command, 0 if not; absent before the \
                 first",
            ),
            commands: registry.add_seconds(
                "store_command",
                "How long the store took to answer",
                Histogram::new(COMMAND_BUCKETS),
            ),
            errors: registry.add("store_errors", "Commands that the store did not carry out"),
            unsaved_authids: registry.add(
                "unsaved_authids",
                "Newest AuthIDs in this process's memory that the store does not have yet",
            ),
            leases_taken_over: registry.add(
                "leases_taken_over",
                "Logins that another server left in the middle of a refresh",
            ),
        }
    }
}

impl Metrics {
    /// Records a command of the store: its duration, and the kind of failure if it
    /// failed.
    pub fn store_answered(&self, failure: Option<&'static str>, took: Duration) {
        let StoreMetrics { up, errors, .. } = &self.store;
        up.get_or_create(&NoLabels {}).set(failure.is_none().into());
        self.store.commands.observe(took.as_secs_f64());
        if let Some(kind) = failure {
            errors.get_or_create(&StoreLabels { kind }).inc();
        }
    }

    /// Counts one more AuthID that waits to be stored, until the guard is dropped.
    pub fn unsaved_authid(&self) -> Counted {
        Counted::by(&self.store.unsaved_authids)
    }

    /// Counts a login that this server continued after another server had stopped in the
    /// middle of a refresh.
    pub fn lease_taken_over(&self) {
        self.store.leases_taken_over.inc();
    }
}
