//! Refreshes, counted by service, key and outcome.

use arc_swap::ArcSwap;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// How many refreshes there were of each kind.
#[derive(Debug, Default)]
pub(super) struct Refreshes {
    family: Family<Labels, Counter>,
    /// The family's counters once more: found without a lock, and without making labels.
    known: ArcSwap<Vec<(Labels, Counter)>>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Labels {
    service: String,
    kid: String,
    outcome: &'static str,
}

impl Refreshes {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "refresh",
            "Refreshes by service, by the key that had sealed the AuthID, and by outcome",
            self.family.clone(),
        );
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
        // Two that come at once may both add it: it is the same counter.
        self.known.rcu(|known| [known.as_slice(), &entry].concat());
    }
}
