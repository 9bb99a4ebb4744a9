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
    /// As docs/replicas.md wants one.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With more options of its command line.
    pub async fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options: Vec<String> = options.iter().map(|&option| option.into()).collect();
        // Somebody else may take the port at the same moment.
        loop {
            let port = free_port();
            let mut child = spawn(port, &folder, &options);
            if is_up(port, &mut child, &options).await {
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
        self.child = spawn(self.port, &self.folder, &self.options);
        assert!(is_up(self.port, &mut self.child, &self.options).await);
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

fn spawn(port: u16, folder: &TempDir, options: &[String]) -> Child {
    static LOGS: AtomicU64 = AtomicU64::new(0);
    let log = format!("log-{}", LOGS.fetch_add(1, Ordering::Relaxed));
    Command::new("redis-server")
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
        .expect("redis-server is installed: tests/run --prepare")
}

/// Waits until it answers; `false` if it ends instead.
async fn is_up(port: u16, child: &mut Child, options: &[String]) -> bool {
    // With TLS or a password, an answer of any kind will do.
    let is_plain = options.is_empty();
    eventually("redis answers", async || {
        if child.try_wait().unwrap().is_some() {
            return Some(false);
        }
        if is_plain {
            let pong: Result<String, _> = ask(port, &["PING"]).await;
            return pong.is_ok().then_some(true);
        }
        let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
        connected.is_ok().then_some(true)
    })
    .await
}
