//! `authseal check --online`: tests connections to the providers' endpoints and the
//! store.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use http::Request;
use tokio::task::JoinSet;

use super::{CliError, store};
use crate::{
    clock::{Clock, Stopwatch},
    config::Config,
    outbound::Outbound,
    provider::{Catalog, LoginMethod},
    store::{Creation, FileFault, LeaseTimes, RedisStore, StoreAddress, StoreError},
    telemetry::Metrics,
};

const DEADLINE: Duration = Duration::from_secs(10);

/// Tests every connection that `serve` will need, and prints a line for each.
pub(super) async fn try_all(config: &Config) -> Result<(), CliError> {
    println!("\nEndpoints");
    let outbound = Outbound::new(config.outbound_proxy.clone());
    let endpoints = try_endpoints(&config.offer.catalog, outbound).await;
    if let Some(url) = &config.memory.store {
        println!("\nStore");
        try_store(url).await?;
    }
    endpoints
}

async fn try_store(address: &StoreAddress) -> Result<(), CliError> {
    let started = Stopwatch::start();
    let place = match address {
        StoreAddress::Redis(url) => url.hosts(),
        StoreAddress::Folder(path) => path.display().to_string(),
    };
    match try_to_use(address).await {
        Ok(what) => {
            let took = started.elapsed().as_millis();
            println!("  ok      {place}  {what}, after {took} ms");
            Ok(())
        }
        Err(error) => {
            println!("  FAILED  {place}  {error}");
            Err("\nthe store that AUTHSEAL_STORE_URL names cannot be used from here".into())
        }
    }
}

/// Returns what the store can do, in words.
async fn try_to_use(address: &StoreAddress) -> Result<String, StoreError> {
    if let StoreAddress::Redis(url) = address {
        let redis = RedisStore::new(url, Arc::new(Metrics::new()), LeaseTimes::default())?;
        redis.ping().await?;
        return Ok("keeps values".to_owned());
    }
    let store = store::open(address, Creation::Forbidden)?;
    let contents = store.contents(&Clock::system()).await;
    store.close().await;
    match contents {
        Ok(contents) => Ok(format!("has {} logins", contents.logins)),
        Err(StoreError::File(FileFault::Absent)) => {
            Ok("does not exist yet; serve makes it".to_owned())
        }
        Err(error) => Err(error),
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
            Ok(answer) => println!("  ok      {url}  {answer}"),
            Err(cause) => {
                failed += 1;
                println!("  FAILED  {url}  {cause}");
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
