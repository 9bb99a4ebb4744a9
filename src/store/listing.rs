//! The logins of a store, some at a time.

use std::{sync::LazyLock, time::Duration};

use redis::Script;

use super::{Entry, LoginStore, Name, RedisStore, StoreError, StoreTime, swap::milliseconds};
use crate::{clock::Clock, secret::Secret};

/// Lifetime below which a value in Redis is no login, but a hand-over.
const SHORTEST_MS: i64 = 60_000;
/// Number of keys that Redis looks at in one step.
const SCANNED: usize = 500;

/// A place in the order of a store's logins.
pub(super) enum Position {
    Scan(u64),
    After(Option<Name>),
}

/// Some logins, and the place where they end; `None` at the end.
pub(super) struct Listed {
    pub(super) entries: Vec<Entry>,
    pub(super) next: Option<Position>,
    pub(super) in_progress: u64,
    /// True if `in_progress` counts all logins, not only these.
    pub(super) is_total: bool,
}

/// Stores a value unless there is one that lives longer, which is a newer one. Returns 1 if
/// it was stored.
static MERGE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
        if redis.call('PTTL', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1",
    )
});

impl Position {
    pub(super) fn start(store: &LoginStore) -> Self {
        match store {
            LoginStore::Redis(_) => Self::Scan(0),
            LoginStore::File(_) => Self::After(None),
        }
    }
}

impl LoginStore {
    pub(super) async fn list(&self, from: Position, clock: &Clock) -> Result<Listed, StoreError> {
        match (self, from) {
            (Self::Redis(redis), Position::Scan(cursor)) => redis.scan(cursor, clock).await,
            (Self::Redis(redis), Position::After(_)) => redis.scan(0, clock).await,
            (Self::File(file), from) => {
                let after = match from {
                    Position::After(after) => after,
                    Position::Scan(_) => None,
                };
                let (entries, in_progress) = file.page(after).await?;
                Ok(Listed {
                    next: entries.last().map(|last| Position::After(Some(last.name))),
                    entries,
                    in_progress,
                    is_total: true,
                })
            }
        }
    }

    /// Stores the entries that are newer than what is stored. Returns their number.
    pub(super) async fn merge(
        &self,
        entries: Vec<Entry>,
        clock: &Clock,
    ) -> Result<u64, StoreError> {
        match self {
            Self::Redis(redis) => redis.merge(entries, clock).await,
            Self::File(file) => file.merge(entries).await,
        }
    }
}

impl RedisStore {
    async fn scan(&self, cursor: u64, clock: &Clock) -> Result<Listed, StoreError> {
        let pattern = format!("{}{{*}}*", self.prefix());
        let (next, keys): (u64, Vec<String>) = self
            .run(|mut connection| async move {
                let mut scan = redis::cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(pattern);
                scan.arg("COUNT").arg(SCANNED);
                scan.query_async(&mut connection).await
            })
            .await?;
        let mut entries = Vec::new();
        let mut in_progress = 0;
        for key in keys {
            match self.name_of(&key) {
                Some((name, "")) => entries.extend(self.entry(name, clock).await?),
                Some((_, ":turn")) => in_progress += 1,
                _ => {}
            }
        }
        Ok(Listed {
            entries,
            next: (next != 0).then_some(Position::Scan(next)),
            in_progress,
            is_total: false,
        })
    }

    /// Returns the name in a Redis key, and what follows it.
    fn name_of<'k>(&self, key: &'k str) -> Option<(Name, &'k str)> {
        let rest = key.strip_prefix(self.prefix())?.strip_prefix('{')?;
        let (name, rest) = rest.split_once('}')?;
        Some((Name::parse(name)?, rest))
    }

    async fn entry(&self, name: Name, clock: &Clock) -> Result<Option<Entry>, StoreError> {
        let key = self.key(&name);
        // Before Redis is asked: an entry must never seem newer than it is.
        let now = StoreTime::now(clock);
        let (value, left): (Option<String>, i64) = self
            .run(|mut connection| async move {
                let mut both = redis::pipe();
                both.get(&key).pttl(&key);
                both.query_async(&mut connection).await
            })
            .await?;
        Ok(value.filter(|_| left > SHORTEST_MS).map(|value| Entry {
            name,
            value: Secret::new(value),
            expires_at: now.plus(Duration::from_millis(left.unsigned_abs())),
        }))
    }

    async fn merge(&self, entries: Vec<Entry>, clock: &Clock) -> Result<u64, StoreError> {
        let mut stored = 0;
        for entry in entries {
            let key = self.key(&entry.name);
            let left = entry.expires_at.since(StoreTime::now(clock));
            if left.is_zero() {
                continue;
            }
            let was_stored: u64 = self
                .run(|mut connection| async move {
                    let mut merging = MERGE.key(key);
                    merging.arg(entry.value.expose()).arg(milliseconds(left));
                    merging.invoke_async(&mut connection).await
                })
                .await?;
            stored += was_stored;
        }
        Ok(stored)
    }
}
