//! kill -9 while many logins are refreshed. A login is lost only if the provider answered
//! and the server did not live to store that; the client got no response then.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use http::Request;
use http_body_util::Full;
use tokio::{sync::watch, task::JoinHandle};

use super::UNCACHED;
use crate::support::{Client, Installation, Random, ServerProcess, eventually};

/// Logins that are refreshed at the same time.
const LOGINS: usize = 8;

/// The number that this variable sets.
fn number(variable: &str, usual: u64) -> u64 {
    let set = std::env::var(variable).ok();
    set.map_or(usual, |number| number.parse().unwrap())
}

/// A client that presents generation 0 again and again, as Duplicati does.
struct Refreshing {
    refreshed: Arc<AtomicU64>,
    client: JoinHandle<Ended>,
    authid: String,
}

enum Ended {
    /// No request was under way when the server was killed.
    BetweenRequests,
    /// No response came.
    InARequest,
}

impl Refreshing {
    fn start(url: &str, authid: String, mut stop: watch::Receiver<bool>) -> Self {
        let refreshed = Arc::new(AtomicU64::new(0));
        let (count, presented) = (refreshed.clone(), authid.clone());
        let url = format!("{url}/refresh");
        let client = tokio::spawn(async move {
            let client = Client::new();
            loop {
                if *stop.borrow_and_update() {
                    return Ended::BetweenRequests;
                }
                let request = Request::get(&url).header("X-AuthID", &presented);
                let request = request.body(Full::default()).unwrap();
                match client.try_send(request).await {
                    Some(answer) if answer.status == 200 => {}
                    // It stops.
                    Some(answer) if answer.status == 502 => return Ended::InARequest,
                    Some(answer) => panic!("{answer:?}"),
                    None => return Ended::InARequest,
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self {
            refreshed,
            client,
            authid,
        }
    }
}

/// What came of some kills.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    /// Refreshes with a response.
    refreshed: u64,
    /// Refreshes without one, because the server was killed.
    unanswered: u64,
    /// Those among them that lost their login: killed between the provider's response and
    /// the write.
    lost: u64,
}

/// Kills the server at random moments while logins are refreshed.
async fn kill_again_and_again(logins: usize, is_enough: impl Fn(&Tally) -> bool) -> Tally {
    let installation = Installation::with_store(UNCACHED).await;
    let mut random = Random::seeded(1);
    let mut authids: Vec<String> = log_in(&installation, logins);
    let mut tally = Tally::default();
    while !is_enough(&tally) {
        let server = installation.serve().await;
        let (stop, stopping) = watch::channel(false);
        let clients: Vec<Refreshing> = authids
            .drain(..)
            .map(|authid| Refreshing::start(&server.url, authid, stopping.clone()))
            .collect();
        let enough = 1 + random.below(40) as u64;
        eventually("enough refreshes", async || {
            (count(&clients) >= enough).then_some(())
        })
        .await;
        server.program.kill().await;
        tally.kills += 1;
        stop.send_replace(true);

        let server = installation.serve().await;
        tally.refreshed += count(&clients);
        for client in clients {
            let ended = client.client.await.unwrap();
            let is_unanswered = matches!(ended, Ended::InARequest);
            tally.unanswered += u64::from(is_unanswered);
            let answer = server.refresh(&client.authid).await;
            match (answer.status.as_u16(), is_unanswered) {
                (200, _) => authids.push(client.authid),
                (401, true) => tally.lost += 1,
                _ => panic!("an acknowledged token is lost: {answer:?}"),
            }
        }
        authids.extend(log_in(&installation, logins - authids.len()));
        terminate(server).await;
    }
    println!("{tally:?}");
    assert_eq!(installation.provider.seen().replays, tally.lost);
    tally
}

fn count(clients: &[Refreshing]) -> u64 {
    let counts = clients.iter().map(|client| &client.refreshed);
    counts.map(|count| count.load(Ordering::Relaxed)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_refreshes_without_a_response_can_be_lost() {
    let enough = number("AUTHSEAL_KILLS", 6);
    kill_again_and_again(LOGINS, |tally| tally.kills >= enough).await;
}

/// AUTHSEAL_REFRESHES=1000 is the whole of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_starts_at_generation_0_each_time_goes_on_over_kills() {
    let enough = number("AUTHSEAL_REFRESHES", 60);
    kill_again_and_again(1, |tally| tally.refreshed >= enough).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_stop() {
    let installation = Installation::with_store(UNCACHED).await;
    let authids = log_in(&installation, LOGINS);
    for _ in 0..3 {
        let server = installation.serve().await;
        let (_stop, stopping) = watch::channel(false);
        let clients: Vec<Refreshing> = authids
            .iter()
            .map(|authid| Refreshing::start(&server.url, authid.clone(), stopping.clone()))
            .collect();
        eventually("some refreshes", async || {
            (count(&clients) >= 20).then_some(())
        })
        .await;
        terminate(server).await;
        for client in clients {
            client.client.abort();
        }
    }
    let server = installation.serve().await;
    for authid in &authids {
        server.refresh(authid).await.good();
    }
    assert_eq!(installation.provider.seen().replays, 0);
}

async fn terminate(server: ServerProcess) {
    server.program.terminate().await;
    assert!(server.program.end().await.0.success());
}

fn log_in(installation: &Installation, count: usize) -> Vec<String> {
    (0..count)
        .map(|_| installation.log_in("single-use"))
        .collect()
}
