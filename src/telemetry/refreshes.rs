//! Counts refreshes by service, key and outcome.

use arc_swap::ArcSwap;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::registration::Registration;

/// Counters of refreshes by service, key and outcome.
#[derive(Debug)]
pub(super) struct Refreshes {
    family: Family<Labels, Counter>,
    /// Clones of the family's counters, which share their values and are found without a
    /// lock and without building labels.
    known: ArcSwap<Vec<(Labels, Counter)>>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Labels {
    service: String,
    kid: String,
    outcome: &'static str,
}

impl Refreshes {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self {
            family: registry.add(
                "refresh",
                "Refreshes by service, by the key that had sealed the AuthID, and by outcome",
            ),
            known: ArcSwap::default(),
        }
    }

    pub(super) fn count(&self, service: &str, kid: &str, outcome: &'static str) {
        let known = self.known.load();
        let found = known.iter().find(|(labels, _)| {
            labels.outcome == outcome && labels.kid == kid && labels.service == service
        });
        if let Some((_, counter)) = found {
            counter.inc();
            return;
        }
        let labels = Labels {
            service: service.to_owned(),
            kid: kid.to_owned(),
            outcome,
        };
        let counter = self.family.get_or_create_owned(&labels);
        counter.inc();
        let entry = [(labels, counter)];
        // Two threads may both add the same counter at once, which does no harm.
        self.known.rcu(|known| [known.as_slice(), &entry].concat());
    }
}
