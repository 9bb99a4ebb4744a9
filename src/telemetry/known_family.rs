//! Metrics by labels. One that has been used before is found without a lock and without building
//! labels.

use std::hash::Hash;

use arc_swap::ArcSwap;
use prometheus_client::metrics::family::Family;

/// A family of few metrics, which are used at each refresh.
#[derive(Debug)]
pub(super) struct KnownFamily<L, M> {
    family: Family<L, M>,
    /// Clones of the family's metrics, which share their values.
    known: ArcSwap<Vec<(L, M)>>,
}

impl<L: Clone + Eq + Hash, M: Clone> KnownFamily<L, M> {
    pub(super) fn new(family: Family<L, M>) -> Self {
        Self {
            family,
            known: ArcSwap::default(),
        }
    }

    /// Has `record` use the metric whose labels `is_it` accepts; `labels` makes them for the first
    /// use.
    pub(super) fn with(
        &self,
        is_it: impl Fn(&L) -> bool,
        labels: impl FnOnce() -> L,
        record: impl FnOnce(&M),
    ) {
        let known = self.known.load();
        if let Some((_, metric)) = known.iter().find(|(labels, _)| is_it(labels)) {
            return record(metric);
        }
        let labels = labels();
        let metric = self.family.get_or_create_owned(&labels);
        record(&metric);
        let entry = [(labels, metric)];
        // Two threads may both add the same metric at once, which does no harm.
        self.known.rcu(|known| [known.as_slice(), &entry].concat());
    }
}
