//! `authseal check --online`: tests connections to the providers' endpoints and the
//! store, and compares this machine's clock with the providers'.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    Method, Request, Response, StatusCode, Uri,
    header::{CONTENT_TYPE, DATE, LOCATION},
};
use serde::Serialize;
use tokio::task::JoinSet;
use url::Url;

use super::store;
use crate::{
    clock::{Clock, Stopwatch, UnixTime},
    config::Config,
    outbound::{Outbound, OutboundProxy},
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
    /// Status of the answer. Most count as reached, because these endpoints expect other
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
    let tries = Tries {
        outbound,
        proxy: config.way_out.proxy.clone(),
    };
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

/// The client for requests to endpoints, and the proxy that it uses.
#[derive(Clone)]
struct Tries {
    outbound: Outbound,
    proxy: OutboundProxy,
}

/// Returns the URL of each endpoint, with true for those that this server calls itself. A
/// browser opens the others, and may be redirected there.
fn endpoints(catalog: &Catalog) -> BTreeMap<String, bool> {
    let mut urls = BTreeMap::new();
    for service in catalog.iter() {
        let provider = &service.provider;
        if let LoginMethod::Code { authorize_url, .. } = &provider.login {
            urls.entry(authorize_url.to_string()).or_insert(false);
        }
        let revocation = provider.revocation.iter().map(|revocation| &revocation.url);
        for endpoint in revocation.chain([&provider.token_url]) {
            urls.extend(endpoint.all().map(|url| (url.to_string(), true)));
        }
    }
    urls
}

impl Tries {
    /// Sends a request to every endpoint at the same time.
    async fn all(&self, catalog: &Catalog) -> Vec<EndpointResult> {
        let mut attempts = JoinSet::new();
        for (url, is_called) in endpoints(catalog) {
            let tries = self.clone();
            attempts.spawn(async move { tries.one(url, is_called).await });
        }
        let mut outcomes = attempts.join_all().await;
        outcomes.sort_by(|one, other| one.url.cmp(&other.url));
        outcomes
    }

    async fn one(&self, url: String, is_called: bool) -> EndpointResult {
        let started = Stopwatch::start();
        let mut outcome = self.ask(Method::GET, &url).await;
        // Some providers answer a GET with a page: the method that the server uses decides.
        let is_odd = |answer: &Response<Bytes>| not_from_there(&url, answer, is_called);
        if is_called && outcome.as_ref().is_ok_and(|answer| is_odd(answer).is_some()) {
            outcome = self.ask(Method::POST, &url).await;
        }
        let answer = outcome.as_ref().ok();
        let odd = answer.and_then(is_odd);
        EndpointResult {
            ok: answer.is_some() && odd.is_none(),
            status: answer.map(|answer| answer.status().as_u16()),
            milliseconds: milliseconds(&started),
            clock_ahead: answer.and_then(|answer| clock_ahead(answer, &started)),
            error: odd.or(outcome.err()),
            url,
        }
    }

    async fn ask(&self, method: Method, url: &str) -> Result<Response<Bytes>, String> {
        let request = Request::builder().method(method).uri(url);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Vec::new()).map_err(|error| error.to_string())?;
        let uri = request.uri().clone();
        match tokio::time::timeout(DEADLINE, self.outbound.send(request)).await {
            Ok(answer) => answer.map_err(|error| with_hint(error.to_string())),
            Err(_elapsed) => Err(self.no_answer(&uri)),
        }
    }

    fn no_answer(&self, uri: &Uri) -> String {
        let seconds = DEADLINE.as_secs();
        match self.proxy.variable_for(uri) {
            Some(variable) => format!(
                "no answer within {seconds} s through the proxy of {variable}: look whether it runs \
                 there, and whether its rules allow this host"
            ),
            None => format!("no answer within {seconds} s"),
        }
    }
}

/// Says why this answer is not that of the endpoint. A network that wants a login first (a
/// captive portal), or a filter, answers for every host.
fn not_from_there(url: &str, answer: &Response<Bytes>, is_called: bool) -> Option<String> {
    let status = answer.status();
    let header = |name| answer.headers().get(name)?.to_str().ok();
    let what = if status == StatusCode::NETWORK_AUTHENTICATION_REQUIRED {
        "this network wants a login first".to_owned()
    } else if !is_called {
        return None;
    } else if status.is_redirection() {
        let asked = Url::parse(url).ok()?;
        let leads_to = asked.join(header(LOCATION)?).ok()?;
        let is_elsewhere = leads_to.host_str() != asked.host_str();
        let host = leads_to.host_str().filter(|_| is_elsewhere)?;
        format!("it leads to {host}")
    } else if status.is_success() && header(CONTENT_TYPE)?.starts_with("text/html") {
        "it is a web page".to_owned()
    } else {
        return None;
    };
    Some(format!(
        "HTTP {}: {what}, so this is not the provider's answer but that of a captive portal or a \
         filter on the way. Let this machine pass there, or set HTTPS_PROXY",
        status.as_u16()
    ))
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
