//! The only place that asks what time it is.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

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

/// Where the time comes from: the system, or a test's hand.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    manual: Option<Arc<AtomicU64>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: UnixTime) -> Self {
        Self {
            manual: Some(Arc::new(AtomicU64::new(start.0))),
        }
    }

    /// Now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> UnixTime {
        match &self.manual {
            Some(seconds) => UnixTime(seconds.load(Ordering::SeqCst)),
            // A clock before 1970 reads as the epoch: every key is then still
            // pending, which fails loudly instead of sealing with a wrong `iat`.
            None => SystemTime::now().into(),
        }
    }

    /// Moves a manual clock; the system's cannot be moved, and is not.
    pub fn advance(&self, by: Duration) {
        if let Some(seconds) = &self.manual {
            seconds.fetch_add(by.as_secs(), Ordering::SeqCst);
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
