//! Requests to the endpoints of the offered services.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{
    Method, Request, Response, StatusCode, Uri,
    header::{CONTENT_TYPE, DATE, LOCATION},
};
use serde::Serialize;
use tokio::task::JoinSet;
use url::Url;

use super::milliseconds;
use crate::{
    clock::{Clock, Stopwatch, UnixTime},
    outbound::{Outbound, OutboundProxy, WayOut},
    provider::{Catalog, LoginMethod},
};

const DEADLINE: Duration = Duration::from_secs(10);

/// The result of one request.
#[derive(Debug, Serialize)]
pub(super) struct EndpointResult {
    pub(super) url: String,
    pub(super) ok: bool,
    /// Status of the answer. Most count as reached, because these endpoints expect other
    /// requests.
    pub(super) status: Option<u16>,
    pub(super) milliseconds: u64,
    pub(super) error: Option<String>,
    #[serde(skip)]
    pub(super) clock_ahead: Option<i64>,
}

/// The client for requests to endpoints, and the proxy that it uses.
#[derive(Clone)]
pub(super) struct Tries {
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
    pub(super) fn new(way: WayOut) -> Self {
        Self {
            proxy: way.proxy.clone(),
            outbound: Outbound::new(way),
        }
    }

    /// Sends a request to every endpoint at the same time.
    pub(super) async fn all(&self, catalog: &Catalog) -> Vec<EndpointResult> {
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
        if is_called
            && outcome
                .as_ref()
                .is_ok_and(|answer| is_odd(answer).is_some())
        {
            outcome = self.ask(Method::POST, &url).await;
        }
        let answer = outcome.as_ref().ok();
        let odd = answer.and_then(is_odd);
        EndpointResult {
            ok: answer.is_some() && odd.is_none(),
            status: answer.map(|answer| answer.status().as_u16()),
            milliseconds: milliseconds(&started),
            clock_ahead: answer
                .filter(|_| odd.is_none())
                .and_then(|answer| clock_ahead(answer, &started)),
            error: odd.or(outcome.err()),
            url,
        }
    }

    async fn ask(&self, method: Method, url: &str) -> Result<Response<Bytes>, String> {
        let request = Request::builder().method(method).uri(url);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request
            .body(Vec::new())
            .map_err(|error| error.to_string())?;
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
