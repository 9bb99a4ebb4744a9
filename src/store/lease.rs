//! Exclusive use of a name among all servers that share a store: the protocol of
//! `turn.rs`, run against Redis.

use std::{sync::LazyLock, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use redis::Script;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Mutex;

use super::{Name, Shared, StoreError, StoreTime, Turn, turn::Record};
use crate::{clock::Stopwatch, secret::Secret};

/// Several times within the life of a lock.
const RENEWALS_PER_LIFE: u32 = 3;
/// Redis deletes a record that has not been changed for so long.
const RECORD_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Pause between two attempts to get the lease.
const POLL_INTERVAL: Duration = Duration::from_millis(25);
/// Added to the time that a call may take: the clocks of two machines do not run at
/// exactly the same speed, and the answer is still to be stored.
const CALL_MARGIN: Duration = Duration::from_secs(2);
/// Attempts to change a record whose current text is not known, because an answer of the
/// store was lost.
const SWAP_ATTEMPTS: usize = 3;
/// Together a little longer than a lock lives.
const GIVE_BACK_ATTEMPTS: usize = 12;
const GIVE_BACK_INTERVAL: Duration = Duration::from_secs(1);

/// The right to work on a name, and what was stored when it was got. It ends when
/// it is settled; dropped, it keeps others out as that of a dead server would.
#[derive(Debug)]
pub struct Lease {
    shared: Shared,
    name: Name,
    owner: String,
    value: Option<Secret>,
    /// The record as the store had it last. Locked while it is changed, so that a
    /// renewal and the step to *sent* come one after the other.
    record: Mutex<String>,
}

/// Compare and swap: replaces the expected record by another whose end is computed on the
/// store's clock, or deletes it and stores a value, if there is one. Returns whether the
/// record was the expected one, the record that is there now, the time, and the value.
static SWAP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local value, record = KEYS[1], KEYS[2]
        local expected, next, next_ms, keep_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
        local new_value, value_ms = ARGV[5], ARGV[6]
        local time = redis.call('TIME')
        local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
        local current = redis.call('GET', record) or ''
        if current ~= expected then return {'no', current, now} end
        if next == '' then
            if new_value ~= '' then redis.call('SET', value, new_value, 'PX', value_ms) end
            redis.call('DEL', record)
            return {'yes', '', now}
        end
        current = next .. ' ' .. string.format('%.0f', now + next_ms)
        redis.call('SET', record, current, 'PX', keep_ms)
        return {'yes', current, now, redis.call('GET', value)}",
    )
});

