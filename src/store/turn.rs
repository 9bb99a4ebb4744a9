//! The protocol by which servers take turns at a name, without input or output.
//!
//! One record in the store says which server has the turn. Before its owner does anything
//! elsewhere that cannot be undone, it turns the record from *held* into *sent*. A held
//! record of an owner that died expires within seconds. A sent one stays longer: its owner
//! may be alive with a new token and without a connection to the store.
//!
//! `lease.rs` runs these rules against Redis, and `tests/it/turns.rs` explores every order
//! of steps and faults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment on the store's own clock, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct StoreTime(pub u64);

/// Progress of a record's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing was sent yet.
    Held,
    /// The token is sent, or may be at any moment.
    Sent,
}

/// The record of a turn. `T` identifies a lease; no two leases have the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record<T> {
    /// The lease that has the turn.
    pub owner: T,
    /// Progress of its owner.
    pub phase: Phase,
    /// End of the lock (*held*) or of the call (*sent*).
    pub until: StoreTime,
}

/// Durations of the protocol.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTimes {
    /// Lifetime of a *held* record that is not renewed.
    pub held: Duration,
    /// Time that others wait after the end of a *sent* record's call.
    ///
    /// The owner may be alive with a new token in memory and without a connection to the
    /// store. Sending the old token then can end the login. Half an hour, because a client
    /// that is refused gives up after two minutes and comes back with its next job, an hour
    /// or a day later: a shorter wait would help nobody, and a longer one would fail two
    /// hourly jobs in a row.
    pub owner_grace: Duration,
    /// Time that the store must have answered without a failure before a *sent* record is
    /// taken over, so that an owner that lost the store at the same time stores first.
    pub steady: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            held: Duration::from_secs(5),
            owner_grace: Duration::from_secs(30 * 60),
            steady: Duration::from_secs(10),
        }
    }
}

/// Availability of the turn to a server that wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnState {
    /// It may take the turn.
    Free,
    /// It may take the turn. The result of the last owner's call is lost.
    Abandoned,
    /// Another server has it.
    Taken,
    /// Another server may have a result to store. Others wait for it.
    Owed {
        /// Remaining wait. Zero if the store only has to answer for a while longer.
        free_in: Duration,
    },
}

impl LeaseTimes {
    /// Decides if `us` may take the turn at `now`. `answered_for` is the time for which the
    /// store has answered `us` without a failure.
    pub fn turn<T: PartialEq>(
        &self,
        record: Option<&Record<T>>,
        us: &T,
        now: StoreTime,
        answered_for: Duration,
    ) -> TurnState {
        let Some(record) = record else {
            return TurnState::Free;
        };
        match record.phase {
            // The response that granted this server the turn was lost.
            Phase::Held if record.owner == *us => TurnState::Free,
            _ if now < record.until => TurnState::Taken,
            Phase::Held => TurnState::Free,
            Phase::Sent => {
                let free_in = record.until.plus(self.owner_grace).since(now);
                match free_in.is_zero() && answered_for >= self.steady {
                    true => TurnState::Abandoned,
                    false => TurnState::Owed { free_in },
                }
            }
        }
    }
}

impl<T: PartialEq> Record<T> {
    /// True if `us` may renew the lock or begin to send: also after the lock's end, as long
    /// as no other server has taken the turn.
    pub fn may_go_on(&self, us: &T) -> bool {
        self.owner == *us && self.phase == Phase::Held
    }

    /// True if `us` may store a value and end the turn.
    pub fn may_settle(&self, us: &T) -> bool {
        self.owner == *us
    }
}

impl StoreTime {
    pub(super) fn plus(self, duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }

    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Record<String> {
    /// Parses the text in the store: `held OWNER UNTIL` or `sent OWNER UNTIL`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let phase = match words.next()? {
            "held" => Phase::Held,
            "sent" => Phase::Sent,
            _ => return None,
        };
        let owner = words.next()?.to_owned();
        let until = StoreTime(words.next()?.parse().ok()?);
        Some(Self {
            owner,
            phase,
            until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: StoreTime = StoreTime(1_000_000);
    const LONG: Duration = Duration::from_secs(60);

    fn turn(phase: Phase, owner: &str, until: u64, answered_for: Duration) -> TurnState {
        let record = Record {
            owner,
            phase,
            until: StoreTime(until),
        };
        LeaseTimes::default().turn(Some(&record), &"us", NOW, answered_for)
    }

    #[test]
    fn a_held_turn_ends_with_its_lock() {
        assert_eq!(
            turn(Phase::Held, "other", NOW.0 + 1, LONG),
            TurnState::Taken
        );
        assert_eq!(turn(Phase::Held, "other", NOW.0, LONG), TurnState::Free);
        assert_eq!(turn(Phase::Held, "us", NOW.0 + 1, LONG), TurnState::Free);
    }

    #[test]
    fn a_sent_turn_is_waited_for_beyond_its_call() {
        let grace = LeaseTimes::default().owner_grace;
        assert_eq!(
            turn(Phase::Sent, "other", NOW.0 + 1, LONG),
            TurnState::Taken
        );
        let owed = TurnState::Owed { free_in: grace };
        assert_eq!(turn(Phase::Sent, "other", NOW.0, LONG), owed);
        let times = LeaseTimes {
            owner_grace: Duration::from_millis(10),
            ..LeaseTimes::default()
        };
        let record = Record {
            owner: "other",
            phase: Phase::Sent,
            until: StoreTime(NOW.0 - 10),
        };
        let turn = |answered_for| times.turn(Some(&record), &"us", NOW, answered_for);
        assert_eq!(turn(times.steady), TurnState::Abandoned);
        let unsteady = TurnState::Owed {
            free_in: Duration::ZERO,
        };
        assert_eq!(turn(Duration::ZERO), unsteady);
    }

    #[test]
    fn a_record_that_makes_no_sense_is_nobodys() {
        for text in ["", "held", "held a", "held a b", "lent a 5"] {
            assert_eq!(Record::parse(text), None, "{text}");
        }
        let record = Record::parse("sent a 5").map(|record| (record.owner, record.until));
        assert_eq!(record, Some(("a".into(), StoreTime(5))));
    }
}
