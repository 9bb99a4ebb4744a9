//! Metrics of the two edges: incoming connections, requests to providers, and refused
//! logins.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Metrics of the connections of one server.
#[derive(Clone, Debug, Default)]
pub struct ConnectionMetrics {
    /// Number of open connections.
    pub open: Gauge,
    /// Number of connections that were closed to make room for others.
    pub displaced: Counter,
    /// Number of connections that were closed because they sent no request within the
    /// timeout.
    pub timed_out: Counter,
}

impl ConnectionMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("connections", "Open connections", self.open.clone());
        registry.register(
            "connections_displaced",
            "Connections that were closed, while they asked for nothing, to make room for others",
            self.displaced.clone(),
        );
        registry.register(
            "connections_timed_out",
            "Connections that were closed because they asked for nothing for too long",
            self.timed_out.clone(),
        );
    }
}

/// Metrics of the requests to one provider.
#[derive(Clone, Debug, Default)]
pub struct LaneMetrics {
    waiting: Gauge,
    under_way: Gauge,
    /// Number of times that the circuit breaker opened: no requests to this provider for
    /// a while.
    pub opened: Counter,
    /// Number of requests that were not sent, because the circuit breaker is open.
    pub resting: Counter,
    /// Number of requests that were not sent, because too many were waiting.
    pub crowded: Counter,
}

/// A guard that counts one in a gauge until it is dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    fn by(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl LaneMetrics {
    /// Counts one more request that waits, until the guard is dropped.
    pub fn waits(&self) -> Counted {
        Counted::by(&self.waiting)
    }

    /// Counts one more request in progress, until the guard is dropped.
    pub fn under_way(&self) -> Counted {
        Counted::by(&self.under_way)
    }
}

/// Metrics of the requests to all providers.
#[derive(Debug, Default)]
pub(super) struct LanesMetrics {
    waiting: Family<LaneLabels, Gauge>,
    under_way: Family<LaneLabels, Gauge>,
    opened: Family<LaneLabels, Counter>,
    refused: Family<RefusedLabels, Counter>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct LaneLabels {
    provider: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RefusedLabels {
    provider: String,
    reason: &'static str,
}

impl LanesMetrics {
    /// Returns the metrics of one provider.
    pub(super) fn of(&self, provider: &str) -> LaneMetrics {
        let labels = LaneLabels {
            provider: provider.to_owned(),
        };
        let refused = |reason| {
            let labels = RefusedLabels {
                provider: provider.to_owned(),
                reason,
            };
            self.refused.get_or_create(&labels).clone()
        };
        LaneMetrics {
            waiting: self.waiting.get_or_create(&labels).clone(),
            under_way: self.under_way.get_or_create(&labels).clone(),
            opened: self.opened.get_or_create(&labels).clone(),
            resting: refused("resting"),
            crowded: refused("crowded"),
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "provider_calls_waiting",
            "Calls that wait until fewer of the same provider are under way",
            self.waiting.clone(),
        );
        registry.register(
            "provider_calls_under_way",
            "Calls that were begun and have not ended, logins and revocations included",
            self.under_way.clone(),
        );
        registry.register(
            "provider_left_alone",
            "How often a provider began to be left alone, because it had not answered several \
             times in a row",
            self.opened.clone(),
        );
        registry.register(
            "provider_calls_refused",
            "Calls that were not made: the provider is resting, or its queue is crowded",
            self.refused.clone(),
        );
    }
}

/// Metrics of refused logins.
#[derive(Debug, Default)]
pub(super) struct LoginMetrics {
    refused: Family<GateLabels, Counter>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct GateLabels {
    gate: &'static str,
}

impl LoginMetrics {
    pub(super) fn refused(&self, gate: &'static str) {
        self.refused.get_or_create(&GateLabels { gate }).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "login_refused",
            "Visits that LOGIN_NETWORKS, LOGIN_HEADER or LOGIN_PASSWORD turned away, and wrong \
             passwords",
            self.refused.clone(),
        );
    }
}
