//! Metrics for administrators, in the Prometheus text format.
//!
//! Every label's value comes from the settings, from the keys folder or from the code, so
//! no request can create a new time series.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

use super::{
    durations::RouteDurations,
    edge::{ConnectionMetrics, LanesMetrics, LoginMetrics, ProviderLabels, RefusalMetrics},
    known_family::KnownFamily,
    log_output,
    process::ProcessNumbers,
    prometheus_text,
    refreshes::Refreshes,
    registration::Registration,
    store::{NoLabels, StoreMetrics},
};

/// Upper bounds of provider calls in seconds, up to the deadline.
const CALL_BUCKETS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0];

/// All metrics of one authseal process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    refreshes: Refreshes,
    pub(super) requests: RouteDurations,
    old_authids: Family<OldLabels, Counter>,
    provider_calls: KnownFamily<ProviderLabels, Histogram>,
    revoked_hits: Counter,
    reloads: Counter,
    reload_errors: Counter,
    keys_loaded: Gauge,
    keys_missing: Gauge,
    revocations: Gauge,
    revocations_loaded: Gauge,
    cached_tokens: Gauge,
    flights: Gauge,
    key_ages: Family<KeyLabels, Gauge<f64, AtomicU64>>,
    key_ends: Family<KeyLabels, Gauge<f64, AtomicU64>>,
    pub(super) store: StoreMetrics,
    connections: ConnectionMetrics,
    pub(super) lanes: LanesMetrics,
    pub(super) logins: LoginMetrics,
    pub(super) refusals: RefusalMetrics,
    certificate_reload_errors: Counter,
    files_hang: Family<FilesLabels, Gauge>,
    /// Without a value where there is no certificate.
    certificate_end: Family<NoLabels, Gauge<f64, AtomicU64>>,
    dropped_lines: Counter,
    audit_lines_lost: Counter,
    audit_lines_waiting: Gauge,
    rotating: Family<ProviderLabels, Gauge>,
}

/// Format of `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// The text format of Prometheus, which all collectors read.
    Prometheus,
    /// OpenMetrics, for collectors that ask for it.
    OpenMetrics,
}

impl Exposition {
    /// Returns the media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Metrics of one key.
#[derive(Clone, Copy, Debug)]
pub struct KeyNumbers<'a> {
    /// Id of the key.
    pub kid: &'a str,
    /// State of the key: pending, sealing, opening or retired.
    pub state: &'static str,
    /// Time since the key was made.
    pub age: Duration,
    /// Time at which the key stops opening AuthIDs, in seconds since the Unix epoch.
    pub end: Option<u64>,
}

