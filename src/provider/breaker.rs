//! Circuit breaker: leaves a provider alone that fails for several logins in a row.
//!
//! While it is open, no call is made for a while; then one call is the trial, and while the
//! trial has no answer nobody else calls.

use std::{
    pin::pin,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

use crate::clock::Stopwatch;

/// Number of different logins whose calls must fail in a row to open it. Any answer in
/// between, a refusal too, starts the count again. One login never opens it, however often
/// it fails: its own token may be what the provider fails at.
const LOGINS: usize = 3;
/// Time limit of the trial call, after which another call may try.
const TRIAL: Duration = Duration::from_secs(25);
/// Advised wait while a trial call is in progress.
const TRIAL_UNDER_WAY: Duration = Duration::from_secs(1);

/// Tells the logins of one provider apart.
pub type LoginTag = u128;

#[derive(Debug)]
pub(super) struct Breaker {
    /// Time for which the provider is left alone.
    rest: Duration,
    /// Start of the durations in [`State`].
    since_start: Stopwatch,
    // Held to look and to set, never across an await.
    state: Mutex<State>,
    /// Notified when an open breaker closes, or its trial ends.
    changed: Notify,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed {
        /// Logins that have failed since the last answer.
        failed: [Option<LoginTag>; LOGINS - 1],
    },
    Open {
        until: Duration,
        /// The begin of the trial call.
        trial: Option<Duration>,
    },
}

const CLOSED: State = State::Closed {
    failed: [None; LOGINS - 1],
};

impl State {
    /// Returns for how long nobody is to call.
    fn closed_for(self, now: Duration) -> Option<Duration> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { until, .. } if now < until => Some(until - now),
            Self::Open { trial, .. } => trial
                .filter(|began| now < *began + TRIAL)
                .map(|_| TRIAL_UNDER_WAY),
        }
    }

    fn open(until: Duration) -> Self {
        Self::Open { until, trial: None }
    }

    /// Returns the end of the rest, if it is open.
    fn open_until(self) -> Option<Duration> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { until, .. } => Some(until),
        }
    }
}

/// A call that was let through. If it is dropped without a report of its end, it counts as
/// never begun: another call may try at once.
#[derive(Debug)]
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    /// Its begin, if it is the trial.
    trial: Option<Duration>,
}

impl Breaker {
    /// Makes one that leaves the provider alone for `rest`.
    pub(super) fn new(rest: Duration) -> Self {
        Self {
            rest,
            since_start: Stopwatch::start(),
            state: Mutex::new(CLOSED),
            changed: Notify::new(),
        }
    }

    /// Returns for how long nobody is to call, if it is open.
    pub(super) fn open_for(&self) -> Option<Duration> {
        let state = *self.state();
        // It is closed as a rule, and then the time does not matter.
        state.open_until()?;
        state.closed_for(self.since_start.elapsed())
    }

    /// Waits while it is open, until a call may be made, at most for `limit`. After that,
    /// fails with the time after which to ask again.
    pub(super) async fn closes(&self, limit: Duration) -> Result<(), Duration> {
        let began = Stopwatch::start();
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on, no notification is missed.
            changed.as_mut().enable();
            let (state, now) = (*self.state(), self.since_start.elapsed());
            let Some(rest) = state.closed_for(now) else {
                return Ok(());
            };
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(rest);
            }
            tokio::select! {
                () = changed => {}
                () = sleep(rest.min(left)) => {}
            }
        }
    }

    /// Lets a call through, or says for how long not. The first one after a rest is
    /// the trial.
    pub(super) fn pass(&self) -> Result<Pass<'_>, Duration> {
        self.pass_at(self.since_start.elapsed())
    }

    fn pass_at(&self, now: Duration) -> Result<Pass<'_>, Duration> {
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
    /// Notes that the provider answered, whatever it said.
    pub(super) fn answered(mut self) {
        self.trial = None;
        let before = std::mem::replace(&mut *self.breaker.state(), CLOSED);
        if before.open_until().is_some() {
            self.breaker.changed.notify_waiters();
        }
    }

    /// Notes that the provider did not answer this login; calls without a login count as
    /// different ones. Returns true if this opened the breaker.
    pub(super) fn failed(self, login: Option<LoginTag>) -> bool {
        let now = self.breaker.since_start.elapsed();
        self.failed_at(now, login)
    }

    fn failed_at(mut self, now: Duration, login: Option<LoginTag>) -> bool {
        let own_trial = self.trial.take();
        let rested = now + self.breaker.rest;
        let opens = {
            let mut state = self.breaker.state();
            let (next, opens) = match *state {
                State::Closed { failed } => match with(failed, login) {
                    Some(failed) => (State::Closed { failed }, false),
                    None => (State::open(rested), true),
                },
                State::Open { trial, .. } if trial.is_some() && trial == own_trial => {
                    (State::open(rested), false)
                }
                // The call began before the breaker opened: that it fails is no news.
                open @ State::Open { .. } => (open, false),
            };
            *state = next;
            opens
        };
        self.breaker.changed.notify_waiters();
        opens
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // Only a trial whose end nobody has heard of has something to give back, and only
        // if no other call is the trial by now.
        let Some(began) = self.trial else {
            return;
        };
        if let State::Open { trial, .. } = &mut *self.breaker.state()
            && *trial == Some(began)
        {
            *trial = None;
        }
        self.breaker.changed.notify_waiters();
    }
}

