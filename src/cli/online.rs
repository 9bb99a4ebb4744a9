//! `authseal check --online`: tests connections to the providers' endpoints and the
//! store, and compares this machine's clock with the providers'.

mod endpoints;

use std::{fmt, sync::Arc, time::Duration};

use serde::Serialize;

use super::store;
use crate::{
    clock::{Clock, Stopwatch},
    config::Config,
    store::{
        Creation, FileFault, LeaseTimes, RedisStore, StoreAddress, StoreError, StoreInspection,
    },
    telemetry::Metrics,
};

use endpoints::{EndpointResult, Tries};

/// Difference between this clock and the providers' from which it is reported. TLS, keys and
/// cookies tolerate a minute.
const NOTABLE_SECONDS: u64 = 30;

/// The results. `--json` prints them as they are.
#[derive(Debug, Serialize)]
pub(super) struct Online {
    endpoints: Vec<EndpointResult>,
    store: Option<StoreResult>,
    /// Seconds by which this machine's clock is ahead of the providers', by the `Date` of
    /// their answers; negative if it is behind, `None` if no answer has one.
    clock_ahead_seconds: Option<i64>,
}

/// The result for the store.
#[derive(Debug, Serialize)]
struct StoreResult {
    hosts: String,
    ok: bool,
    milliseconds: u64,
    /// Answers of the store about itself: its version, and what it keeps.
    facts: Vec<String>,
    #[serde(skip)]
    warnings: Vec<String>,
    error: Option<String>,
}

/// Tests every connection that `serve` will need.
pub(super) async fn try_all(config: &Config) -> Online {
    let tries = Tries::new(config.way_out.clone());
    let endpoints = tries.all(&config.offer.catalog).await;
    let store = match &config.memory.store {
        Some(url) => Some(try_store(url).await),
        None => None,
    };
    let ahead = endpoints.iter().filter_map(|endpoint| endpoint.clock_ahead);
    Online {
        clock_ahead_seconds: median(ahead.collect()),
        endpoints,
        store,
    }
}

impl Online {
    /// Returns a sentence for each kind of failure.
    pub(super) fn problems(&self) -> Vec<String> {
        let failed = self.endpoints.iter().filter(|endpoint| !endpoint.ok);
        let (failed, all) = (failed.count(), self.endpoints.len());
        let endpoints = (failed > 0)
            .then(|| format!("{failed} of {all} endpoints cannot be reached from here"));
        let failed = self.store.as_ref().filter(|store| !store.ok);
        let store = failed.map(|store| {
            let why = store.error.as_deref().unwrap_or_default();
            format!("the store that AUTHSEAL_STORE_URL names cannot be used from here: {why}")
        });
        endpoints.into_iter().chain(store).collect()
    }

    /// Returns a sentence if this machine's clock is wrong.
    pub(super) fn warnings(&self) -> Vec<String> {
        let ahead = self.clock_ahead_seconds;
        let notable = ahead.filter(|ahead| ahead.unsigned_abs() > NOTABLE_SECONDS);
        let warning = notable.map(|ahead| {
            format!(
                "this machine's clock is {}, by the time in the providers' answers: set it, for \
                 example by NTP. Certificates, keys and logins go by it",
                described(ahead)
            )
        });
        let store = self.store.iter().flat_map(|store| {
            let named = |warning| format!("the store at {}: {warning}", store.hosts);
            store.warnings.iter().map(named)
        });
        warning.into_iter().chain(store).collect()
    }
}

impl fmt::Display for Online {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Endpoints")?;
        for endpoint in &self.endpoints {
            let (url, took) = (&endpoint.url, endpoint.milliseconds);
            match (endpoint.status, &endpoint.error) {
                (_, Some(error)) => writeln!(f, "  FAILED  {url}  {error}")?,
                (status, None) => {
                    let status = status.unwrap_or_default();
                    writeln!(f, "  ok      {url}  HTTP {status} after {took} ms")?;
                }
            }
        }
        if let Some(ahead) = self.clock_ahead_seconds {
            writeln!(f, "Clock          {}", described(ahead))?;
        }
        let Some(store) = &self.store else {
            return Ok(());
        };
        writeln!(f, "\nStore")?;
        let (hosts, took) = (&store.hosts, store.milliseconds);
        match &store.error {
            None => {
                let facts = store.facts.join("; ");
                writeln!(f, "  ok      {hosts}  {facts}, after {took} ms")
            }
            Some(error) => writeln!(f, "  FAILED  {hosts}  {error}"),
        }
    }
}

fn described(ahead: i64) -> String {
    let duration = roughly(ahead.unsigned_abs());
    match ahead {
        -2..=2 => "as that of the providers".to_owned(),
        3.. => format!("{duration} ahead"),
        _ => format!("{duration} behind"),
    }
}

/// Writes a number of seconds in one or two units.
fn roughly(seconds: u64) -> String {
    const DAY: u64 = 24 * 60 * 60;
    const YEAR: u64 = 365 * DAY;
    match seconds {
        _ if seconds >= 2 * YEAR => format!("{} years", seconds / YEAR),
        _ if seconds >= 2 * DAY => format!("{} days", seconds / DAY),
        _ => {
            let exact = humantime::format_duration(Duration::from_secs(seconds)).to_string();
            let units: Vec<&str> = exact.split(' ').take(2).collect();
            units.join(" ")
        }
    }
}

/// Returns the middle value: one provider with a wrong clock changes nothing.
fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

async fn try_store(address: &StoreAddress) -> StoreResult {
    let started = Stopwatch::start();
    let found = look_at_store(address).await;
    let (found, error) = match found {
        Ok(found) if found.problems.is_empty() => (found, None),
        Ok(found) => (found.clone(), Some(found.problems.join("; "))),
        Err(error) => (StoreInspection::default(), Some(error.to_string())),
    };
    StoreResult {
        hosts: match address {
            StoreAddress::Redis(url) => url.hosts(),
            StoreAddress::Folder(path) => path.display().to_string(),
        },
        ok: error.is_none(),
        milliseconds: milliseconds(&started),
        facts: found.facts,
        warnings: found.warnings,
        error,
    }
}

/// Uses the store once, and returns what it says of itself.
async fn look_at_store(address: &StoreAddress) -> Result<StoreInspection, StoreError> {
    if let StoreAddress::Redis(url) = address {
        let redis = RedisStore::new(url, Arc::new(Metrics::new()), LeaseTimes::default())?;
        redis.ping().await?;
        let mut found = redis.inspect().await?;
        found.facts.insert(0, "accepts values".to_owned());
        return Ok(found);
    }
    let folder = store::open(address, Creation::Forbidden)?;
    let contents = folder.contents(&Clock::system()).await;
    folder.close().await;
    let fact = match contents {
        Ok(contents) => format!("has {} logins", contents.logins),
        Err(StoreError::File(FileFault::Absent)) => "does not exist yet; serve makes it".to_owned(),
        Err(error) => return Err(error),
    };
    Ok(StoreInspection {
        facts: vec![fact],
        ..StoreInspection::default()
    })
}

fn milliseconds(started: &Stopwatch) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
