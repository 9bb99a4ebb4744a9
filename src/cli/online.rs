//! `authseal check --online`: tests connections to the providers' endpoints and the
//! store, and compares this machine's clock with the providers'.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, header::DATE};
use serde::Serialize;
use tokio::task::JoinSet;

use super::store;
use crate::{
    clock::{Clock, Stopwatch, UnixTime},
    config::Config,
    outbound::Outbound,
    provider::{Catalog, LoginMethod},
    store::{
        Creation, FileFault, LeaseTimes, RedisStore, StoreAddress, StoreError, StoreInspection,
    },
    telemetry::Metrics,
};

const DEADLINE: Duration = Duration::from_secs(10);
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

/// The result of one request.
#[derive(Debug, Serialize)]
struct EndpointResult {
    url: String,
    ok: bool,
    /// Status of the answer. Any counts as reached, because these endpoints expect other
    /// requests.
    status: Option<u16>,
    milliseconds: u64,
    error: Option<String>,
    #[serde(skip)]
    clock_ahead: Option<i64>,
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
    let outbound = Outbound::new(config.way_out.clone());
    let endpoints = try_endpoints(&config.offer.catalog, outbound).await;
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
                "this machine's clock is {} by the providers' answers: set it, for example by NTP. \
                 Certificates, keys and logins go by it",
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
                (Some(status), _) => writeln!(f, "  ok      {url}  HTTP {status} after {took} ms")?,
                (None, error) => {
                    let error = error.as_deref().unwrap_or_default();
                    writeln!(f, "  FAILED  {url}  {error}")?;
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
    let duration = Duration::from_secs(ahead.unsigned_abs());
    let duration = humantime::format_duration(duration);
    match ahead {
        -2..=2 => "as that of the providers".to_owned(),
        3.. => format!("{duration} ahead"),
        _ => format!("{duration} behind"),
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

/// Sends a request to every endpoint at the same time.
async fn try_endpoints(catalog: &Catalog, outbound: Outbound) -> Vec<EndpointResult> {
    let mut attempts = JoinSet::new();
    for url in endpoints(catalog) {
        let outbound = outbound.clone();
        attempts.spawn(async move { try_one(&outbound, url).await });
    }
    let mut outcomes = attempts.join_all().await;
    outcomes.sort_by(|one, other| one.url.cmp(&other.url));
    outcomes
}

fn endpoints(catalog: &Catalog) -> BTreeSet<String> {
    let mut urls = BTreeSet::new();
    for service in catalog.iter() {
        let provider = &service.provider;
        if let LoginMethod::Code { authorize_url, .. } = &provider.login {
            urls.insert(authorize_url.to_string());
        }
        let revocation = provider.revocation.iter().map(|revocation| &revocation.url);
        for endpoint in revocation.chain([&provider.token_url]) {
            urls.extend(endpoint.all().map(ToString::to_string));
        }
    }
    urls
}

async fn try_one(outbound: &Outbound, url: String) -> EndpointResult {
    let started = Stopwatch::start();
    let outcome = get(outbound, &url).await;
    let answer = outcome.as_ref().ok();
    EndpointResult {
        url,
        ok: answer.is_some(),
        status: answer.map(|answer| answer.status().as_u16()),
        milliseconds: milliseconds(&started),
        clock_ahead: answer.and_then(|answer| clock_ahead(answer, &started)),
        error: outcome.err(),
    }
}

async fn get(outbound: &Outbound, url: &str) -> Result<Response<Bytes>, String> {
    let request = Request::get(url).body(Vec::new());
    let request = request.map_err(|error| error.to_string())?;
    match tokio::time::timeout(DEADLINE, outbound.send(request)).await {
        Ok(answer) => answer.map_err(|error| with_hint(error.to_string())),
        Err(_elapsed) => Err(format!("no answer within {} s", DEADLINE.as_secs())),
    }
}

/// Adds what a certificate's time most often means: a clock that is wrong here.
fn with_hint(error: String) -> String {
    let is_of_time = error.contains("certificate") && error.contains("verification time");
    match is_of_time {
        true => format!("{error}. Look at this machine's clock first"),
        false => error,
    }
}

/// Compares this clock with the `Date` of an answer (RFC 9110 section 6.6.1), which was
/// written about half-way through the request.
fn clock_ahead(answer: &Response<Bytes>, started: &Stopwatch) -> Option<i64> {
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    let date = UnixTime::from(httpdate::parse_http_date(date).ok()?);
    let half = started.elapsed().as_secs() / 2;
    let here = Clock::system().now().0.saturating_sub(half);
    i64::try_from(here)
        .ok()?
        .checked_sub(i64::try_from(date.0).ok()?)
}

fn milliseconds(started: &Stopwatch) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
