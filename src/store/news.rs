//! Announcements to all servers that share a store.

use std::{sync::LazyLock, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use redis::{AsyncCommands, Script};

use super::{Name, Shared, StoreError};

/// Lifetime of an announced revocation. A server that could not read for so long must drop
/// everything that it has cached.
pub const NEWS_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Overlap of two reads, in milliseconds: after a failover the store's clock may be a
/// little behind.
const OVERLAP_MS: f64 = 60_000.0;

/// Announcements.
#[derive(Debug, Default)]
pub struct News {
    /// Names of logins whose grant was revoked at the provider.
    pub revoked: Vec<Name>,
    /// Providers that replaced a refresh token although their table says *stable*.
    pub rotating: Vec<String>,
    /// Start of the next read, on the store's clock.
    pub read_until: f64,
}

/// Adds a name under the store's own time, and forgets what is too old.
static TELL_REVOKED: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        redis.call('ZADD', KEYS[1], now, ARGV[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
        redis.call('PEXPIRE', KEYS[1], ARGV[2])",
    )
});

impl Shared {
    /// Tells every server that the login of this name was revoked at the provider.
    pub async fn tell_revoked(&self, name: &Name) -> Result<(), StoreError> {
        let key = self.common_key("revoked");
        let name = URL_SAFE_NO_PAD.encode(name.as_bytes());
        let lifetime = u64::try_from(NEWS_LIFETIME.as_millis()).unwrap_or(u64::MAX);
        self.run(|mut connection| async move {
            let mut telling = TELL_REVOKED.key(key);
            telling.arg(name).arg(lifetime);
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

    /// Reads the announcements since `read_until` of the news before; 0 reads all.
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
