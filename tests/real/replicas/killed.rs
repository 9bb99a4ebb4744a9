//! Replicas that are killed and started again while clients refresh.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::task::JoinSet;

use super::{
    fleet::{Fleet, Login, Replica, refresh},
    redis::Redis,
    single_use::AT_ONCE,
};
use crate::support::{Client, eventually};

const LOGINS: usize = 100;
const REFRESHES: usize = 1_000;
/// Each time so many refreshes are done, a replica dies.
const BETWEEN_KILLS: usize = 100;

/// A client of some logins that asks again when it is told to, as Duplicati does.
/// Returns those that wait for a server that may have died with their token.
async fn use_them(
    url: String,
    logins: Vec<Login>,
    times: usize,
    done: Arc<AtomicUsize>,
) -> Vec<u64> {
    let client = Client::new();
    let mut waiting = BTreeSet::new();
    for turn in 0..times {
        let login = &logins[turn % logins.len()];
        if waiting.contains(&login.grant) {
            done.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        loop {
            let answer = refresh(&client, &url, &login.authid).await;
            match answer.status.as_u16() {
                200 => break,
                503 if answer.header("x-reason").contains("Another server") => {
                    waiting.insert(login.grant);
                    break;
                }
                502..=504 => {}
                _ => panic!("{answer:?}"),
            }
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    waiting.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_refreshes_between_the_provider_and_redis_are_waited_for() {
    let fleet = Fleet::new(&["box"]).await;
    let redis = Redis::start().await;
    let store = redis.url();
    let (mut replicas, nginx) = fleet.two_behind_nginx(&store).await;

    let done = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..AT_ONCE {
        let logins = (0..LOGINS / AT_ONCE).map(|_| fleet.log_in("box")).collect();
        let times = REFRESHES / AT_ONCE;
        clients.spawn(use_them(nginx.url.clone(), logins, times, done.clone()));
    }
    let mut kills = 0;
    for goal in (BETWEEN_KILLS..REFRESHES).step_by(BETWEEN_KILLS) {
        let reached = async || (done.load(Ordering::Relaxed) >= goal).then_some(());
        eventually("so many refreshes are done", reached).await;
        let Replica { port, process } = replicas.remove(0);
        process.program.kill().await;
        kills += 1;
        let process = fleet.start(port, Some(&store), &[]).await;
        replicas.push(Replica { port, process });
    }
    let waiting: Vec<u64> = clients.join_all().await.into_iter().flatten().collect();

    println!(
        "{kills} replicas killed during {REFRESHES} refreshes of {LOGINS} logins, {} wait",
        waiting.len()
    );
    // No more than were under way in a replica when it died, and each of them because a
    // token was sent whose answer nobody else has.
    assert!(waiting.len() <= kills * AT_ONCE);
    let mut sent = 0;
    for key in redis.run::<Vec<String>>(&["KEYS", "*:turn"]).await {
        let record: String = redis.run(&["GET", &key]).await;
        sent += usize::from(record.starts_with("sent "));
    }
    assert!(waiting.len() <= sent, "{} wait for {sent}", waiting.len());
    assert!(waiting.len() < LOGINS, "something survives");
    assert_eq!(fleet.replays(), 0);
    let books = fleet.emulator("box").books();
    for grant in &waiting {
        assert!(books.has_unused_refresh_token(*grant), "{grant} is lost");
    }
}