/// The record that replaces the expected one.
#[derive(Clone, Copy)]
enum Next<'a> {
    Held,
    /// With the time that the call may still take.
    Sent(Duration),
    /// No record, and perhaps a new value with its lifetime.
    Settled(Option<(&'a Secret, Duration)>),
}

/// The store's answer to an attempt.
struct Swapped {
    is_done: bool,
    record: String,
    now: StoreTime,
    value: Option<Secret>,
}

impl Shared {
    /// Waits until the name is ours, at most for `patience`.
    pub async fn lease(&self, name: Name, patience: Duration) -> Result<Lease, StoreError> {
        let owner = random_owner();
        match self.wait_for(&name, &owner, patience).await {
            Ok(taken) => Ok(Lease {
                shared: self.clone(),
                name,
                owner,
                value: taken.value,
                record: Mutex::new(taken.record),
            }),
            Err(error) => {
                // It may be ours all the same: an answer was lost, or the store will
                // read what was sent to it when it wakes up.
                tokio::spawn(self.clone().give_back(name, owner));
                Err(error)
            }
        }
    }

    async fn wait_for(
        &self,
        name: &Name,
        owner: &str,
        patience: Duration,
    ) -> Result<Swapped, StoreError> {
        let waiting = Stopwatch::start();
        let mut expected = String::new();
        loop {
            let swapped = self.swap(name, owner, &expected, Next::Held).await?;
            if swapped.is_done {
                return Ok(swapped);
            }
            let turn = self.turn(&swapped, owner);
            if turn == Turn::Abandoned {
                self.took_over();
            }
            if let Turn::Free | Turn::Abandoned = turn {
                expected = swapped.record;
                continue;
            }
            if waiting.elapsed() >= patience {
                return Err(match turn {
                    Turn::Owed { free_in } => StoreError::Owed { free_in },
                    _ => StoreError::Held,
                });
            }
            // The record that is waited for may be gone by then.
            expected.clear();
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    fn turn(&self, swapped: &Swapped, owner: &str) -> Turn {
        if swapped.record.is_empty() {
            return Turn::Free;
        }
        // A record that can't be read may be of a newer version: Redis deletes it in time.
        let Some(record) = Record::parse(&swapped.record) else {
            return Turn::Taken;
        };
        let us = owner.to_owned();
        let answered_for = self.answered_for();
        self.times()
            .turn(Some(&record), &us, swapped.now, answered_for)
    }

    async fn give_back(self, name: Name, owner: String) {
        for _ in 0..GIVE_BACK_ATTEMPTS {
            let settled = self.go_on(&name, &owner, String::new(), Next::Settled(None));
            if settled.await.is_ok() {
                return;
            }
            tokio::time::sleep(GIVE_BACK_INTERVAL).await;
        }
    }

    /// Changes our own record. Returns `None` if another server has the turn.
    async fn go_on(
        &self,
        name: &Name,
        owner: &str,
        mut expected: String,
        next: Next<'_>,
    ) -> Result<Option<String>, StoreError> {
        let us = owner.to_owned();
        for _ in 0..SWAP_ATTEMPTS {
            let is_allowed = Record::parse(&expected).is_some_and(|record| match next {
                Next::Held | Next::Sent(_) => record.may_go_on(&us),
                Next::Settled(_) => record.may_settle(&us),
            });
            // An empty text means that the current record is not known yet.
            if !is_allowed && !expected.is_empty() {
                return Ok(None);
            }
            let swapped = self.swap(name, owner, &expected, next).await?;
            match swapped.is_done {
                true => return Ok(is_allowed.then_some(swapped.record)),
                // Nobody's: the store forgot it, or did this before.
                false if swapped.record.is_empty() => return Ok(None),
                false => expected = swapped.record,
            }
        }
        Ok(None)
    }

    async fn swap(
        &self,
        name: &Name,
        owner: &str,
        expected: &str,
        next: Next<'_>,
    ) -> Result<Swapped, StoreError> {
        let value_key = self.key(name);
        let record_key = format!("{value_key}:turn");
        let (next, duration, value) = match next {
            Next::Held => (format!("held {owner}"), self.times().held, None),
            Next::Sent(call) => (format!("sent {owner}"), call + CALL_MARGIN, None),
            Next::Settled(value) => (String::new(), Duration::ZERO, value),
        };
        let (new_value, lifetime) = match value {
            Some((secret, lifetime)) => (secret.expose(), lifetime),
            None => ("", Duration::ZERO),
        };
        let answer: Vec<Option<String>> = self
            .run(|mut connection| async move {
                SWAP.key(value_key)
                    .key(record_key)
                    .arg(expected)
                    .arg(next)
                    .arg(milliseconds(duration))
                    .arg(milliseconds(RECORD_LIFETIME))
                    .arg(new_value)
                    .arg(milliseconds(lifetime))
                    .invoke_async(&mut connection)
                    .await
            })
            .await?;
        let mut answer = answer.into_iter();
        let mut next = || answer.next().flatten();
        Ok(Swapped {
            is_done: next().as_deref() == Some("yes"),
            record: next().unwrap_or_default(),
            now: StoreTime(next().and_then(|now| now.parse().ok()).unwrap_or(0)),
            value: next().map(Secret::new),
        })
    }

    fn took_over(&self) {
        tracing::warn!(
            "another server did not come back from a refresh, and the login goes on here; if the \
             provider had answered it, that login is lost"
        );
        self.metrics().lease_taken_over();
    }
}

impl Lease {
    /// The value that was stored when the lease began.
    pub fn value(&self) -> Option<&Secret> {
        self.value.as_ref()
    }

    /// Does the work, and keeps the lock until the work ends or [`Lease::mark_sent`]
    /// was called.
    pub async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        let interval = self.shared.times().held / RENEWALS_PER_LIFE;
        let renewing = async {
            loop {
                tokio::time::sleep(interval).await;
                // Without an answer, the step to sent finds out whether it is still ours.
                if let Ok(None) = self.renew().await {
                    // Sent, or another server's: there is nothing to renew.
                    return std::future::pending().await;
                }
            }
        };
        tokio::select! {
            result = work => result,
            () = renewing => unreachable!("it goes on for ever"),
        }
    }

    async fn renew(&self) -> Result<Option<()>, StoreError> {
        let mut record = self.record.lock().await;
        let renewed = self.go_on(&record, Next::Held).await?;
        Ok(renewed.map(|renewed| *record = renewed))
    }

    /// Turns the lease from *held* into *sent*, for a call that ends within
    /// `call_may_take` from now whatever happens. Nothing may be sent unless this
    /// returned `Ok`.
    pub async fn mark_sent(&self, call_may_take: Duration) -> Result<(), StoreError> {
        let mut record = self.record.lock().await;
        let next = Next::Sent(call_may_take);
        match self.go_on(&record, next).await? {
            Some(sent) => {
                *record = sent;
                Ok(())
            }
            None => Err(StoreError::Lost),
        }
    }

    /// Stores a new value, if there is one, and ends the lease. `false` if another
    /// server took this one for dead and went on: then nothing was stored.
    pub async fn settle(&self, new_value: Option<(&Secret, Duration)>) -> Result<bool, StoreError> {
        let record = self.record.lock().await;
        let settled = self.go_on(&record, Next::Settled(new_value)).await?;
        Ok(settled.is_some())
    }

    async fn go_on(&self, record: &str, next: Next<'_>) -> Result<Option<String>, StoreError> {
        let expected = record.to_owned();
        self.shared
            .go_on(&self.name, &self.owner, expected, next)
            .await
    }
}

/// 128 bits that no other lease has.
fn random_owner() -> String {
    let mut bits = [0; 16];
    SystemRandom::new()
        .fill(&mut bits)
        .expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(bits)
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
