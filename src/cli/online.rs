//! `authseal check --online`: tests connections to the providers' endpoints and the
//! store.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use http::Request;
use tokio::task::JoinSet;

use super::{CliError, output::say};
use crate::{
    clock::Stopwatch,
    config::Config,
    outbound::Outbound,
    provider::{Catalog, LoginMethod},
    store::{LeaseTimes, RedisStore, StoreError, StoreInspection, StoreUrl},
    telemetry::Metrics,
};

const DEADLINE: Duration = Duration::from_secs(10);

/// Tests every connection that `serve` will need, and prints a line for each.
pub(super) async fn try_all(config: &Config) -> Result<(), CliError> {
    say!("\nEndpoints");
    let outbound = Outbound::new(config.outbound_proxy.clone());
    let endpoints = try_endpoints(&config.offer.catalog, outbound).await;
    if let Some(url) = &config.memory.store {
        say!("\nStore");
        try_store(url).await?;
    }
    endpoints
}

async fn try_store(url: &StoreUrl) -> Result<(), CliError> {
    let started = Stopwatch::start();
    let hosts = url.hosts();
    let store = RedisStore::new(url, Arc::new(Metrics::new()), LeaseTimes::default());
    let asked = async {
        let store = store?;
        store.ping().await?;
        let took = started.elapsed().as_millis();
        Ok::<_, StoreError>((took, store.inspect().await?))
    };
    match asked.await {
        Ok((took, found)) => report_store(&hosts, took, &found),
        Err(error) => {
            say!("  FAILED  {hosts}  {error}");
            Err("\nthe store that AUTHSEAL_STORE_URL names cannot be used from here".into())
        }
    }
}

/// Prints what Redis says of itself. A Redis that is too old is an error.
fn report_store(hosts: &str, took: u128, found: &StoreInspection) -> Result<(), CliError> {
    say!(
        "  ok      {hosts}  accepts values, after {took} ms ({})",
        found.facts.join("; ")
    );
    for warning in &found.warnings {
        say!("  WARNING {hosts}  {warning}");
    }
    match &found.problems[..] {
        [] => Ok(()),
        problems => Err(format!(
            "\nthe store that AUTHSEAL_STORE_URL names cannot be used: {}",
            problems.join("; ")
        )
        .into()),
    }
}

/// Sends a request to every endpoint at the same time. Any HTTP response counts as a
/// success, because these endpoints expect other requests.
async fn try_endpoints(catalog: &Catalog, outbound: Outbound) -> Result<(), CliError> {
    let mut attempts = JoinSet::new();
    for url in endpoints(catalog) {
        let outbound = outbound.clone();
        attempts.spawn(async move {
            let outcome = try_one(&outbound, &url).await;
            (url, outcome)
        });
    }
    let mut outcomes = attempts.join_all().await;
    outcomes.sort();
    let mut failed = 0;
    for (url, outcome) in &outcomes {
        match outcome {
            Ok(answer) => say!("  ok      {url}  {answer}"),
            Err(cause) => {
                failed += 1;
                say!("  FAILED  {url}  {cause}");
            }
        }
    }
    if failed == 0 {
        return Ok(());
    }
    Err(format!(
        "\n{failed} of {} endpoints cannot be reached from here",
        outcomes.len()
    )
    .into())
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

async fn try_one(outbound: &Outbound, url: &str) -> Result<String, String> {
    let started = Stopwatch::start();
    let request = Request::get(url)
        .body(Vec::new())
        .map_err(|error| error.to_string())?;
    match tokio::time::timeout(DEADLINE, outbound.send(request)).await {
        Ok(Ok(answer)) => Ok(format!(
            "HTTP {} after {} ms",
            answer.status().as_u16(),
            started.elapsed().as_millis()
        )),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_elapsed) => Err(format!("no answer within {} s", DEADLINE.as_secs())),
    }
}
