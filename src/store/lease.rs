//! Exclusive use of a name, among all servers that share a store.
//!
//! Two marks stand for a lease. The *lock* lives a few seconds and is renewed while
//! its holder is at work; it goes with a holder that dies. The *debt* says that the
//! holder has something to store, and outlives the lock: the holder may be alive
//! and only have lost the store for a while, and until it has had time to settle,
//! what is stored is not to be trusted.

use std::{sync::LazyLock, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use redis::Script;
use ring::rand::{SecureRandom, SystemRandom};

use super::{Name, Shared, StoreError};
use crate::{clock::Stopwatch, secret::Secret};

/// How long a holder that died keeps others out, first by its lock ...
const LOCK_LIFETIME: Duration = Duration::from_secs(5);
/// ... then by its debt, counted while the store answers: time enough for a holder
/// that is alive to try again several times.
const GRACE: Duration = Duration::from_secs(5);
/// Several times within the life of a lock.
const RENEWAL_INTERVAL: Duration = Duration::from_millis(1_500);
/// A debt of which nobody has heard for so long is forgotten.
const DEBT_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Between two looks whether it is our turn.
const POLL_INTERVAL: Duration = Duration::from_millis(25);
/// For a little longer than the marks of a dead server keep others out.
const GIVE_BACK_ATTEMPTS: usize = 12;
const GIVE_BACK_INTERVAL: Duration = Duration::from_secs(1);

/// The right to work on a name, and what was stored when it was got. It ends when
/// it is settled; dropped, it keeps others out as that of a dead server would.
#[derive(Debug)]
pub struct Lease {
    shared: Shared,
    name: Name,
    token: String,
    value: Option<Secret>,
}

/// Takes or renews the lock, then the debt, then reads.
static BEGIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local value, lock, debt = KEYS[1], KEYS[2], KEYS[3]
        local token, lock_ms, debt_ms, dead = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
        local holder = redis.call('GET', lock)
        if holder and holder ~= token then return {'held'} end
        redis.call('SET', lock, token, 'PX', lock_ms)
        local debtor = redis.call('GET', debt)
        if debtor and debtor ~= token and debtor ~= dead then return {'owed', debtor} end
        redis.call('SET', debt, token, 'PX', debt_ms)
        return {'ours', redis.call('GET', value)}",
    )
});

/// Stores what is owed, if it still is, and gives the lock back.
static SETTLE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local value, lock, debt = KEYS[1], KEYS[2], KEYS[3]
        local token, new_value, value_ms = ARGV[1], ARGV[2], ARGV[3]
        local settled = 0
        if redis.call('GET', debt) == token then
            if new_value ~= '' then redis.call('SET', value, new_value, 'PX', value_ms) end
            redis.call('DEL', debt)
            settled = 1
        end
        if redis.call('GET', lock) == token then redis.call('DEL', lock) end
        return settled",
    )
});

/// How an attempt to begin ended.
enum Begun {
    /// Another has the lock.
    Held,
    /// We have the lock, but this other has not settled yet.
    Owed(String),
    /// We have it.
    Ours(Option<Secret>),
}

impl Shared {
    /// Waits until the name is ours, at most for `patience`.
    pub async fn lease(&self, name: Name, patience: Duration) -> Result<Lease, StoreError> {
        let token = random_token();
        let leased = self.wait_for(&name, &token, patience).await;
        match leased {
            Ok(value) => Ok(Lease {
                shared: self.clone(),
                name,
                token,
                value,
            }),
            Err(error) => {
                // It may be ours all the same: an answer was lost, or the store will
                // read what was sent to it when it wakes up.
                tokio::spawn(self.clone().give_back(name, token));
                Err(error)
            }
        }
    }

