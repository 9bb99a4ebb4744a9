//! A histogram of durations that is counted without a lock and without an allocation, unlike
//! that of `prometheus-client`, because every request is counted.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder},
    metrics::{MetricType, TypedMetric, family::Family},
    registry::{Registry, Unit},
};

use super::{Metrics, store::NoLabels};

/// Upper bounds, up to the longest time that a handler has.
const BOUNDS: [Duration; 13] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(25),
];

/// A histogram of durations. Clones share their values.
#[derive(Clone, Debug, Default)]
pub struct Durations(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Number of durations up to each bound and above the one before; the last is for those
    /// above all bounds.
    parts: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Durations {
    /// Counts one.
    pub fn count(&self, took: Duration) {
        let part = BOUNDS.partition_point(|bound| *bound < took);
        self.0.parts[part].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        let bounds = BOUNDS
            .iter()
            .map(Duration::as_secs_f64)
            .chain([f64::INFINITY]);
        let parts = self.0.parts.iter();
        let parts: Vec<(f64, u64)> = bounds
            .zip(parts.map(|part| part.load(Ordering::Relaxed)))
            .collect();
        let all = parts.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_nanos(self.0.nanoseconds.load(Ordering::Relaxed));
        encoder.encode_histogram::<NoLabels>(sum.as_secs_f64(), all, &parts, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Durations {
    const TYPE: MetricType = MetricType::Histogram;
}

/// Durations of requests by route.
#[derive(Clone, Debug, Default)]
pub(super) struct RouteDurations(Family<RouteLabels, Durations>);

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RouteLabels {
    route: &'static str,
}

impl RouteDurations {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let routes = Self::default();
        registry.register_with_unit(
            "request",
            "How long requests took to be answered, from the last byte of the request, by route",
            Unit::Seconds,
            routes.0.clone(),
        );
        routes
    }
}

impl Metrics {
    /// Returns the durations of the requests to one route.
    pub fn requests_to(&self, route: &'static str) -> Durations {
        self.requests.0.get_or_create_owned(&RouteLabels { route })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    #[test]
    fn a_duration_counts_for_its_bound_and_all_above() {
        let mut registry = Registry::default();
        let durations = Durations::default();
        registry.register("took", "Took", durations.clone());
        for milliseconds in [0, 1, 2, 25_000, 25_001, 4_000_000] {
            durations.count(Duration::from_millis(milliseconds));
        }
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "took_sum 4050.004",
            "took_count 6",
            "took_bucket{le=\"0.001\"} 2",
            "took_bucket{le=\"0.005\"} 3",
            "took_bucket{le=\"10.0\"} 3",
            "took_bucket{le=\"25.0\"} 4",
            "took_bucket{le=\"+Inf\"} 6",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
    }
}
