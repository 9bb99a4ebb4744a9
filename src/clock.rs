//! The only module that reads the time.

mod deadline;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub(crate) use deadline::{LastLookTimer, within};

/// A time of day in whole seconds since the Unix epoch, the unit of times in JWK and JWT.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize,
)]
#[serde(transparent)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// Returns this time plus `duration`, saturating instead of wrapping.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// Returns the duration since `earlier`; zero if this time is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }

    /// Parses RFC 3339 in UTC, 2026-11-24T12:00:00Z, or a date alone, which means its
    /// midnight.
    pub fn parse(text: &str) -> Option<Self> {
        let time = humantime::parse_rfc3339(text)
            .or_else(|_| humantime::parse_rfc3339(&format!("{text}T00:00:00Z")));
        time.ok().map(Self::from)
    }

    /// Returns the distance of this moment from another, whichever is later.
    pub fn apart(self, other: Self) -> Duration {
        Duration::from_secs(self.0.abs_diff(other.0))
    }

    /// Formats the date alone, in UTC: 2026-11-24.
    pub fn date(self) -> String {
        let mut text = self.to_string();
        text.truncate("YYYY-MM-DD".len());
        text
    }
}

impl fmt::Display for UnixTime {
    /// Formats as RFC 3339, in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = UNIX_EPOCH + Duration::from_secs(self.0.min(MAX_PRINTABLE));
        humantime::format_rfc3339_seconds(time).fmt(f)
    }
}

/// 9999-12-31T23:59:59Z: the latest time that RFC 3339 can write.
const MAX_PRINTABLE: u64 = 253_402_300_799;

impl From<SystemTime> for UnixTime {
    /// Converts times before 1970 to the epoch.
    fn from(time: SystemTime) -> Self {
        Self(
            time.duration_since(UNIX_EPOCH)
                .map_or(0, |elapsed| elapsed.as_secs()),
        )
    }
}

/// A reading of the steady clock, which nobody can set: it only goes forward, at an even
/// pace, and on Linux and Android also while the machine sleeps. Durations are measured
/// with it, because the time of day can be set forward and back. Its zero has no meaning
/// and may differ between processes, so moments of two processes must not be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// Returns this moment plus `duration`, saturating instead of wrapping.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// Returns the duration since `earlier`; zero if this moment is not later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the duration since the clock's zero.
    pub(crate) fn since_zero(self) -> Duration {
        self.0
    }
}

/// The source of time: the system's clocks, or a manual clock that a test moves.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    manual: Option<Arc<Hands>>,
}

/// The two readings of a manual clock, in seconds.
#[derive(Debug)]
struct Hands {
    time_of_day: AtomicU64,
    moment: AtomicU64,
}

/// CLOCK_BOOTTIME, unlike `std::time::Instant`, also counts while a laptop sleeps: an
/// access token expires meanwhile.
#[cfg(any(target_os = "linux", target_os = "android"))]
const STEADY: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const STEADY: ClockId = ClockId::Monotonic;

impl Clock {
    /// Returns a clock that reads the system's clocks.
    pub fn system() -> Self {
        Self::default()
    }

    /// Returns a clock that stands still at `start` until [`Clock::advance`] or
    /// [`Clock::set`] moves it.
    pub fn manual(start: UnixTime) -> Self {
        Self {
            manual: Some(Arc::new(Hands {
                time_of_day: AtomicU64::new(start.0),
                moment: AtomicU64::new(0),
            })),
        }
    }

    /// Returns the time of day. Use it only for times that are written into tokens, keys
    /// and logs; measure durations with [`Clock::moment`].
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> UnixTime {
        match &self.manual {
            Some(hands) => UnixTime(hands.time_of_day.load(Ordering::SeqCst)),
            // A system clock before 1970 reads as the epoch: every key is then still
            // pending, which fails loudly instead of sealing with a wrong `iat`.
            None => SystemTime::now().into(),
        }
    }

    /// Returns the time of day in milliseconds since the Unix epoch, for times that order two
    /// events of the same second.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn milliseconds(&self) -> u64 {
        match &self.manual {
            Some(hands) => hands
                .time_of_day
                .load(Ordering::SeqCst)
                .saturating_mul(1_000),
            None => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
                let milliseconds = since_epoch.unwrap_or_default().as_millis();
                u64::try_from(milliseconds).unwrap_or(u64::MAX)
            }
        }
    }

    /// Returns the current moment, for measuring durations.
    pub fn moment(&self) -> Moment {
        Moment(match &self.manual {
            Some(hands) => Duration::from_secs(hands.moment.load(Ordering::SeqCst)),
            None => {
                let time = clock_gettime(STEADY);
                // Never negative: the clock counts from the start of the machine.
                let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
                Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
            }
        })
    }

    /// Moves a manual clock forward, in whole seconds; does nothing on the system's
    /// clock.
    pub fn advance(&self, by: Duration) {
        if let Some(hands) = &self.manual {
            hands.time_of_day.fetch_add(by.as_secs(), Ordering::SeqCst);
            hands.moment.fetch_add(by.as_secs(), Ordering::SeqCst);
        }
    }

    /// Sets the time of day of a manual clock, as an administrator or NTP sets the
    /// system's. The moment does not change. Does nothing on the system's clock.
    pub fn set(&self, time_of_day: UnixTime) {
        if let Some(hands) = &self.manual {
            hands.time_of_day.store(time_of_day.0, Ordering::SeqCst);
        }
    }
}

/// Returns the time since the Unix epoch by the system's clock, for log lines.
#[expect(
    clippy::disallowed_methods,
    reason = "log lines have fractions of a second"
)]
pub(crate) fn time_for_log() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A stopwatch: measures durations independently of changes to the time of day, by the clock of
/// tokio's timers, which a test can pause.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the time since the start.
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
