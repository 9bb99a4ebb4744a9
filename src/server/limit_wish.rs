//! Limits of an AuthID that a person wishes for, on a page or by a command.

use std::num::NonZeroU16;

use thiserror::Error;

use super::networks::{Networks, NotNetworks};
use crate::{
    clock::UnixTime,
    seal::{MAX_NETWORKS, MAX_PER_HOUR, UseLimits},
};

/// Limits as a person writes them. An empty text wishes for no such limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimitWish<'a> {
    /// A date, or a time of RFC 3339 in UTC.
    pub until: &'a str,
    /// Networks, commas between.
    pub networks: &'a str,
    /// Number of uses in an hour.
    pub per_hour: &'a str,
}

/// The text is no limit. The person must write it again.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotALimit {
    /// The end is no date.
    #[error("{0:?} is no date. Write it like 2027-01-31")]
    Until(String),
    /// The end is past.
    #[error("{0} is past. Name a later date")]
    Past(UnixTime),
    /// The networks are none, or everybody.
    #[error("the list of networks {0}")]
    Networks(NotNetworks),
    /// There are too many networks.
    #[error("an AuthID can have {MAX_NETWORKS} networks at most. Name wider ones, or fewer")]
    TooManyNetworks,
    /// The uses are no number.
    #[error("{0:?} is no number of uses in an hour. Write one from 1 to {MAX_PER_HOUR}")]
    PerHour(String),
}

impl LimitWish<'_> {
    /// Reads the limits; the end must be after `now`.
    pub fn limits(&self, now: UnixTime) -> Result<UseLimits, NotALimit> {
        let networks: Networks = self.networks.parse().map_err(NotALimit::Networks)?;
        let limits = UseLimits::new(self.until(now)?, networks.iter(), self.per_hour()?);
        limits.ok_or(NotALimit::TooManyNetworks)
    }

    fn until(&self, now: UnixTime) -> Result<Option<UnixTime>, NotALimit> {
        let text = match self.until.trim() {
            "" => return Ok(None),
            text => text,
        };
        let until = UnixTime::parse(text).ok_or_else(|| NotALimit::Until(text.to_owned()))?;
        match until > now {
            true => Ok(Some(until)),
            false => Err(NotALimit::Past(until)),
        }
    }

    fn per_hour(&self) -> Result<Option<NonZeroU16>, NotALimit> {
        let text = match self.per_hour.trim() {
            "" => return Ok(None),
            text => text,
        };
        let times = text.parse().ok();
        let times = times.filter(|times: &NonZeroU16| times.get() <= MAX_PER_HOUR);
        times
            .map(Some)
            .ok_or_else(|| NotALimit::PerHour(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    #[test]
    fn limits_are_read_as_people_write_them() {
        let wish = LimitWish {
            until: " 2027-01-31 ",
            networks: "192.168.1.9/16, fd00::/8",
            per_hour: "60",
        };
        let limits = wish.limits(NOW).unwrap().to_string();
        let said = "until 2027-01-31T00:00:00Z, from 192.168.0.0/16 and fd00::/8, 60 times an hour";
        assert_eq!(limits, said);
        assert!(LimitWish::default().limits(NOW).unwrap().is_none());
    }

    #[test]
    fn a_text_that_is_no_limit_is_named_with_what_to_write() {
        let check = |wish: LimitWish<'_>, says: &str| {
            let error = wish.limits(NOW).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        };
        let until = |until| LimitWish {
            until,
            ..Default::default()
        };
        check(until("31.01.2027"), "Write it like 2027-01-31");
        check(until("2020-01-01"), "2020-01-01T00:00:00Z is past");
        let from = |networks| LimitWish {
            networks,
            ..Default::default()
        };
        check(from("home"), "names \"home\", which is no network");
        check(from("0.0.0.0/0"), "covers every IPv4 address");
        let many: Vec<String> = (0..=MAX_NETWORKS)
            .map(|number| format!("10.{number}.7.0/24"))
            .collect();
        check(from(&many.join(",")), "16 networks at most");
        for per_hour in ["0", "-1", "60001", "often", "1.5"] {
            check(
                LimitWish {
                    per_hour,
                    ..Default::default()
                },
                "from 1 to 60000",
            );
        }
    }
}
