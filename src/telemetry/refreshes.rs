//! Counts refreshes by service, key and outcome.

use prometheus_client::{encoding::EncodeLabelSet, metrics::counter::Counter, registry::Registry};

use super::{known_family::KnownFamily, registration::Registration};

/// Counters of refreshes by service, key and outcome.
#[derive(Debug)]
pub(super) struct Refreshes(KnownFamily<Labels, Counter>);

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Labels {
    service: String,
    kid: String,
    outcome: &'static str,
}

impl Refreshes {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self(KnownFamily::new(registry.add(
            "refresh",
            "Refreshes by service, by the key that had sealed the AuthID, and by outcome",
        )))
    }

    pub(super) fn count(&self, service: &str, kid: &str, outcome: &'static str) {
        let is_it = |labels: &Labels| {
            labels.outcome == outcome && labels.kid == kid && labels.service == service
        };
        let labels = || Labels {
            service: service.to_owned(),
            kid: kid.to_owned(),
            outcome,
        };
        self.0.with(is_it, labels, |counter| {
            counter.inc();
        });
    }
}
