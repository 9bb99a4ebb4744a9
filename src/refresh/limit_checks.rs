//! Checks of the limits that an AuthID has.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::{PresentedAuthId, RefreshError};
use crate::{
    clock::{Clock, Moment, UnixTime},
    limit::HourlyUses,
    seal::{Grant, Lineage, UseLimits},
};

/// Checks the limits of AuthIDs. The limits that count are those of the AuthID that was
/// presented, whatever other AuthIDs its login has.
#[derive(Debug)]
pub(super) struct LimitChecks {
    clock: Clock,
    began: (UnixTime, Moment),
    /// The latest time of day at which a limit was checked.
    latest: AtomicU64,
    /// Uses by login and by the number that is allowed. AuthIDs of a login with another number have
    /// their own count: whoever has a narrow one must not use up those of a wide one. Only
    /// somebody with the keys can make AuthIDs with other numbers.
    uses: HourlyUses<Lineage>,
}

impl LimitChecks {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            began: (clock.now(), clock.moment()),
            latest: AtomicU64::new(0),
            uses: HourlyUses::new(clock.clone()),
            clock,
        }
    }

    /// Checks the presented AuthID, and counts its use.
    pub(super) fn check_use(&self, presented: &PresentedAuthId) -> Result<(), RefreshError> {
        let Some(limits) = limits(&presented.grant) else {
            return Ok(());
        };
        self.check(limits, presented.address)?;
        let Some(per_hour) = limits.per_hour() else {
            return Ok(());
        };
        let counted = self.uses.check(presented.lineage(), per_hour);
        counted.map_err(RefreshError::UsedTooOften)
    }

    /// Checks time and network, and counts nothing.
    pub(super) fn check_grant(
        &self,
        grant: &Grant,
        address: Option<IpAddr>,
    ) -> Result<(), RefreshError> {
        match limits(grant) {
            Some(limits) => self.check(limits, address),
            None => Ok(()),
        }
    }

    /// Returns the time for which the AuthID is still good; `None` if it has no end.
    pub(super) fn rest(&self, grant: &Grant) -> Option<Duration> {
        let until = limits(grant)?.until()?;
        Some(until.since(self.now()))
    }

    fn check(&self, limits: &UseLimits, address: Option<IpAddr>) -> Result<(), RefreshError> {
        if let Some(until) = limits.until() {
            self.check_end(until)?;
        }
        match limits.allow(address) {
            true => Ok(()),
            false => Err(RefreshError::OutsideNetworks { address }),
        }
    }

    fn check_end(&self, until: UnixTime) -> Result<(), RefreshError> {
        if self.now() < until {
            return Ok(());
        }
        let clock = self.clock.now();
        if clock >= until {
            return Err(RefreshError::Expired { until });
        }
        // A new login would not help: its AuthID would be refused as well.
        tracing::warn!(
            "an AuthID that is good until {until} was refused, although the clock says {clock}: \
             it was set back while authseal ran. If it was wrong before that, restart authseal"
        );
        Err(RefreshError::ClockSetBack { until })
    }

    /// Returns the time of day, which never goes back in this process: an AuthID that has
    /// expired stays so when the clock is set back.
    fn now(&self) -> UnixTime {
        let (time, moment) = self.began;
        let now = self.clock.now();
        let now = now.max(time.plus(self.clock.moment().since(moment)));
        let before = self.latest.fetch_max(now.0, Ordering::Relaxed);
        now.max(UnixTime(before))
    }
}

fn limits(grant: &Grant) -> Option<&UseLimits> {
    Some(&grant.terms.as_ref()?.limits)
}
