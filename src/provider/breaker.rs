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
/// Time for which the provider is left alone.
pub(super) const REST: Duration = Duration::from_secs(5);
/// Time limit of the trial call, after which another may try.
const TRIAL: Duration = Duration::from_secs(25);
/// The wait that is advised while another call tries.
const TRIAL_UNDER_WAY: Duration = Duration::from_secs(1);

/// Every moment is a duration since the same start.
#[derive(Debug)]
pub(super) struct Breaker {
    // Held to look and to set, never across an await.
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Duration,
        /// The begin of the call that tries.
        trial: Option<Duration>,
    },
}

impl State {
    /// For how long nobody is to call.
    fn closed_for(self, now: Duration) -> Option<Duration> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { until, .. } if now < until => Some(until - now),
            Self::Open { trial, .. } => trial
                .filter(|began| now < *began + TRIAL)
                .map(|_| TRIAL_UNDER_WAY),
        }
    }
}

/// A call that was let through. If it is dropped without a word of how the call ended, it
/// is as if it had never begun: the next caller may try at once.
#[derive(Debug)]
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    /// Its begin, if it is the one that tries.
    trial: Option<Duration>,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// For how long nobody is to call, if it is open.
    pub(super) fn open_for(&self, now: Duration) -> Option<Duration> {
        self.state().closed_for(now)
    }

    /// Lets a call through, or says for how long not. The first one after a rest is
    /// the one that tries.
    pub(super) fn pass(&self, now: Duration) -> Result<Pass<'_>, Duration> {
        let mut state = self.state();
        if let Some(rest) = state.closed_for(now) {
            return Err(rest);
        }
        let mut pass = Pass {
            breaker: self,
            trial: None,
        };
        if let State::Open { trial, .. } = &mut *state {
            *trial = Some(now);
            pass.trial = Some(now);
        }
        Ok(pass)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while holding the lock")
    }
}

impl Pass<'_> {
    /// The provider answered, whatever it said.
    pub(super) fn answered(mut self) {
        self.trial = None;
        *self.breaker.state() = State::Closed { failures: 0 };
    }

    /// It did not. Whether this opened the breaker.
    pub(super) fn failed(mut self, now: Duration) -> bool {
        let own_trial = self.trial.take();
        let mut state = self.breaker.state();
        let (failures, trial, was_closed) = match *state {
            State::Closed { failures } => (failures + 1, None, true),
            State::Open { trial, .. } => (FAILURES, trial.filter(|_| trial != own_trial), false),
        };
        *state = match failures < FAILURES {
            true => State::Closed { failures },
            false => State::Open {
                until: now + REST,
                trial,
            },
        };
        was_closed && failures >= FAILURES
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // Only a call that tries, and whose end nobody has heard of, has something to give
        // back; and only if no other tries in its place.
        let Some(began) = self.trial else {
            return;
        };
        if let State::Open { trial, .. } = &mut *self.breaker.state()
            && *trial == Some(began)
        {
            *trial = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(100);

    fn fail(breaker: &Breaker, now: Duration) -> bool {
        breaker.pass(now).expect("it is let through").failed(now)
    }

    fn opened() -> Breaker {
        let breaker = Breaker::new();
        for _ in 1..FAILURES {
            assert!(!fail(&breaker, START));
        }
        assert!(fail(&breaker, START));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_does_not() {
        let breaker = Breaker::new();
        for _ in 0..3 {
            for _ in 1..FAILURES {
                fail(&breaker, START);
            }
            breaker.pass(START).unwrap().answered();
        }
        assert_eq!(breaker.open_for(START), None);
        assert_eq!(opened().pass(START).unwrap_err(), REST);
    }

    #[test]
    fn after_a_rest_one_call_tries_and_decides() {
        let breaker = opened();
        let rested = START + REST;
        let trial = breaker.pass(rested).unwrap();
        assert_eq!(breaker.pass(rested).unwrap_err(), TRIAL_UNDER_WAY);
        assert_eq!(breaker.open_for(rested), Some(TRIAL_UNDER_WAY));
        trial.failed(rested);
        assert_eq!(breaker.pass(rested).unwrap_err(), REST);
        breaker.pass(rested + REST).unwrap().answered();
        let passed = [(); 3].map(|()| breaker.pass(rested + REST));
        assert!(passed.iter().all(Result::is_ok));
    }

    #[test]
    fn a_trial_that_is_dropped_is_handed_back_at_once() {
        let breaker = opened();
        let rested = START + REST;
        for _ in 0..100 {
            drop(breaker.pass(rested).unwrap());
        }
        breaker.pass(rested).unwrap().answered();
        assert_eq!(breaker.open_for(rested), None);
    }

    #[test]
    fn a_trial_that_never_ends_is_followed_by_another() {
        let breaker = opened();
        let rested = START + REST;
        let hanging = breaker.pass(rested).unwrap();
        let second = Duration::from_secs(1);
        assert!(breaker.pass(rested + TRIAL - second).is_err());
        let other = breaker.pass(rested + TRIAL).unwrap();
        // What the first leaves behind is not the other's.
        drop(hanging);
        assert!(breaker.pass(rested + TRIAL).is_err());
        drop(other);
        assert!(breaker.pass(rested + TRIAL).is_ok());
    }
}
