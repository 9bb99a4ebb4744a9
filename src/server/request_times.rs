//! Response times of the public address, by route.

use std::time::Duration;

use super::{
    dispatch::NO_ROUTE,
    routes::{self, Route},
};
use crate::telemetry::{Durations, Metrics};

/// Durations of requests. The routes are those of the table, so that no request creates a
/// time series.
#[derive(Debug)]
pub struct RequestTimes {
    /// In the order of the table.
    by_route: Vec<Durations>,
    other: Durations,
}

impl RequestTimes {
    /// Begins at zero for each route.
    pub fn new(metrics: &Metrics) -> Self {
        let routes = routes::all().iter();
        Self {
            by_route: routes
                .map(|route| metrics.requests_to(route.path))
                .collect(),
            other: metrics.requests_to(NO_ROUTE),
        }
    }

    /// Counts a request that has its answer.
    pub(super) fn count(&self, route: Option<&Route>, took: Duration) {
        let known = route.and_then(|route| self.by_route.get(route.number));
        known.unwrap_or(&self.other).count(took);
    }
}
