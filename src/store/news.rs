//! Announcements to all servers that share a store.

use std::{sync::LazyLock, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use redis::{AsyncCommands, Script};

use super::{Name, RedisStore, StoreError, swap::milliseconds};

/// Lifetime of an announced revocation. A server that could not read for that long must
/// drop everything that it has cached.
pub const NEWS_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Overlap of two reads, in milliseconds: after a failover the store's clock may be a
/// little behind.
const OVERLAP_MS: f64 = 60_000.0;

/// The announcements of all servers.
#[derive(Debug, Default)]
pub struct News {
    /// Store names of the logins whose grant was revoked at the provider.
    pub revoked: Vec<Name>,
    /// Ids of the providers that replaced a refresh token although their table says
    /// *stable*.
    pub rotating: Vec<String>,
    /// Start of the next read, on the store's clock.
    pub read_until: f64,
}

/// Adds a name with the time of Redis's clock, and deletes names that are too old.
static TELL_REVOKED: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        redis.call('ZADD', KEYS[1], now, ARGV[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
        redis.call('PEXPIRE', KEYS[1], ARGV[2])",
    )
});

impl RedisStore {
    /// Tells every server that the login of this name was revoked at the provider.
    pub async fn tell_revoked(&self, name: &Name) -> Result<(), StoreError> {
        let key = self.common_key("revoked");
        let name = URL_SAFE_NO_PAD.encode(name.as_bytes());
        self.run(|mut connection| async move {
            let mut telling = TELL_REVOKED.key(key);
            telling.arg(name).arg(milliseconds(NEWS_LIFETIME));
            telling.invoke_async(&mut connection).await
        })
        .await
    }

    /// Tells every server that this provider replaces refresh tokens.
    pub async fn tell_rotating(&self, provider: &str) -> Result<(), StoreError> {
        let key = self.common_key("rotating");
        self.run(|mut connection| async move { connection.sadd(key, provider).await })
            .await
    }

    /// Reads the announcements since `read_until`, which the last read returned; 0 reads
    /// all.
    pub async fn news(&self, read_until: f64) -> Result<News, StoreError> {
        let (revoked, rotating) = (self.common_key("revoked"), self.common_key("rotating"));
        let since = read_until - OVERLAP_MS;
        let names: Vec<(String, f64)> = self
            .run(|mut connection| async move {
                connection
                    .zrangebyscore_withscores(revoked, since, "+inf")
                    .await
            })
            .await?;
        let rotating: Vec<String> = self
            .run(|mut connection| async move { connection.smembers(rotating).await })
            .await?;
        Ok(News {
            read_until: names.iter().fold(read_until, |last, (_, at)| last.max(*at)),
            revoked: names
                .iter()
                .filter_map(|(name, _)| Name::parse(name))
                .collect(),
            rotating,
        })
    }
}
