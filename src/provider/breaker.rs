//! Circuit breaker for a provider that does not answer.
//!
//! After several failures in a row no call is let through for a while. Then one trial call
//! is, and no other until that one has ended.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

/// Number of failures in a row that open the breaker. Any answer in between, even a
/// refusal, resets the count.
const FAILURES: u32 = 5;
/// Time for which an open breaker lets no call through.
pub(super) const REST: Duration = Duration::from_secs(5);
/// Time limit of the trial call, after which another call may try.
const TRIAL: Duration = Duration::from_secs(25);
/// Advised wait while a trial call is in progress.
const TRIAL_UNDER_WAY: Duration = Duration::from_secs(1);

/// A circuit breaker. All its times are durations since the same start.
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
        /// Begin of the trial call in progress.
        trial: Option<Duration>,
    },
}

impl State {
    /// Returns the time for which no call is let through.
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

/// A call that was let through. If it is dropped without a report of its end, it counts as
/// never begun: another call may try at once.
#[derive(Debug)]
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    /// Its begin, if it is the trial call.
    trial: Option<Duration>,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Returns the time for which no call is let through; `None` if one is.
    pub(super) fn open_for(&self, now: Duration) -> Option<Duration> {
        self.state().closed_for(now)
    }

    /// Lets a call through, or returns the time to wait. The first call after a rest is
    /// the trial call.
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
    /// Reports that the provider answered, even with a refusal.
    pub(super) fn answered(mut self) {
        self.trial = None;
        *self.breaker.state() = State::Closed { failures: 0 };
    }

    /// Reports a failure. Returns `true` if it opened the breaker.
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
        // Only a trial call without a reported end is given back, and only if no other call
        // has taken its place.
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
        // The drop of the first trial does not end the second.
        drop(hanging);
        assert!(breaker.pass(rested + TRIAL).is_err());
        drop(other);
        assert!(breaker.pass(rested + TRIAL).is_ok());
    }
}