    async fn wait_for(
        &self,
        name: &Name,
        token: &str,
        patience: Duration,
    ) -> Result<Option<Secret>, StoreError> {
        let waiting = Stopwatch::start();
        // Who has not settled, since we know of it.
        let mut owed: Option<(String, Stopwatch)> = None;
        loop {
            let dead = owed
                .as_ref()
                .filter(|(_, since)| since.elapsed() >= GRACE)
                .map_or("", |(debtor, _)| debtor);
            match self.begin(name, token, dead).await? {
                Begun::Ours(value) => {
                    if !dead.is_empty() {
                        self.took_over();
                    }
                    return Ok(value);
                }
                Begun::Held => owed = None,
                Begun::Owed(debtor) if is_known(&owed, &debtor) => {}
                Begun::Owed(debtor) => owed = Some((debtor, Stopwatch::start())),
            }
            if waiting.elapsed() >= patience {
                return Err(StoreError::Held);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn give_back(self, name: Name, token: String) {
        for _ in 0..GIVE_BACK_ATTEMPTS {
            if self.settle(&name, &token, None).await.is_ok() {
                return;
            }
            tokio::time::sleep(GIVE_BACK_INTERVAL).await;
        }
    }

    async fn begin(&self, name: &Name, token: &str, dead: &str) -> Result<Begun, StoreError> {
        let [value, lock, debt] = self.keys(name);
        let answer: Vec<Option<String>> = self
            .run(|mut connection| async move {
                BEGIN
                    .key(value)
                    .key(lock)
                    .key(debt)
                    .arg(token)
                    .arg(milliseconds(LOCK_LIFETIME))
                    .arg(milliseconds(DEBT_LIFETIME))
                    .arg(dead)
                    .invoke_async(&mut connection)
                    .await
            })
            .await?;
        let mut answer = answer.into_iter().flatten();
        Ok(match (answer.next().as_deref(), answer.next()) {
            (Some("ours"), value) => Begun::Ours(value.map(Secret::new)),
            (Some("owed"), Some(debtor)) => Begun::Owed(debtor),
            _ => Begun::Held,
        })
    }

    async fn settle(
        &self,
        name: &Name,
        token: &str,
        new_value: Option<(&Secret, Duration)>,
    ) -> Result<bool, StoreError> {
        let [value, lock, debt] = self.keys(name);
        let (new_value, lifetime) = match new_value {
            Some((secret, lifetime)) => (secret.expose(), lifetime),
            None => ("", Duration::ZERO),
        };
        self.run(|mut connection| async move {
            SETTLE
                .key(value)
                .key(lock)
                .key(debt)
                .arg(token)
                .arg(new_value)
                .arg(milliseconds(lifetime))
                .invoke_async(&mut connection)
                .await
        })
        .await
        .map(|settled: u8| settled == 1)
    }

    fn keys(&self, name: &Name) -> [String; 3] {
        let value = self.key(name);
        let (lock, debt) = (format!("{value}:lock"), format!("{value}:owed"));
        [value, lock, debt]
    }

    fn took_over(&self) {
        tracing::warn!(
            "another server died while it refreshed a login, which goes on here; if the provider \
             had answered it, that login is lost"
        );
        self.metrics().lease_taken_over();
    }
}

impl Lease {
    /// What was stored when the lease began.
    pub fn value(&self) -> Option<&Secret> {
        self.value.as_ref()
    }

    /// Does the work, and keeps the lock for as long as it takes.
    pub async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        let renewing = async {
            loop {
                tokio::time::sleep(RENEWAL_INTERVAL).await;
                // Without a store the debt still speaks for us.
                let _ = self.shared.begin(&self.name, &self.token, "").await;
            }
        };
        tokio::select! {
            result = work => result,
            () = renewing => unreachable!("it goes on for ever"),
        }
    }

    /// Stores a new value, if there is one, and ends the lease. `false` if another
    /// server took this one for dead and went on: then nothing was stored.
    pub async fn settle(&self, new_value: Option<(&Secret, Duration)>) -> Result<bool, StoreError> {
        self.shared.settle(&self.name, &self.token, new_value).await
    }
}

fn is_known(owed: &Option<(String, Stopwatch)>, debtor: &str) -> bool {
    owed.as_ref().is_some_and(|(known, _)| known == debtor)
}

/// 128 bits that no other lease has.
fn random_token() -> String {
    let mut bits = [0; 16];
    SystemRandom::new()
        .fill(&mut bits)
        .expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(bits)
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
