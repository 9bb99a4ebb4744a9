//! Clients that always start from the login, at providers that take each refresh
//! token once, many at the same time.

use std::collections::BTreeMap;

use super::{
    fleet::{Fleet, Login, refresh},
    redis::Redis,
};
use crate::support::Client;

pub const PROVIDERS: [&str; 2] = ["box", "jottacloud"];
/// At each provider.
const REFRESHES: usize = 1_000;
const LOGINS: usize = 10;
/// At both providers together.
pub const AT_ONCE: usize = 50;

/// Refreshes them all in turn, and returns how many answers had which status.
pub async fn refresh_all(url: &str, logins: &[Login], times: usize) -> BTreeMap<u16, usize> {
    let client = Client::new();
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..AT_ONCE {
        let (client, url) = (client.clone(), url.to_owned());
        let turns = (number..times).step_by(AT_ONCE);
        let authids: Vec<String> = turns
            .map(|turn| logins[turn % logins.len()].authid.clone())
            .collect();
        clients.spawn(async move {
            let mut statuses = Vec::new();
            for authid in authids {
                statuses.push(refresh(&client, &url, &authid).await.status.as_u16());
            }
            statuses
        });
    }
    let mut counted = BTreeMap::new();
    for status in clients.join_all().await.into_iter().flatten() {
        *counted.entry(status).or_default() += 1;
    }
    counted
}

pub fn logins(fleet: &Fleet) -> Vec<Login> {
    let logins = (0..LOGINS).flat_map(|_| PROVIDERS.map(|provider| fleet.log_in(provider)));
    logins.collect()
}

/// All of it at one address.
pub async fn check(fleet: &Fleet, url: &str, logins: &[Login]) {
    let times = REFRESHES * PROVIDERS.len();
    let statuses = refresh_all(url, logins, times).await;
    assert_eq!(statuses, BTreeMap::from([(200, times)]));
    assert_eq!(fleet.replays(), 0);
    let calls: usize = PROVIDERS
        .map(|provider| fleet.emulator(provider).calls("/token").len())
        .iter()
        .sum();
    // Those who ask for the same login at the same moment share one call.
    assert!(calls > times / 20, "{calls} calls for {times} refreshes");
    println!("{times} refreshes, {calls} calls to the providers");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_serves_them_from_its_memory() {
    let fleet = Fleet::new(&PROVIDERS).await;
    let replica = fleet.replica(None).await;
    check(&fleet, &replica.process.url, &logins(&fleet)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_behind_nginx_serve_them_from_redis() {
    let fleet = Fleet::new(&PROVIDERS).await;
    let redis = Redis::start().await;
    let store = redis.url();
    let (replicas, nginx) = fleet.two_behind_nginx(&store).await;
    check(&fleet, &nginx.url, &logins(&fleet)).await;
    for replica in replicas {
        let refreshed = [("outcome", "refreshed")];
        let scrape = replica.process.scrape().await;
        assert!(scrape.sum("authseal_refresh_total", &refreshed) > 100.0);
    }
}
