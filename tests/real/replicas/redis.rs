//! A redis-server of the test's own.

use std::{
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering},
};

use redis::{Client, Cmd, FromRedisValue, RedisError};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::{eventually, free_port};

/// It keeps its port and its folder over a restart, and is killed when dropped.
pub struct Redis {
    pub port: u16,
    pub folder: TempDir,
    options: Vec<String>,
    child: Child,
}

impl Redis {
    /// As docs/store.md wants one.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With more options of its command line.
    pub async fn with(options: &[&str]) -> Self {
        // In memory where it can be: no command waits for a disk longer than authseal waits.
        let in_memory = tempfile::tempdir_in("/dev/shm");
        let folder = in_memory.or_else(|_| tempfile::tempdir()).unwrap();
        let options: Vec<String> = options.iter().map(|&option| option.into()).collect();
        // Somebody else may take the port at the same moment.
        loop {
            let port = free_port();
            if let Some(child) = started(port, &folder, &options).await {
                let redis = Self {
                    port,
                    folder,
                    options,
                    child,
                };
                return redis;
            }
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs a command on a connection of its own.
    pub async fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        ask(self.port, words).await.unwrap()
    }

    /// Waits until a login's record is "held", or "sent".
    pub async fn has_record(&self, phase: &str) {
        let what = format!("a record that is {phase}");
        eventually(&what, async || {
            let keys: Vec<String> = self.run(&["KEYS", "*:turn"]).await;
            let record: Option<String> = self.run(&["GET", keys.first()?]).await;
            record?.starts_with(phase).then_some(())
        })
        .await;
    }

    /// It stops to do anything, and its connections stay.
    pub async fn pause(&self) {
        self.signal("STOP").await;
    }

    pub async fn resume(&self) {
        self.signal("CONT").await;
    }

    /// It dies; what it had written stays.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    pub async fn restart(&mut self) {
        let child = started(self.port, &self.folder, &self.options).await;
        self.child = child.expect("it gets its port again");
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let kill = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(kill.await.unwrap().success());
    }
}

/// How often each command was called so far.
pub async fn calls(redis: &Redis) -> u64 {
    let info: String = redis.run(&["INFO", "commandstats"]).await;
    let ours = ["eval", "evalsha", "get", "set", "setex", "getdel", "del"];
    let calls = info.lines().filter_map(|line| {
        let (name, numbers) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let (calls, _) = numbers.split_once(',')?;
        ours.contains(&name).then(|| calls.parse::<u64>().unwrap())
    });
    calls.sum()
}

pub async fn ask<T: FromRedisValue>(port: u16, words: &[&str]) -> Result<T, RedisError> {
    let client = Client::open(format!("redis://127.0.0.1:{port}"))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let mut command = Cmd::new();
    for word in words {
        command.arg(word);
    }
    command.query_async(&mut connection).await
}

/// A redis that is ready; `None` if it could not have a port, be it the one of a
/// cluster's bus, which it takes last.
async fn started(port: u16, folder: &TempDir, options: &[String]) -> Option<Child> {
    static LOGS: AtomicU64 = AtomicU64::new(0);
    let log = format!("log-{}", LOGS.fetch_add(1, Ordering::Relaxed));
    let mut child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--logfile", &log, "--save", "", "--appendonly", "yes"])
        .args(["--appendfsync", "always"])
        .args(["--maxmemory-policy", "noeviction"])
        .args(options)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("redis-server is installed: tests/run --prepare");
    let log = folder.path().join(log);
    let is_ready = eventually("redis is ready", async || {
        if child.try_wait().unwrap().is_some() {
            return Some(false);
        }
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let is_ready = said.contains("Ready to accept connections");
        is_ready.then_some(true)
    });
    is_ready.await.then_some(child)
}
