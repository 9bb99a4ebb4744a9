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

/// Number of kills; AUTHSEAL_KILLS sets another.
fn kills() -> usize {
    let set = std::env::var("AUTHSEAL_KILLS").ok();
    set.map_or(6, |number| number.parse().unwrap())
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

#[tokio::test(flavor = "multi_thread")]
async fn only_refreshes_without_a_response_can_be_lost() {
    let installation = Installation::with_store(UNCACHED).await;
    let mut random = Random::seeded(1);
    let mut authids: Vec<String> = log_in(&installation, LOGINS);
    let (mut refreshed, mut unanswered, mut lost) = (0, 0, 0);
    for _ in 0..kills() {
        let server = installation.serve().await;
        let (stop, stopping) = watch::channel(false);
        let clients: Vec<Refreshing> = authids
            .drain(..)
            .map(|authid| Refreshing::start(&server.url, authid, stopping.clone()))
            .collect();
        let enough = 1 + random.below(40) as u64;
        eventually("enough refreshes", async || {
            let counts = clients.iter().map(|client| &client.refreshed);
            let count: u64 = counts.map(|count| count.load(Ordering::Relaxed)).sum();
            (count >= enough).then_some(())
        })
        .await;
        server.program.kill().await;
        stop.send_replace(true);

        let server = installation.serve().await;
        for client in clients {
            refreshed += client.refreshed.load(Ordering::Relaxed);
            let ended = client.client.await.unwrap();
            let is_unanswered = matches!(ended, Ended::InARequest);
            unanswered += u64::from(is_unanswered);
            let answer = server.refresh(&client.authid).await;
            match (answer.status.as_u16(), is_unanswered) {
                (200, _) => authids.push(client.authid),
                (401, true) => lost += 1,
                _ => panic!("an acknowledged token is lost: {answer:?}"),
            }
        }
        authids.extend(log_in(&installation, LOGINS - authids.len()));
        terminate(server).await;
    }
    let seen = installation.provider.seen();
    println!("{refreshed} refreshed, {unanswered} without a response, {lost} of them lost");
    assert_eq!(seen.replays, lost);
    assert!(refreshed >= kills() as u64);
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
            let counts = clients.iter().map(|client| &client.refreshed);
            let count: u64 = counts.map(|count| count.load(Ordering::Relaxed)).sum();
            (count >= 20).then_some(())
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

/// AUTHSEAL_REFRESHES=1000 is the whole of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_starts_at_generation_0_each_time_goes_on_over_kills() {
    let set = std::env::var("AUTHSEAL_REFRESHES").ok();
    let refreshes: usize = set.map_or(60, |number| number.parse().unwrap());
    let installation = Installation::with_store(UNCACHED).await;
    let authid = installation.log_in("single-use");
    let mut server = installation.serve().await;
    for number in 0..refreshes {
        server.refresh(&authid).await.good();
        if number % 20 == 19 {
            // Between two refreshes: nothing can be lost.
            server.program.kill().await;
            server = installation.serve().await;
        }
    }
    let seen = installation.provider.seen();
    assert_eq!((seen.refreshes, seen.replays), (refreshes as u64, 0));
}
