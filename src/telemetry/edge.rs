//! The numbers of the two edges: connections that come in, calls that go out, and
//! logins that are turned away.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// The connections of one server.
#[derive(Clone, Debug, Default)]
pub struct ConnectionMetrics {
    /// Open now.
    pub open: Gauge,
    /// Closed to make room for others.
    pub displaced: Counter,
    /// Closed because they asked for nothing for too long.
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

/// The calls to one provider.
#[derive(Clone, Debug, Default)]
pub struct LaneMetrics {
    waiting: Gauge,
    under_way: Gauge,
    /// How often the provider began to be left alone.
    pub opened: Counter,
    /// Calls that were not made, because the provider is left alone.
    pub resting: Counter,
    /// Calls that were not made, because too many wait.
    pub crowded: Counter,
}

/// One more in a gauge, until this is dropped.
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
    /// One more call waits for room.
    pub fn waits(&self) -> Counted {
        Counted::by(&self.waiting)
    }

    /// One more call is under way.
    pub fn under_way(&self) -> Counted {
        Counted::by(&self.under_way)
    }
}

/// The calls to every provider.
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
    /// Those of one provider.
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

/// Logins that were turned away.
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
