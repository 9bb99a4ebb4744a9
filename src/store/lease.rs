//! Exclusive use of a name among all servers that share a store: the protocol of
//! `turn.rs`, run against Redis.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Mutex;

use super::{
    Name, RedisStore, StoreError, TurnState,
    swap::{NextRecord, Swapped},
    turn::Record,
};
use crate::{clock::Stopwatch, secret::Secret};

/// Renewals within the life of a lock: several, so that one may be lost.
const RENEWALS_PER_LIFE: u32 = 3;
/// Pause between two attempts to get the lease.
const POLL_INTERVAL: Duration = Duration::from_millis(25);
/// Attempts to change a record whose current text is not known because a response of
/// Redis was lost.
const SWAP_ATTEMPTS: usize = 3;
/// Attempts to end a lease that may or may not have been got. Together with the pauses
/// they last a little longer than a lock lives.
const GIVE_BACK_ATTEMPTS: usize = 12;
const GIVE_BACK_INTERVAL: Duration = Duration::from_secs(1);

/// The right to work on a name, and the value that was stored when the lease began. It
/// ends when it is settled. Dropped unsettled, it keeps others out like the lease of a
/// server that died.
#[derive(Debug)]
pub struct RedisLease {
    redis: RedisStore,
    name: Name,
    owner: String,
    value: Option<Secret>,
    /// The record as Redis had it last. Locked while it is changed, so that a renewal and
    /// the step to *sent* come one after the other.
    record: Mutex<String>,
}

impl RedisStore {
    /// Takes the lease on a name. Waits for another server at most for `patience`.
    pub async fn lease(&self, name: Name, patience: Duration) -> Result<RedisLease, StoreError> {
        let owner = random_owner();
        match self.wait_for_turn(&name, &owner, patience).await {
            Ok(taken) => Ok(RedisLease {
                redis: self.clone(),
                name,
                owner,
                value: taken.value,
                record: Mutex::new(taken.record),
            }),
            Err(error) => {
                // This server may have the lease all the same: a response was lost, or
                // Redis will read the command when it wakes up.
                tokio::spawn(self.clone().give_back(name, owner));
                Err(error)
            }
        }
    }

    async fn wait_for_turn(
        &self,
        name: &Name,
        owner: &str,
        patience: Duration,
    ) -> Result<Swapped, StoreError> {
        let waiting = Stopwatch::start();
        let mut expected = String::new();
        loop {
            let swapped = self.swap(name, owner, &expected, NextRecord::Held).await?;
            if swapped.is_done {
                return Ok(swapped);
            }
            let turn = self.turn(&swapped, owner);
            if turn == TurnState::Abandoned {
                self.note_takeover();
            }
            if let TurnState::Free | TurnState::Abandoned = turn {
                expected = swapped.record;
                continue;
            }
            if waiting.elapsed() >= patience {
                return Err(match turn {
                    TurnState::Owed { free_in } => StoreError::Owed { free_in },
                    _ => StoreError::Held,
                });
            }
            // The other server's record may be gone at the next attempt.
            expected.clear();
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    fn turn(&self, swapped: &Swapped, owner: &str) -> TurnState {
        if swapped.record.is_empty() {
            return TurnState::Free;
        }
        // An unreadable record may be of a newer version. Redis deletes it in time.
        let Some(record) = Record::parse(&swapped.record) else {
            return TurnState::Taken;
        };
        let us = owner.to_owned();
        let answered_for = self.answered_for();
        self.times()
            .turn(Some(&record), &us, swapped.now, answered_for)
    }

    async fn give_back(self, name: Name, owner: String) {
        let settled = NextRecord::Settled(None);
        for _ in 0..GIVE_BACK_ATTEMPTS {
            let change = self.change_own(&name, &owner, String::new(), settled);
            if change.await.is_ok() {
                return;
            }
            tokio::time::sleep(GIVE_BACK_INTERVAL).await;
        }
    }

    /// Changes this server's own record. Returns `None` if another server has the turn.
    async fn change_own(
        &self,
        name: &Name,
        owner: &str,
        mut expected: String,
        next: NextRecord<'_>,
    ) -> Result<Option<String>, StoreError> {
        let us = owner.to_owned();
        for _ in 0..SWAP_ATTEMPTS {
            let is_allowed = Record::parse(&expected).is_some_and(|record| match next {
                NextRecord::Held | NextRecord::Sent(_) => record.may_go_on(&us),
                NextRecord::Settled(_) => record.may_settle(&us),
            });
            // An empty text means that the current record is not known yet.
            if !is_allowed && !expected.is_empty() {
                return Ok(None);
            }
            let swapped = self.swap(name, owner, &expected, next).await?;
            match swapped.is_done {
                true => return Ok(is_allowed.then_some(swapped.record)),
                // There is no record: Redis lost it, or has made this change before.
                false if swapped.record.is_empty() => return Ok(None),
                false => expected = swapped.record,
            }
        }
        Ok(None)
    }

    fn note_takeover(&self) {
        tracing::warn!(
            "another server did not come back from a refresh, and the login goes on here; if the \
             provider had answered it, that login is lost"
        );
        self.metrics().lease_taken_over();
    }
}

impl RedisLease {
    /// Returns the value that was stored when the lease began.
    pub fn value(&self) -> Option<&Secret> {
        self.value.as_ref()
    }

    /// Does the work, and renews the lock until the work ends or [`RedisLease::mark_sent`] was
    /// called.
    pub async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        let interval = self.redis.times().held / RENEWALS_PER_LIFE;
        let renewing = async {
            loop {
                tokio::time::sleep(interval).await;
                // If Redis does not answer, the step to *sent* finds out who has the turn.
                if let Ok(false) = self.change(NextRecord::Held).await {
                    // Sent, or taken by another server: there is nothing to renew.
                    return std::future::pending().await;
                }
            }
        };
        tokio::select! {
            result = work => result,
            () = renewing => unreachable!("renewing never returns"),
        }
    }

    /// Turns the lease from *held* into *sent*, for a call that ends within `call_may_take`
    /// from now in any case. Nothing may be sent unless this returned `Ok`.
    pub async fn mark_sent(&self, call_may_take: Duration) -> Result<(), StoreError> {
        match self.change(NextRecord::Sent(call_may_take)).await? {
            true => Ok(()),
            false => Err(StoreError::Lost),
        }
    }

    /// Stores a new value, if there is one, and ends the lease. Returns `false` if another
    /// server has taken over; then nothing was stored.
    pub async fn settle(&self, new_value: Option<(&Secret, Duration)>) -> Result<bool, StoreError> {
        self.change(NextRecord::Settled(new_value)).await
    }

    /// Changes the record. Returns `false` if another server has the turn.
    async fn change(&self, next: NextRecord<'_>) -> Result<bool, StoreError> {
        let mut record = self.record.lock().await;
        let (redis, expected) = (&self.redis, record.clone());
        let changed = redis.change_own(&self.name, &self.owner, expected, next);
        let changed = changed.await?;
        let is_done = changed.is_some();
        // After the end of the lease the last record stays here: an empty one would let a
        // second settling store its value without a lease.
        if let Some(changed) = changed.filter(|record| !record.is_empty()) {
            *record = changed;
        }
        Ok(is_done)
    }
}

/// Returns 128 random bits, so that no two leases have the same owner.
fn random_owner() -> String {
    let mut bits = [0; 16];
    SystemRandom::new()
        .fill(&mut bits)
        .expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(bits)
}
