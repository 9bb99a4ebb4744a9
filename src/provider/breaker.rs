//! Leaving a provider alone that does not answer.
//!
//! After some failures in a row it is not asked for a while; then one call tries,
//! and while that one has no answer nobody else does.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

/// So many failures in a row open it. Any answer in between, a refusal too, starts
/// the count again.
const FAILURES: u32 = 5;
/// How long the provider is left alone.
pub(super) const REST: Duration = Duration::from_secs(5);
/// How long the call that tries may take before another does.
const TRIAL: Duration = Duration::from_secs(25);

/// Every moment is a duration since the same start.
#[derive(Debug)]
pub(super) struct Breaker {
    // Held to look and to set, never across an await.
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Duration },
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// For how long nobody is to call, if it is open.
    pub(super) fn open_for(&self, now: Duration) -> Option<Duration> {
        match *self.state() {
            State::Open { until } if now < until => Some(until - now),
            State::Open { .. } | State::Closed { .. } => None,
        }
    }

    /// Lets a call through, or says for how long not. The first one after a rest is
    /// the one that tries.
    pub(super) fn pass(&self, now: Duration) -> Result<(), Duration> {
        let mut state = self.state();
        match &mut *state {
            State::Closed { .. } => Ok(()),
            State::Open { until } if now < *until => Err(*until - now),
            State::Open { until } => {
                *until = now + TRIAL;
                Ok(())
            }
        }
    }

    /// The provider answered, whatever it said.
    pub(super) fn answered(&self) {
        *self.state() = State::Closed { failures: 0 };
    }

    /// It did not. Whether this opened the breaker.
    pub(super) fn failed(&self, now: Duration) -> bool {
        let mut state = self.state();
        let (failures, was_closed) = match *state {
            State::Closed { failures } => (failures + 1, true),
            State::Open { .. } => (FAILURES, false),
        };
        *state = match failures < FAILURES {
            true => State::Closed { failures },
            false => State::Open { until: now + REST },
        };
        was_closed && failures >= FAILURES
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while holding the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(100);

    fn opened() -> Breaker {
        let breaker = Breaker::new();
        for _ in 1..FAILURES {
            assert!(!breaker.failed(START));
            assert_eq!(breaker.pass(START), Ok(()));
        }
        assert!(breaker.failed(START));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_does_not() {
        let breaker = Breaker::new();
        for _ in 0..3 {
            for _ in 1..FAILURES {
                breaker.failed(START);
            }
            breaker.answered();
        }
        assert_eq!(breaker.open_for(START), None);
        assert_eq!(opened().pass(START), Err(REST));
    }

    #[test]
    fn after_a_rest_one_call_tries_and_decides() {
        let breaker = opened();
        let rested = START + REST;
        assert_eq!(breaker.pass(rested), Ok(()));
        assert!(breaker.pass(rested).is_err());
        breaker.failed(rested);
        assert_eq!(breaker.pass(rested), Err(REST));
        assert_eq!(breaker.pass(rested + REST), Ok(()));
        breaker.answered();
        assert_eq!(breaker.pass(rested + REST), Ok(()));
        assert_eq!(breaker.pass(rested + REST), Ok(()));
    }

    #[test]
    fn a_trial_that_never_ends_is_followed_by_another() {
        let breaker = opened();
        let rested = START + REST;
        assert_eq!(breaker.pass(rested), Ok(()));
        assert!(
            breaker
                .pass(rested + TRIAL - Duration::from_secs(1))
                .is_err()
        );
        assert_eq!(breaker.pass(rested + TRIAL), Ok(()));
    }
}
