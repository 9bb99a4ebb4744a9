//! Several servers with one keys folder, as their administrator lives it.

mod story;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{Client, Installation, ServerProcess, eventually};

/// An access token is handed out for two seconds of it, so that every client
/// brings its server to the provider again and again.
const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(32);
/// Longer than the two seconds in which every server has a new key, on a machine that stalls
/// meanwhile.
const ACTIVATION: &str = "15s";
/// So that the machine can do something else too.
const PACE: Duration = Duration::from_millis(15);

/// The backup programs of the fleet, refreshing all the time.
struct Load {
    /// What each client holds now.
    authids: Vec<Mutex<String>>,
    refreshes: AtomicU64,
    failures: Mutex<Vec<String>>,
    stop: CancellationToken,
}

impl Load {
    fn of(installation: &Installation) -> Arc<Self> {
        let services = ["stable", "stable", "stable", "single-use", "single-use"];
        Arc::new(Self {
            authids: services
                .map(|service| Mutex::new(installation.log_in(service)))
                .into(),
            refreshes: AtomicU64::new(0),
            failures: Mutex::default(),
            stop: CancellationToken::new(),
        })
    }

    fn start(self: &Arc<Self>, servers: &[ServerProcess]) -> JoinSet<()> {
        let urls: Vec<String> = servers.iter().map(|server| server.url.clone()).collect();
        let mut clients = JoinSet::new();
        for client in 0..self.authids.len() {
            clients.spawn(self.clone().refresh_all_the_time(client, urls.clone()));
        }
        clients
    }

    /// Asks one server after the other, and takes over what it is given, as rclone
    /// does.
    async fn refresh_all_the_time(self: Arc<Self>, client: usize, urls: Vec<String>) {
        let http = Client::new();
        for url in urls.iter().cycle().skip(client) {
            if self.stop.is_cancelled() {
                return;
            }
            let authid = self.authids[client].lock().unwrap().clone();
            let request = Request::get(format!("{url}/refresh"))
                .header("X-AuthID", authid)
                .body(Full::<Bytes>::default())
                .unwrap();
            let answer = http.send(request).await;
            self.refreshes.fetch_add(1, Ordering::SeqCst);
            if answer.status != 200 {
                self.failures.lock().unwrap().push(format!("{answer:?}"));
            } else if let Some(newer) = answer.json()["v2_authid"].as_str() {
                newer.clone_into(&mut self.authids[client].lock().unwrap());
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Waits until every client has refreshed everywhere again, about.
    async fn goes_on(&self) {
        let enough = self.count() + 20 * self.authids.len() as u64;
        let is_enough = async || (self.count() >= enough).then_some(());
        eventually("the load goes on", is_enough).await;
    }

    fn count(&self) -> u64 {
        self.refreshes.load(Ordering::SeqCst)
    }

    /// Under which keys the clients' AuthIDs are.
    fn kids(&self, installation: &Installation) -> Vec<String> {
        let authids = self.authids.iter();
        authids
            .map(|authid| installation.open(&authid.lock().unwrap()).kid.into())
            .collect()
    }
}

async fn sum(servers: &[ServerProcess], labels: &[(&str, &str)]) -> f64 {
    let mut sum = 0.0;
    for server in servers {
        let scrape = server.scrape().await;
        sum += scrape.sum("authseal_refresh_total", labels);
    }
    sum
}

async fn all_have(servers: &[ServerProcess], kid: &str, state: &str) {
    for server in servers {
        server.has_key(kid, state).await;
    }
}

async fn start(installation: &Installation) -> Vec<ServerProcess> {
    let serve = || installation.serve();
    let (one, two, three) = tokio::join!(serve(), serve(), serve());
    vec![one, two, three]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_changes_its_key_without_one_failed_refresh() {
    let installation = Installation::new(ACCESS_TOKEN_LIFETIME).await;
    let old = installation.new_key(&[]).await;
    let servers = start(&installation).await;
    let load = Load::of(&installation);
    let clients = load.start(&servers);
    load.goes_on().await;
    assert!(load.kids(&installation).iter().all(|kid| *kid == old));

    let new = installation.new_key(&["--activate-in", ACTIVATION]).await;
    all_have(&servers, &new, "pending").await;
    assert_eq!(sum(&servers, &[("kid", &new)]).await, 0.0);
    all_have(&servers, &new, "sealing").await;
    all_have(&servers, &old, "opening").await;
    eventually("every client has an AuthID under the new key", async || {
        let kids = load.kids(&installation);
        kids.iter().all(|kid| *kid == new).then_some(())
    })
    .await;

    let before = sum(&servers, &[("kid", &old)]).await;
    load.goes_on().await;
    let after = sum(&servers, &[("kid", &old)]).await;
    assert_eq!(before, after, "the old key is still in use");
    assert!(before > 0.0 && sum(&servers, &[("kid", &new)]).await > 0.0);

    let retired = installation.run(&["keys", "retire", &old]).await;
    assert!(retired.good().contains("opens nothing from"));
    all_have(&servers, &old, "retired").await;
    load.goes_on().await;
    installation
        .run(&["keys", "remove", &old, "--yes"])
        .await
        .good();
    all_have(&servers, &old, "").await;
    load.goes_on().await;

    load.stop.cancel();
    clients.join_all().await;
    assert_eq!(*load.failures.lock().unwrap(), [""; 0]);
    let granted = sum(&servers, &[("outcome", "refreshed")]).await;
    let cached = sum(&servers, &[("outcome", "cached")]).await;
    assert_eq!((granted + cached) as u64, load.count());
    assert!(granted > 20.0 && cached > 20.0, "{granted} {cached}");
    let seen = installation.provider.seen();
    assert_eq!((seen.replays, seen.refusals), (0, 0));
    println!(
        "{} refreshes, {granted} of them at the provider",
        load.count()
    );
}

/// The AuthID that the holder of this one should have instead.
async fn newer(server: &ServerProcess, authid: &str) -> String {
    let answer = server.refresh(authid).await;
    let newer = answer.json()["v2_authid"].as_str().map(str::to_owned);
    newer.unwrap_or_else(|| panic!("{answer:?}"))
}

#[tokio::test]
async fn who_went_on_elsewhere_is_served_after_his_first_key_is_retired() {
    let never_cached = Duration::from_secs(1);
    let installation = Installation::new(never_cached).await;
    let old = installation.new_key(&[]).await;
    let (here, elsewhere) = tokio::join!(installation.serve(), installation.serve());
    let first = newer(&here, &installation.log_in("single-use")).await;

    let new = installation.new_key(&["--activate-in", "0s"]).await;
    elsewhere.has_key(&new, "sealing").await;
    let second = newer(&elsewhere, &first).await;
    assert_eq!(installation.open(&second).kid, new);

    let retired = installation.run(&["keys", "retire", &old]).await;
    retired.good();
    here.has_key(&old, "retired").await;
    here.has_key(&new, "sealing").await;
    assert_eq!(here.refresh(&first).await.status, 401);
    let third = newer(&here, &second).await;
    assert_eq!(installation.open(&third).grant.generation, 3);
    let seen = installation.provider.seen();
    assert_eq!((seen.replays, seen.refusals), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_make_their_first_key_at_once_open_each_others_authids() {
    for _ in 0..5 {
        let installation = Installation::new(ACCESS_TOKEN_LIFETIME).await;
        let servers = start(&installation).await;
        for key in installation.keys().iter() {
            for server in &servers {
                server.knows_key(&key.kid).await;
            }
        }
        let authid = installation.log_in("stable");
        for server in &servers {
            server.refresh(&authid).await.good();
        }
    }
}