/// The result of one check of the keys folder.
#[derive(Clone, Copy, Debug)]
pub struct FolderNumbers {
    /// True if the keys in use are those of the folder.
    pub keys_are_whole: bool,
    /// Number of keys that are gone from the folder.
    pub keys_missing: usize,
    /// Number of revocations in force.
    pub revocations: usize,
    /// True if the revocations in force are those of `revoked.txt`.
    pub revocations_are_whole: bool,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct OldLabels {
    form: &'static str,
    service: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct FilesLabels {
    files: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct KeyLabels {
    kid: String,
    state: &'static str,
}

impl Metrics {
    /// Creates all metrics at zero, except those that say that keys and revocations are
    /// loaded.
    pub fn new() -> Self {
        let mut all = Registry::default();
        all.register_collector(Box::new(ProcessNumbers));
        let registry = all.sub_registry_with_prefix("authseal");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "This program", build);
        let metrics = Self {
            refreshes: Refreshes::new(registry),
            requests: RouteDurations::new(registry),
            old_authids: registry.add(
                "old_authids",
                "AuthIDs of Duplicati's own server that were presented and opened, by form and \
                 service",
            ),
            provider_calls: KnownFamily::new(registry.add_seconds(
                "provider_call",
                "How long providers took to answer a refresh",
                Family::new_with_constructor(|| Histogram::new(CALL_BUCKETS)),
            )),
            revoked_hits: registry.add(
                "revoked_hits",
                "Refreshes with an AuthID that revoked.txt revokes",
            ),
            reloads: registry.add("key_reloads", "Loads of the keys that succeeded"),
            reload_errors: registry.add(
                "key_reload_errors",
                "Loads of the keys that failed, so that the last good set stayed",
            ),
            keys_loaded: registry.add(
                "keys_loaded",
                "1 if the keys in use are those in the folder, 0 if the last load failed",
            ),
            keys_missing: registry.add(
                "keys_missing",
                "Keys whose files are gone from the folder without authseal keys remove",
            ),
            revocations: registry.add("revocations", "Lineages and rules that revoke"),
            revocations_loaded: registry.add(
                "revocations_loaded",
                "1 if the revocations in force are those in revoked.txt, 0 if it is damaged or \
                 gone",
            ),
            cached_tokens: registry.add("cached_tokens", "Access tokens in memory"),
            flights: registry.add("flights", "Provider calls under way"),
            key_ages: registry.add_seconds(
                "key_age",
                "Age of each key, by its state",
                Family::default(),
            ),
            key_ends: registry.add_seconds(
                "key_end_timestamp",
                "When each key that has an end stops to open",
                Family::default(),
            ),
            store: StoreMetrics::new(registry),
            connections: ConnectionMetrics::new(registry),
            lanes: LanesMetrics::new(registry),
            logins: LoginMetrics::new(registry),
            refusals: RefusalMetrics::new(registry),
            dropped_lines: registry.add(
                "log_lines_dropped",
                "Log lines that were lost: standard error was not read in time, or could not be written",
            ),
            audit_lines_lost: registry.add(
                "audit_lines_lost",
                "Lines of the audit log that were lost, because it could not be written in time",
            ),
            audit_lines_waiting: registry.add(
                "audit_lines_waiting",
                "Lines of the audit log that wait to be written",
            ),
            certificate_reload_errors: registry.add(
                "certificate_reload_errors",
                "Loads of TLS_CERT and TLS_KEY that failed, so that the last good pair stayed",
            ),
            files_hang: registry.add(
                "files_hang",
                "1 while the file system of these files does not answer, so that what was read \
                 last stays in use",
            ),
            certificate_end: registry.add_seconds(
                "certificate_expiration_timestamp",
                "When the certificate of TLS_CERT in use expires",
                Family::default(),
            ),
            rotating: registry.add(
                "provider_rotates_unexpectedly",
                "1 for each provider that replaces refresh tokens although its table says \
                 \"stable\"",
            ),
            registry: all,
        };
        // The server does not start without a first load, so both are loaded.
        metrics.keys_loaded.set(1);
        metrics.revocations_loaded.set(1);
        metrics
    }

    /// Counts a refresh. `service` and `kid` are empty if the AuthID did not open,
    /// because they would be text of the client; `kid` is also empty if the AuthID has no
    /// key.
    pub fn refreshed(&self, service: &str, kid: &str, outcome: &'static str) {
        self.refreshes.count(service, kid, outcome);
        if outcome == "revoked" {
            self.revoked_hits.inc();
        }
    }

    /// Counts an AuthID of oauth-server: `v1`, or a clear `v2`.
    pub fn old_authid(&self, form: &'static str, service: &str) {
        let service = service.to_owned();
        let labels = OldLabels { form, service };
        self.old_authids.get_or_create(&labels).inc();
    }

    /// Records the duration of a refresh at a provider, successful or not.
    pub fn provider_called(&self, provider: &str, took: Duration) {
        let labels = || ProviderLabels {
            provider: provider.to_owned(),
        };
        let is_it = |labels: &ProviderLabels| labels.provider == provider;
        self.provider_calls
            .with(is_it, labels, |calls| calls.observe(took.as_secs_f64()));
    }

    /// Returns the metrics of the service's connections.
    pub fn connections(&self) -> ConnectionMetrics {
        self.connections.clone()
    }

    /// Counts a failed reload of the certificate.
    pub fn certificate_not_reloaded(&self) {
        self.certificate_reload_errors.inc();
    }

    /// Counts lines of the audit log that are lost.
    pub fn audit_lines_lost(&self, lines: u64) {
        self.audit_lines_lost.inc_by(lines);
    }

    /// Counts more lines of the audit log that wait, or fewer.
    pub fn audit_line_waits(&self, more: i64) {
        self.audit_lines_waiting.inc_by(more);
    }

    /// Records if the file system of these files, "keys" or "certificate", does not answer.
    pub fn files_hang(&self, files: &'static str, hang: bool) {
        let labels = FilesLabels { files };
        self.files_hang.get_or_create(&labels).set(hang.into());
    }

    /// Sets the time at which the certificate expires, in seconds since the Unix epoch.
    pub fn certificate_ends(&self, at: u64) {
        self.certificate_end
            .get_or_create(&NoLabels {})
            .set(at as f64);
    }

    /// Marks a provider that replaces refresh tokens although its table says that it does
    /// not.
    pub fn rotates_unexpectedly(&self, provider: &str) {
        let labels = ProviderLabels {
            provider: provider.to_owned(),
        };
        self.rotating.get_or_create(&labels).set(1);
    }

    /// Records the result of a check of the keys folder.
    pub fn looked_at_keys(&self, found: &FolderNumbers) {
        self.keys_loaded.set(found.keys_are_whole.into());
        self.keys_missing.set(as_i64(found.keys_missing));
        self.revocations.set(as_i64(found.revocations));
        self.revocations_loaded
            .set(found.revocations_are_whole.into());
        if found.keys_are_whole && found.revocations_are_whole {
            self.reloads.inc();
        } else {
            self.reload_errors.inc();
        }
    }

    /// Returns all metrics as text. The arguments are known only at the time of the
    /// scrape: tokens in memory, provider calls in progress, and the keys by id, state
    /// and age.
    pub fn scrape<'a>(
        &self,
        exposition: Exposition,
        cached_tokens: usize,
        flights: usize,
        keys: impl Iterator<Item = KeyNumbers<'a>>,
    ) -> String {
        self.cached_tokens.set(as_i64(cached_tokens));
        self.flights.set(as_i64(flights));
        self.key_ages.clear();
        self.key_ends.clear();
        for key in keys {
            let labels = KeyLabels {
                kid: key.kid.to_owned(),
                state: key.state,
            };
            let age = key.age.as_secs_f64();
            self.key_ages.get_or_create(&labels).set(age);
            if let Some(end) = key.end {
                self.key_ends.get_or_create(&labels).set(end as f64);
            }
        }
        // Counted by the log's queue. Scrapes at the same moment store the same number.
        let dropped = log_output::dropped_lines();
        self.dropped_lines.inner().store(dropped, Ordering::Relaxed);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string");
        match exposition {
            Exposition::Prometheus => prometheus_text::from_open_metrics(&text),
            Exposition::OpenMetrics => text,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn as_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
