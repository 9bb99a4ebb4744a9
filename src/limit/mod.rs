//! Rate limits, and limits of concurrent work. Memory is bounded, however many clients
//! there are: the one that was not seen for longest is forgotten first.

mod fair_queue;
mod hourly_uses;
mod network;
mod queue_state;

use std::{fmt, hash::Hash, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::Clock as _,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use quick_cache::sync::Cache;

pub use fair_queue::{FairQueue, Place};
pub use hourly_uses::HourlyUses;
pub use network::{ClientNetwork, NetworkLimit};

use crate::clock::Clock;

/// Limit of keys that an hourly limit remembers, of about 200 bytes each.
const REMEMBERED: usize = 50_000;
/// Limit of keys that a limit of minutes remembers. There are several such limits.
const REMEMBERED_BRIEFLY: usize = 16_000;

/// A rate limit for each key (GCRA: a burst, then one at a time as time passes).
pub struct Limit<K> {
    quota: Quota,
    clock: LimitClock,
    buckets: Cache<K, Arc<Bucket>>,
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, LimitClock, NoOpMiddleware<Nanos>>;

/// A rate limit is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOften {
    /// Time to wait before the next try.
    pub retry_after: Duration,
}

impl<K: Clone + Eq + Hash> Limit<K> {
    /// Allows `times` in an hour, all at once if need be.
    pub fn per_hour(times: NonZeroU32, clock: Clock) -> Self {
        Self::of(Quota::per_hour(times), clock, REMEMBERED)
    }

    /// Allows `first` at once, then one every `period`.
    pub fn first_then_every(first: NonZeroU32, period: Duration, clock: Clock) -> Self {
        let quota = Quota::with_period(period).expect("a period of some length");
        Self::of(quota.allow_burst(first), clock, REMEMBERED_BRIEFLY)
    }

    fn of(quota: Quota, clock: Clock, remembered: usize) -> Self {
        Self {
            quota,
            clock: LimitClock(clock),
            buckets: Cache::new(remembered),
        }
    }

    /// Counts one more for `key`, unless it exceeds the limit.
    pub fn check(&self, key: &K) -> Result<(), TooOften> {
        self.bucket(key).check().map_err(|until| self.wait(&until))
    }

    /// Counts `cost` for `key`, unless it exceeds the limit. `cost` is at most what the limit
    /// allows at once.
    fn check_cost(&self, key: &K, cost: NonZeroU32) -> Result<(), TooOften> {
        match self.bucket(key).check_n(cost) {
            Ok(counted) => counted.map_err(|until| self.wait(&until)),
            Err(_) => unreachable!("no cost is above the quota"),
        }
    }

    fn bucket(&self, key: &K) -> Arc<Bucket> {
        let bucket = self.buckets.get_or_insert_with(key, || {
            let bucket = RateLimiter::direct_with_clock(self.quota, self.clock.clone());
            Ok::<_, std::convert::Infallible>(Arc::new(bucket))
        });
        let Ok(bucket) = bucket;
        bucket
    }

    fn wait(&self, until: &NotUntil<Nanos>) -> TooOften {
        TooOften {
            retry_after: until.wait_time_from(self.clock.now()),
        }
    }
}

impl<K> fmt::Debug for Limit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit").field("quota", &self.quota).finish()
    }
}

/// The monotonic clock, as governor reads it.
#[derive(Clone, Debug)]
struct LimitClock(Clock);

const MOST: u64 = u64::MAX / 2;

impl governor::clock::Clock for LimitClock {
    type Instant = Nanos;

    /// Stops after 292 years, because governor's sums must not overflow.
    fn now(&self) -> Nanos {
        let nanoseconds = self.0.moment().since_zero().as_nanos();
        Nanos::new(u64::try_from(nanoseconds).map_or(MOST, |now| now.min(MOST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;

    #[test]
    fn each_has_a_burst_and_then_what_time_gives_back() {
        let clock = Clock::manual(UnixTime(1_800_000_000));
        let limit = Limit::per_hour(NonZeroU32::new(3).unwrap(), clock.clone());
        for _ in 0..3 {
            assert_eq!(limit.check(&"a"), Ok(()));
        }
        let twenty_minutes = Duration::from_secs(1200);
        assert_eq!(
            limit.check(&"a"),
            Err(TooOften {
                retry_after: twenty_minutes
            })
        );
        assert_eq!(limit.check(&"b"), Ok(()));
        clock.advance(twenty_minutes);
        assert_eq!(limit.check(&"a"), Ok(()));
        assert!(limit.check(&"a").is_err());
    }

    #[test]
    fn a_million_strangers_take_no_more_memory_than_are_remembered() {
        let clock = Clock::manual(UnixTime(1_800_000_000));
        let limit = Limit::per_hour(NonZeroU32::MIN, clock);
        for stranger in 0..1_000_000 {
            assert_eq!(limit.check(&stranger), Ok(()));
        }
        assert!(limit.buckets.len() <= REMEMBERED);
    }
}
