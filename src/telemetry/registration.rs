//! Creates and registers a metric in one call.

use prometheus_client::registry::{Metric, Registry, Unit};

/// Methods that return a handle to what they register; clones of a metric share its value.
pub(super) trait Registration {
    /// Registers a new metric.
    fn add<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M;

    /// Registers a metric whose unit is seconds.
    fn add_seconds<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M;
}

impl Registration for Registry {
    fn add<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.register(name, help, metric.clone());
        metric
    }

    fn add_seconds<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.register_with_unit(name, help, Unit::Seconds, metric.clone());
        metric
    }
}
