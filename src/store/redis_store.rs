//! Storage in Redis, which several servers share.

use std::{
    sync::{Arc, LazyLock, Mutex, MutexGuard},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use redis::{AsyncCommands, RedisError, Script};

use super::{
    LeaseTimes, Name, StoreError, StoreUrl,
    availability::Availability,
    connection::{Connection, RedisLink},
};
use crate::{clock::Stopwatch, secret::Secret, telemetry::Metrics};

/// Limit of a value in bytes: the longest sealed AuthID fits. What somebody else has put in its
/// place is cut off there, and then does not open, so that it takes no more memory.
pub(super) const LONGEST_VALUE: usize = 64 * 1024;

/// Returns the beginning of a value, or nil.
static GET: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local value = redis.call('GET', KEYS[1])
        return value and string.sub(value, 1, ARGV[1])",
    )
});

/// A Redis or Valkey. Cheap to clone; clones share one connection.
#[derive(Clone, Debug)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    link: RedisLink,
    prefix: String,
    availability: Availability,
    /// Restarted by each failure. Locked to read and to set, never across an await.
    steady_since: Mutex<Stopwatch>,
    times: LeaseTimes,
}

impl RedisStore {
    /// Prepares a connection to this address. Nothing is sent yet: a server starts without
    /// Redis and connects once Redis answers. `times` are those of leases, and must be the
    /// same on every server.
    pub fn new(
        url: &StoreUrl,
        metrics: Arc<Metrics>,
        times: LeaseTimes,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            inner: Arc::new(Inner {
                link: RedisLink::new(url)?,
                prefix: url.prefix.clone(),
                availability: Availability::new(format!("the store at {}", url.hosts()), metrics),
                steady_since: Mutex::new(Stopwatch::start()),
                times,
            }),
        })
    }

    /// Checks that Redis answers, accepts a value and runs scripts, which leases need and an
    /// ACL may forbid.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let (name, value) = (Name::new("ping", b""), Secret::new(""));
        self.put(&name, &value, Duration::from_secs(1)).await?;
        self.get(&name).await.map(drop)
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

    /// Returns the value, unless it has expired.
    pub async fn get(&self, name: &Name) -> Result<Option<Secret>, StoreError> {
        let mut reading = GET.key(self.key(name));
        reading.arg(LONGEST_VALUE);
        let value: Option<String> = self
            .run(|mut connection| async move { reading.invoke_async(&mut connection).await })
            .await?;
        Ok(value.map(Secret::new))
    }

    pub(super) fn prefix(&self) -> &str {
        &self.inner.prefix
    }

    /// Returns the Redis key of something that belongs to no single name.
    pub(super) fn common_key(&self, what: &str) -> String {
        format!("{}{what}", self.inner.prefix)
    }

    /// Returns the Redis key of a name. The braces keep everything about one name in one
    /// slot of a cluster.
    pub(super) fn key(&self, name: &Name) -> String {
        let name = URL_SAFE_NO_PAD.encode(name.as_bytes());
        format!("{}{{{name}}}", self.inner.prefix)
    }

    /// Runs one command. Notes and logs its success or failure.
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
        if failure.is_some() {
            *self.steady_since() = Stopwatch::start();
        }
        let availability = &self.inner.availability;
        availability.note(failure, stopwatch.elapsed());
        result
    }

    /// Returns the connection, for questions that are no use of the store.
    pub(super) fn link(&self) -> &RedisLink {
        &self.inner.link
    }

    /// Returns words for it in a sentence, such as `the store at localhost:6379`.
    pub(crate) fn place(&self) -> &str {
        self.inner.availability.place()
    }

    /// Returns the time since the last failure, or since the start.
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
        &self.inner.availability.metrics
    }
}
