//! Uses in an hour, where each use says how many there may be.

use std::{
    hash::Hash,
    num::{NonZeroU16, NonZeroU32},
};

use super::{Limit, TooOften};
use crate::clock::Clock;

/// Shares of an hour: microseconds. A use that may be made 60 times in an hour costs the 60th
/// part of them, so that one limit serves every number.
const SHARES: NonZeroU32 = NonZeroU32::new(3_600_000_000).unwrap();

/// Uses in an hour, for each key and each number of uses that is allowed.
#[derive(Debug)]
pub struct HourlyUses<K>(Limit<(K, NonZeroU16)>);

impl<K: Clone + Eq + Hash> HourlyUses<K> {
    /// Makes a limit that has counted nothing.
    pub fn new(clock: Clock) -> Self {
        Self(Limit::per_hour(SHARES, clock))
    }

    /// Counts a use of `key` that may be made `times` in an hour, all at once if need be.
    pub fn check(&self, key: K, times: NonZeroU16) -> Result<(), TooOften> {
        let cost = SHARES.get() / u32::from(times.get());
        let cost = NonZeroU32::new(cost).expect("there are more shares than uses");
        self.0.check_cost(&(key, times), cost)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::UnixTime;

    fn passed(uses: &HourlyUses<u8>, times: u16) -> usize {
        let times = NonZeroU16::new(times).unwrap();
        (0..200).filter(|_| uses.check(1, times).is_ok()).count()
    }

    #[test]
    fn a_key_is_used_so_often_at_once_and_then_as_time_passes() {
        let clock = Clock::manual(UnixTime(1_800_000_000));
        let uses = HourlyUses::new(clock.clone());
        // None takes anything from another.
        for times in [1, 7, 60, 100] {
            assert_eq!(passed(&uses, times), usize::from(times));
            clock.advance(Duration::from_secs(3600_u64.div_ceil(times.into())));
            assert_eq!(passed(&uses, times), 1);
        }
    }
}
