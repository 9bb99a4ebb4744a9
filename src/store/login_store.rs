//! The store that keeps logins beyond the life of a process: a Redis or a folder.

use std::time::Duration;

use super::{
    FileStore, Name, News, RedisStore, StoreError, file_store::FileLease, lease::RedisLease,
};
use crate::secret::Secret;

/// Storage of the newest state of each login, which outlives this process.
#[derive(Clone, Debug)]
pub enum LoginStore {
    /// A Redis that several servers may share.
    Redis(RedisStore),
    /// A folder of the only server.
    File(FileStore),
}

/// The right to work on a login, and its state when the lease began. It ends when it is
/// settled.
#[derive(Debug)]
pub enum Lease {
    /// Respected by every server that shares the Redis.
    Redis(RedisLease),
    /// Respected by this process, which is the only one.
    File(FileLease),
}

impl LoginStore {
    /// Takes the lease on a name. Waits for another owner at most for `patience`.
    pub async fn lease(&self, name: Name, patience: Duration) -> Result<Lease, StoreError> {
        match self {
            Self::Redis(redis) => redis.lease(name, patience).await.map(Lease::Redis),
            Self::File(file) => file.lease(name, patience).await.map(Lease::File),
        }
    }

    /// Returns the newest state of a login.
    pub async fn get(&self, name: &Name) -> Result<Option<Secret>, StoreError> {
        match self {
            Self::Redis(redis) => redis.get(name).await,
            Self::File(file) => file.get(name).await,
        }
    }

    /// Tells every server that the login of this name was revoked at the provider.
    pub async fn tell_revoked(&self, name: &Name) -> Result<(), StoreError> {
        match self {
            Self::Redis(redis) => redis.tell_revoked(name).await,
            Self::File(file) => file.tell_revoked(name).await,
        }
    }

    /// Tells every server that this provider replaces refresh tokens.
    pub async fn tell_rotating(&self, provider: &str) -> Result<(), StoreError> {
        match self {
            Self::Redis(redis) => redis.tell_rotating(provider).await,
            Self::File(file) => file.tell_rotating(provider).await,
        }
    }

    /// Reads the announcements since `read_until`, which the last read returned; 0 reads
    /// all.
    pub async fn news(&self, read_until: f64) -> Result<News, StoreError> {
        match self {
            Self::Redis(redis) => redis.news(read_until).await,
            Self::File(file) => file.news(read_until).await,
        }
    }

    /// Returns the size of the file, if there is one.
    pub(crate) fn file_bytes(&self) -> Option<u64> {
        match self {
            Self::Redis(_) => None,
            Self::File(file) => file.file_bytes(),
        }
    }

    /// Gives the store up for another process. Does not wait long for a hung disk.
    pub async fn close(&self) {
        if let Self::File(file) = self {
            file.close().await;
        }
    }
}

impl Lease {
    /// Returns the value that was stored when the lease began.
    pub fn value(&self) -> Option<&Secret> {
        match self {
            Self::Redis(lease) => lease.value(),
            Self::File(lease) => lease.value(),
        }
    }

    /// Does the work, and keeps the lease until the work ends or [`Lease::mark_sent`] was
    /// called.
    pub async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        match self {
            Self::Redis(lease) => lease.hold(work).await,
            Self::File(_) => work.await,
        }
    }

    /// Notes that the refresh token is sent, in a call that ends within `call_may_take` from
    /// now in any case. Nothing may be sent unless this returned `Ok`.
    pub async fn mark_sent(&self, call_may_take: Duration) -> Result<(), StoreError> {
        match self {
            Self::Redis(lease) => lease.mark_sent(call_may_take).await,
            Self::File(lease) => lease.mark_sent().await,
        }
    }

    /// Stores a new value, if there is one, and ends the lease. Returns `false` if the lease
    /// was lost; then nothing was stored.
    pub async fn settle(&self, new_value: Option<(&Secret, Duration)>) -> Result<bool, StoreError> {
        match self {
            Self::Redis(lease) => lease.settle(new_value).await,
            Self::File(lease) => lease.settle(new_value).await,
        }
    }
}
