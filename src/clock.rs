//! The only place that asks what time it is.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A moment in whole seconds since the Unix epoch, as JWK and JWT numbers are.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize,
)]
#[serde(transparent)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// This moment plus `duration`; stays at the end of time instead of wrapping.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// How long after `earlier` this moment is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }

    /// Reads RFC 3339 in UTC, 2026-11-24T12:00:00Z, or a day alone, which begins at midnight.
    pub fn parse(text: &str) -> Option<Self> {
        let time = humantime::parse_rfc3339(text)
            .or_else(|_| humantime::parse_rfc3339(&format!("{text}T00:00:00Z")));
        time.ok().map(Self::from)
    }

    /// How far this moment is from another, whichever is later.
    pub fn apart(self, other: Self) -> Duration {
        Duration::from_secs(self.0.abs_diff(other.0))
    }

    /// The day alone, in UTC: 2026-11-24.
    pub fn date(self) -> String {
        let mut text = self.to_string();
        text.truncate("YYYY-MM-DD".len());
        text
    }
}

impl fmt::Display for UnixTime {
    /// RFC 3339, in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = UNIX_EPOCH + Duration::from_secs(self.0.min(MAX_PRINTABLE));
        humantime::format_rfc3339_seconds(time).fmt(f)
    }
}

/// 9999-12-31T23:59:59Z: what RFC 3339 can still write.
const MAX_PRINTABLE: u64 = 253_402_300_799;

impl From<SystemTime> for UnixTime {
    /// What lies before 1970 becomes the epoch.
    fn from(time: SystemTime) -> Self {
        Self(
            time.duration_since(UNIX_EPOCH)
                .map_or(0, |elapsed| elapsed.as_secs()),
        )
    }
}

/// A moment on a clock that nobody sets: it only goes on, at an even pace, while the
/// machine sleeps too. Durations are measured with it, because the time of day can be set
/// forward and back. Its zero means nothing, and another process has another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// This moment plus `duration`; stays at the end of time instead of wrapping.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// How long after `earlier` this moment is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// How long after the clock's zero this moment is.
    pub(crate) fn since_zero(self) -> Duration {
        self.0
    }
}

/// Where the time comes from: the system, or a test's hand.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    manual: Option<Arc<Hands>>,
}

/// What a test moves, in seconds.
#[derive(Debug)]
struct Hands {
    time_of_day: AtomicU64,
    moment: AtomicU64,
}

/// Goes on while a laptop sleeps, unlike `std::time::Instant`: an access token expires
/// meanwhile.
#[cfg(any(target_os = "linux", target_os = "android"))]
const STEADY: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const STEADY: ClockId = ClockId::Monotonic;

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: UnixTime) -> Self {
        Self {
            manual: Some(Arc::new(Hands {
                time_of_day: AtomicU64::new(start.0),
                moment: AtomicU64::new(0),
            })),
        }
    }

    /// The time of day: for what is written into tokens, keys and logs, and for nothing
    /// else.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> UnixTime {
        match &self.manual {
            Some(hands) => UnixTime(hands.time_of_day.load(Ordering::SeqCst)),
            // A clock before 1970 reads as the epoch: every key is then still
            // pending, which fails loudly instead of sealing with a wrong `iat`.
            None => SystemTime::now().into(),
        }
    }

    /// Now, for measuring durations.
    pub fn moment(&self) -> Moment {
        Moment(match &self.manual {
            Some(hands) => Duration::from_secs(hands.moment.load(Ordering::SeqCst)),
            None => {
                let time = clock_gettime(STEADY);
                // It never is negative: it counts from the start of the machine.
                let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
                Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
            }
        })
    }

    /// Lets time pass on a manual clock; the system's cannot be moved, and is not.
    pub fn advance(&self, by: Duration) {
        if let Some(hands) = &self.manual {
            hands.time_of_day.fetch_add(by.as_secs(), Ordering::SeqCst);
            hands.moment.fetch_add(by.as_secs(), Ordering::SeqCst);
        }
    }

    /// Sets the time of day of a manual clock, as an administrator or NTP sets the
    /// system's; no time passes.
    pub fn set(&self, time_of_day: UnixTime) {
        if let Some(hands) = &self.manual {
            hands.time_of_day.store(time_of_day.0, Ordering::SeqCst);
        }
    }
}

/// Measures how long something takes, whatever the time of day does meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts to measure.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_the_time_of_day_lets_no_time_pass() {
        let clock = Clock::manual(UnixTime(1_000_000));
        let before = clock.moment();
        clock.set(UnixTime(2_000_000));
        assert_eq!((clock.now(), clock.moment()), (UnixTime(2_000_000), before));
        clock.set(UnixTime(5));
        clock.advance(Duration::from_secs(7));
        assert_eq!(clock.now(), UnixTime(12));
        assert_eq!(clock.moment().since(before), Duration::from_secs(7));
    }

    #[test]
    fn the_systems_moments_only_go_forward() {
        let clock = Clock::system();
        let first = clock.moment();
        assert!(clock.moment() >= first && first > Moment::default());
    }
}