/// Adds a login to those that have failed; `None` if that makes [`LOGINS`] of them.
fn with(
    mut failed: [Option<LoginTag>; LOGINS - 1],
    login: Option<LoginTag>,
) -> Option<[Option<LoginTag>; LOGINS - 1]> {
    if login.is_some() && failed.contains(&login) {
        return Some(failed);
    }
    let free = failed.iter_mut().find(|place| place.is_none())?;
    // A call without a login gets a tag that no lineage has by chance.
    *free = Some(login.unwrap_or(ANONYMOUS));
    Some(failed)
}

/// Stands for a call without a login.
const ANONYMOUS: LoginTag = 0;

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(100);
    const REST: Duration = Duration::from_secs(5);

    fn fail(breaker: &Breaker, now: Duration, login: LoginTag) -> bool {
        let pass = breaker.pass_at(now).expect("it is let through");
        pass.failed_at(now, Some(login))
    }

    fn is_open(breaker: &Breaker, now: Duration) -> Option<Duration> {
        breaker.state().closed_for(now)
    }

    fn opened() -> Breaker {
        let breaker = Breaker::new(REST);
        assert!(!fail(&breaker, START, 1));
        assert!(!fail(&breaker, START, 2));
        assert!(fail(&breaker, START, 3));
        breaker
    }

    #[test]
    fn failures_of_three_logins_in_a_row_open_it_and_an_answer_between_does_not() {
        let breaker = Breaker::new(REST);
        for _ in 0..3 {
            fail(&breaker, START, 1);
            fail(&breaker, START, 2);
            breaker.pass_at(START).unwrap().answered();
        }
        assert_eq!(is_open(&breaker, START), None);
        assert_eq!(opened().pass_at(START).unwrap_err(), REST);
    }

    #[test]
    fn one_login_or_two_never_open_it() {
        let breaker = Breaker::new(REST);
        for _ in 0..100 {
            assert!(!fail(&breaker, START, 1));
            assert!(!fail(&breaker, START, 2));
        }
        assert_eq!(is_open(&breaker, START), None);
    }

    #[test]
    fn calls_without_a_login_are_different_ones() {
        let breaker = Breaker::new(REST);
        let fail = || breaker.pass_at(START).unwrap().failed_at(START, None);
        assert_eq!([fail(), fail(), fail()], [false, false, true]);
    }

    #[test]
    fn after_a_rest_one_call_tries_and_decides() {
        let breaker = opened();
        let rested = START + REST;
        let trial = breaker.pass_at(rested).unwrap();
        assert_eq!(breaker.pass_at(rested).unwrap_err(), TRIAL_UNDER_WAY);
        assert_eq!(is_open(&breaker, rested), Some(TRIAL_UNDER_WAY));
        trial.failed_at(rested, Some(1));
        assert_eq!(breaker.pass_at(rested).unwrap_err(), REST);
        breaker.pass_at(rested + REST).unwrap().answered();
        let passed = [(); 3].map(|()| breaker.pass_at(rested + REST));
        assert!(passed.iter().all(Result::is_ok));
    }

    #[test]
    fn a_call_from_before_it_opened_prolongs_nothing() {
        let breaker = Breaker::new(REST);
        let late = breaker.pass_at(START).unwrap();
        for login in 1..=3 {
            fail(&breaker, START, login);
        }
        assert!(!late.failed_at(START + REST, Some(4)));
        assert!(breaker.pass_at(START + REST).is_ok());
    }

    #[test]
    fn a_trial_that_is_dropped_is_handed_back_at_once() {
        let breaker = opened();
        let rested = START + REST;
        for _ in 0..100 {
            drop(breaker.pass_at(rested).unwrap());
        }
        breaker.pass_at(rested).unwrap().answered();
        assert_eq!(is_open(&breaker, rested), None);
    }

    #[test]
    fn a_trial_that_never_ends_is_followed_by_another() {
        let breaker = opened();
        let rested = START + REST;
        let hanging = breaker.pass_at(rested).unwrap();
        let second = Duration::from_secs(1);
        assert!(breaker.pass_at(rested + TRIAL - second).is_err());
        let other = breaker.pass_at(rested + TRIAL).unwrap();
        // What the first leaves behind is not the other's.
        drop(hanging);
        assert!(breaker.pass_at(rested + TRIAL).is_err());
        drop(other);
        assert!(breaker.pass_at(rested + TRIAL).is_ok());
    }
}
