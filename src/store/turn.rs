//! The protocol by which servers take turns at a name, without input or output.
//!
//! One record in the store says who has the turn. Before anything that cannot be
//! undone is done elsewhere, its owner turns the record from *held* into *sent*. A held
//! record goes with an owner that dies, within seconds. A sent one stays: its owner may
//! have something that nobody else has, and no way to store it.
//!
//! `lease.rs` runs these rules against Redis, and `tests/it/turns.rs` explores what
//! comes of them.

use std::time::Duration;

/// A moment on the store's own clock, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreTime(pub u64);

/// Progress of a record's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing was sent yet.
    Held,
    /// Something is sent, or will be at any moment.
    Sent,
}

/// The record of a turn. `T` identifies a lease; no two leases have the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record<T> {
    /// The lease that has the turn.
    pub owner: T,
    /// Its progress.
    pub phase: Phase,
    /// End of the lock (*held*) or of the call (*sent*).
    pub until: StoreTime,
}

/// The times of the protocol.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTimes {
    /// Life of a *held* record that is not renewed.
    pub held: Duration,
    /// Time that others wait after the end of a *sent* record's call.
    ///
    /// Its owner may be alive with a new token in memory and no way to the store, and to
    /// send the old token then can end the login. Half an hour, because a client that is
    /// refused gives up after two minutes and comes back with its next job, an hour or a
    /// day later: a shorter wait would help nobody, and a longer one would fail two
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

/// Answer to a server that wants the turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may take the turn.
    Free,
    /// It may take the turn, and nobody will ever know what became of the last call.
    Abandoned,
    /// Another server is at work.
    Taken,
    /// Another server may have something to store. Others wait `free_in` for it.
    Owed {
        /// Zero if only the store's steadiness is waited for.
        free_in: Duration,
    },
}

impl LeaseTimes {
    /// May `us` take the turn at `now`? `answered_for` is how long the store has
    /// answered `us` without a failure.
    pub fn turn<T: PartialEq>(
        &self,
        record: Option<&Record<T>>,
        us: &T,
        now: StoreTime,
        answered_for: Duration,
    ) -> Turn {
        let Some(record) = record else {
            return Turn::Free;
        };
        match record.phase {
            // An earlier answer that said so was lost.
            Phase::Held if record.owner == *us => Turn::Free,
            _ if now < record.until => Turn::Taken,
            Phase::Held => Turn::Free,
            Phase::Sent => {
                let free_in = record.until.plus(self.owner_grace).since(now);
                match free_in.is_zero() && answered_for >= self.steady {
                    true => Turn::Abandoned,
                    false => Turn::Owed { free_in },
                }
            }
        }
    }
}

impl<T: PartialEq> Record<T> {
    /// May `us` renew the lock, or begin to send? Also after the lock's end, as long as
    /// nobody else has taken the turn.
    pub fn may_go_on(&self, us: &T) -> bool {
        self.owner == *us && self.phase == Phase::Held
    }

    /// May `us` store something and end the turn?
    pub fn may_settle(&self, us: &T) -> bool {
        self.owner == *us
    }
}

impl StoreTime {
    fn plus(self, duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }

    fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Record<String> {
    /// Reads what the store has: `held OWNER UNTIL`, or `sent OWNER UNTIL`.
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

    fn turn(phase: Phase, owner: &str, until: u64, answered_for: Duration) -> Turn {
        let record = Record {
            owner,
            phase,
            until: StoreTime(until),
        };
        LeaseTimes::default().turn(Some(&record), &"us", NOW, answered_for)
    }

    #[test]
    fn a_held_turn_ends_with_its_lock() {
        assert_eq!(turn(Phase::Held, "other", NOW.0 + 1, LONG), Turn::Taken);
        assert_eq!(turn(Phase::Held, "other", NOW.0, LONG), Turn::Free);
        assert_eq!(turn(Phase::Held, "us", NOW.0 + 1, LONG), Turn::Free);
    }

    #[test]
    fn a_sent_turn_is_waited_for_beyond_its_call() {
        let grace = LeaseTimes::default().owner_grace;
        assert_eq!(turn(Phase::Sent, "other", NOW.0 + 1, LONG), Turn::Taken);
        let owed = Turn::Owed { free_in: grace };
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
        assert_eq!(turn(times.steady), Turn::Abandoned);
        let unsteady = Turn::Owed {
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
