//! Metrics of the two edges: incoming connections, requests to providers, and refused
//! logins.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{Metrics, registration::Registration};

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
    /// Number of requests that were answered without their handlers.
    pub unserved: Counter,
}

impl ConnectionMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self {
            open: registry.add("connections", "Open connections"),
            displaced: registry.add(
                "connections_displaced",
                "Connections that were closed, while they asked for nothing, to make room for \
                 others",
            ),
            timed_out: registry.add(
                "connections_timed_out",
                "Connections that were closed because they asked for nothing for too long",
            ),
            unserved: registry.add(
                "requests_unserved",
                "Requests that were told to try again, because the server was full or stopping, or \
                 they took too long to arrive",
            ),
        }
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
    /// Number of requests that a refresh sent again after a failure.
    pub retried: Counter,
    /// Number of requests that were not sent, because the circuit breaker is open.
    pub resting: Counter,
    /// Number of requests that were not sent, because too many were waiting.
    pub crowded: Counter,
}

/// A guard that counts one in a gauge until it is dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    pub(super) fn by(gauge: &Gauge) -> Self {
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
#[derive(Debug)]
pub(super) struct LanesMetrics {
    waiting: Family<ProviderLabels, Gauge>,
    under_way: Family<ProviderLabels, Gauge>,
    opened: Family<ProviderLabels, Counter>,
    retried: Family<ProviderLabels, Counter>,
    refused: Family<RefusedLabels, Counter>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct ProviderLabels {
    pub(super) provider: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RefusedLabels {
    provider: String,
    reason: &'static str,
}

impl LanesMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self {
            waiting: registry.add(
                "provider_calls_waiting",
                "Calls that wait until fewer of the same provider are under way",
            ),
            under_way: registry.add(
                "provider_calls_under_way",
                "Calls that were begun and have not ended, logins and revocations included",
            ),
            opened: registry.add(
                "provider_left_alone",
                "How often a provider began to be left alone, because calls for several logins in \
                 a row had failed",
            ),
            retried: registry.add(
                "provider_retries",
                "Calls that a refresh made again after a failure",
            ),
            refused: registry.add(
                "provider_calls_refused",
                "Calls that were not made: the provider is resting, or its queue is crowded",
            ),
        }
    }
}

impl Metrics {
    /// Returns the metrics of the requests to one provider.
    pub fn lane(&self, provider: &str) -> LaneMetrics {
        let lanes = &self.lanes;
        let labels = ProviderLabels {
            provider: provider.to_owned(),
        };
        let refused = |reason| {
            let labels = RefusedLabels {
                provider: provider.to_owned(),
                reason,
            };
            lanes.refused.get_or_create(&labels).clone()
        };
        LaneMetrics {
            waiting: lanes.waiting.get_or_create(&labels).clone(),
            under_way: lanes.under_way.get_or_create(&labels).clone(),
            opened: lanes.opened.get_or_create(&labels).clone(),
            retried: lanes.retried.get_or_create(&labels).clone(),
            resting: refused("resting"),
            crowded: refused("crowded"),
        }
    }

    /// Counts a login that this gate refused.
    pub fn login_refused(&self, gate: &'static str) {
        let labels = GateLabels { gate };
        self.logins.refused.get_or_create(&labels).inc();
    }
}

/// Counts what providers refused.
#[derive(Clone, Debug, Default)]
pub struct RefusalMetrics(Family<RefusalLabels, Counter>);

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RefusalLabels {
    provider: String,
    phase: &'static str,
    code: String,
}

impl RefusalMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self(registry.add(
            "provider_refusals",
            "Requests that a provider refused, by phase (login, refresh, revocation) and by its \
             error code: one of providers.toml or of a standard, or other",
        ))
    }

    /// Counts one. The code must be one that the settings or the program list.
    pub fn count(&self, provider: &str, phase: &'static str, code: &str) {
        let labels = RefusalLabels {
            provider: provider.to_owned(),
            phase,
            code: code.to_owned(),
        };
        self.0.get_or_create(&labels).inc();
    }
}

impl Metrics {
    /// Returns the counter of refused requests.
    pub fn refusals(&self) -> RefusalMetrics {
        self.refusals.clone()
    }
}

/// Metrics of refused logins.
#[derive(Debug)]
pub(super) struct LoginMetrics {
    refused: Family<GateLabels, Counter>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct GateLabels {
    gate: &'static str,
}

impl LoginMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self {
            refused: registry.add(
                "login_refused",
                "Visits that LOGIN_NETWORKS, LOGIN_HEADER or LOGIN_PASSWORD turned away, and \
                 wrong passwords",
            ),
        }
    }
}
