//! Kept in Redis, which several servers share.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use redis::{AsyncCommands, RedisError};

use super::{
    LeaseTimes, Name, StoreError, StoreUrl,
    connection::{Connection, Link},
};
use crate::{clock::Stopwatch, secret::Secret, telemetry::Metrics};

/// A Redis or Valkey. Cheap to clone; clones share one connection.
#[derive(Clone, Debug)]
pub struct Shared {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    link: Link,
    prefix: String,
    hosts: String,
    metrics: Arc<Metrics>,
    /// True if the last command was answered: a change is logged, not each failure.
    is_up: AtomicBool,
    /// Started anew by each failure. Locked to read and to set, never across an await.
    steady_since: Mutex<Stopwatch>,
    times: LeaseTimes,
}

impl Shared {
    /// The store at this address. Nothing is sent yet: a server starts without it,
    /// and finds it when it is there. `times` are those of leases, and the same on every
    /// server.
    pub fn new(
        url: &StoreUrl,
        metrics: Arc<Metrics>,
        times: LeaseTimes,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            inner: Arc::new(Inner {
                link: Link::new(url)?,
                prefix: url.prefix.clone(),
                hosts: url.hosts(),
                metrics,
                is_up: AtomicBool::new(true),
                steady_since: Mutex::new(Stopwatch::start()),
                times,
            }),
        })
    }

    /// Checks that the store answers and accepts a value.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.put(
            &Name::new("ping", b""),
            &Secret::new(""),
            Duration::from_secs(1),
        )
        .await
    }

    pub(super) async fn put(
        &self,
        name: &Name,
        value: &Secret,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        let (key, seconds) = (self.key(name), lifetime.as_secs());
        self.run(
            |mut connection| async move { connection.set_ex(key, value.expose(), seconds).await },
        )
        .await
    }

    /// The value, while it lives.
    pub async fn get(&self, name: &Name) -> Result<Option<Secret>, StoreError> {
        let key = self.key(name);
        let value: Option<String> = self
            .run(|mut connection| async move { connection.get(key).await })
            .await?;
        Ok(value.map(Secret::new))
    }

    pub(super) async fn take(&self, name: &Name) -> Result<Option<Secret>, StoreError> {
        let key = self.key(name);
        let value: Option<String> = self
            .run(|mut connection| async move { connection.get_del(key).await })
            .await?;
        Ok(value.map(Secret::new))
    }

    /// Redis key of something that is common to all names.
    pub(super) fn common_key(&self, what: &str) -> String {
        format!("{}{what}", self.inner.prefix)
    }

    /// Redis key of a name. The braces keep everything about one name together in a
    /// cluster.
    pub(super) fn key(&self, name: &Name) -> String {
        let name = URL_SAFE_NO_PAD.encode(name.as_bytes());
        format!("{}{{{name}}}", self.inner.prefix)
    }

    /// Runs one command, and notes how it went.
    pub(super) async fn run<T, F>(
        &self,
        command: impl FnOnce(Connection) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        let stopwatch = Stopwatch::start();
        let result = self.inner.link.run(command).await;
        let failure = result.as_ref().err();
        let metrics = &self.inner.metrics;
        metrics.store_answered(failure.map(StoreError::kind), stopwatch.elapsed());
        let was_up = self.inner.is_up.swap(failure.is_none(), Ordering::Relaxed);
        if failure.is_some() {
            *self.steady_since() = Stopwatch::start();
        }
        let hosts = &self.inner.hosts;
        match failure {
            Some(error) if was_up => tracing::error!("the store at {hosts} {error}"),
            None if !was_up => tracing::info!("the store at {hosts} answers again"),
            _ => {}
        }
        result
    }

    /// Time since the store's last failure, or since the start.
    pub(super) fn answered_for(&self) -> Duration {
        self.steady_since().elapsed()
    }

    fn steady_since(&self) -> MutexGuard<'_, Stopwatch> {
        let steady_since = &self.inner.steady_since;
        steady_since
            .lock()
            .expect("nothing panics while holding the lock")
    }

    pub(super) fn times(&self) -> &LeaseTimes {
        &self.inner.times
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }
}
