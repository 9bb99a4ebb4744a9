//! A Redis that stops, dies, refuses or is full while clients refresh.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use tokio::task::JoinSet;

use super::{
    fleet::{Fleet, Replica, refresh},
    nginx::Nginx,
    redis::Redis,
};
use crate::support::{Client, eventually};

const CLIENTS_OF_EACH: usize = 8;
/// Longer than a single answer is: several clients saw it.
const ENOUGH: usize = 12;

/// Clients of single-use and of stable services, which never stop asking.
struct Load {
    fleet: Fleet,
    redis: Redis,
    _replicas: Vec<Replica>,
    seen: Arc<Mutex<Vec<(&'static str, u16)>>>,
    over: Arc<AtomicBool>,
    clients: JoinSet<()>,
    _nginx: Nginx,
}

impl Load {
    async fn start() -> Self {
        let fleet = Fleet::new(&["box", "jottacloud", "dropbox"]).await;
        let redis = Redis::start().await;
        let store = redis.url();
        let (replicas, nginx) = fleet.two_behind_nginx(&store).await;
        let mut load = Self {
            fleet,
            redis,
            _replicas: replicas,
            seen: Arc::default(),
            over: Arc::default(),
            clients: JoinSet::new(),
            _nginx: nginx,
        };
        for provider in ["box", "jottacloud", "dropbox"] {
            for _ in 0..CLIENTS_OF_EACH {
                load.add_client(provider);
            }
        }
        load.sees("box", 200, ENOUGH).await;
        load
    }

    fn add_client(&mut self, provider: &'static str) {
        let authid = self.fleet.log_in(provider).authid;
        let (seen, over) = (self.seen.clone(), self.over.clone());
        let url = self._nginx.url.clone();
        self.clients.spawn(async move {
            let client = Client::new();
            while !over.load(Ordering::Relaxed) {
                let answer = refresh(&client, &url, &authid).await;
                let status = answer.status.as_u16();
                if status != 200 {
                    assert!(!answer.header("x-reason").is_empty(), "{answer:?}");
                }
                seen.lock().unwrap().push((provider, status));
            }
        });
    }

    /// From now on, waits for so many answers of this kind.
    async fn sees(&self, provider: &str, status: u16, times: usize) {
        self.seen.lock().unwrap().clear();
        let what = format!("{provider} answers {status}");
        eventually(&what, async || {
            let seen = self.seen.lock().unwrap();
            let count = seen
                .iter()
                .filter(|&&one| one == (provider, status))
                .count();
            (count >= times).then_some(())
        })
        .await;
    }

    /// While it lasts, single-use services are told to try later; afterwards all is
    /// as it was, by itself. Stable ones notice nothing.
    async fn check_while_it_lasts(&self) {
        for provider in ["box", "jottacloud"] {
            self.sees(provider, 503, ENOUGH).await;
        }
        self.sees("dropbox", 200, ENOUGH).await;
    }

    async fn end(mut self) {
        for provider in ["box", "jottacloud", "dropbox"] {
            self.sees(provider, 200, ENOUGH).await;
        }
        self.over.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client.unwrap();
        }
        let seen = self.seen.lock().unwrap();
        let is_expected = |&(provider, status): &(&str, u16)| match provider {
            "dropbox" => status == 200,
            _ => status == 200 || status == 503,
        };
        assert!(seen.iter().all(is_expected), "{seen:?}");
        assert_eq!(self.fleet.replays(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_paused() {
    let load = Load::start().await;
    load.redis.pause().await;
    load.check_while_it_lasts().await;
    load.redis.resume().await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_restarted() {
    let mut load = Load::start().await;
    load.redis.kill().await;
    load.check_while_it_lasts().await;
    load.redis.restart().await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_full() {
    let load = Load::start().await;
    let set = async |value| {
        load.redis
            .run::<()>(&["CONFIG", "SET", "maxmemory", value])
            .await
    };
    set("1").await;
    load.check_while_it_lasts().await;
    set("0").await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_read_only() {
    let load = Load::start().await;
    let set = async |value| {
        let words = ["CONFIG", "SET", "min-replicas-to-write", value];
        load.redis.run::<()>(&words).await;
    };
    set("1").await;
    load.check_while_it_lasts().await;
    set("0").await;
    load.end().await;
}
