//! The networks by which a client is counted, and rate limits for them.

use std::{net::IpAddr, num::NonZeroU32, time::Duration};

use ipnet::IpNet;

use super::{Limit, TooOften};
use crate::clock::Clock;

/// Factor between the limits of the wide network and the near one.
const WIDER: NonZeroU32 = NonZeroU32::new(4).unwrap();

/// The networks of one client. An address alone is no measure: a client with an IPv6
/// address has 2^64 of them (RFC 6177), and often 65,536 times as many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientNetwork {
    /// One household or server: an IPv4 address, or a /64 of IPv6. `None` if the address
    /// is not known; those clients count as one.
    pub(super) near: Option<IpNet>,
    /// The network around it, which one customer of an access provider can have: a /24 of
    /// IPv4, or a /48 of IPv6.
    pub(super) wide: Option<IpNet>,
}

impl ClientNetwork {
    /// Returns the networks of the client at this address.
    pub fn of(address: Option<IpAddr>) -> Self {
        let Some(address) = address.map(|address| address.to_canonical()) else {
            return Self::default();
        };
        let (near, wide) = match address {
            IpAddr::V4(_) => (32, 24),
            IpAddr::V6(_) => (64, 48),
        };
        let network = |length| {
            let network = IpNet::new(address, length).expect("no longer than an address");
            Some(network.trunc())
        };
        Self {
            near: network(near),
            wide: network(wide),
        }
    }
}

impl ClientNetwork {
    /// Returns the network of the household or server, for people; `None` if it is not known.
    pub fn household(self) -> Option<String> {
        self.near.map(|network| network.to_string())
    }
}

/// A rate limit for each near network, and a larger one for the wide network around it.
/// There is none for all clients together: one client could use it up for all others.
#[derive(Debug)]
pub struct NetworkLimit {
    near: Limit<Option<IpNet>>,
    wide: Limit<Option<IpNet>>,
}

impl NetworkLimit {
    /// Allows `first` at once from one household, then one every `period`; four times as
    /// much from the network around it.
    pub fn first_then_every(first: NonZeroU32, period: Duration, clock: Clock) -> Self {
        let wide = first.saturating_mul(WIDER);
        Self {
            near: Limit::first_then_every(first, period, clock.clone()),
            wide: Limit::first_then_every(wide, period / WIDER.get(), clock),
        }
    }

    /// Counts one more for this client, unless it exceeds a limit. A client that is refused
    /// uses up nothing of its neighbours' limit.
    pub fn check(&self, client: ClientNetwork) -> Result<(), TooOften> {
        self.near.check(&client.near)?;
        self.wide.check(&client.wide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;

    fn of(address: &str) -> ClientNetwork {
        ClientNetwork::of(Some(address.parse().unwrap()))
    }

    #[test]
    fn a_household_is_an_ipv4_address_or_a_64_of_ipv6() {
        let same = |one, other| of(one).near == of(other).near;
        assert!(same("2001:db8:1:2::3", "2001:db8:1:2:ffff::"));
        assert!(!same("2001:db8:1:2::3", "2001:db8:1:3::3"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        let near = |one, other| of(one).wide == of(other).wide;
        assert!(near("192.0.2.1", "192.0.2.200") && !near("192.0.2.1", "192.0.3.1"));
        assert!(near("2001:db8:1:2::", "2001:db8:1:ffff::"));
        assert!(!near("2001:db8:1::", "2001:db8:2::"));
    }

    #[test]
    fn many_households_of_one_network_get_four_times_as_much_as_one() {
        let clock = Clock::manual(UnixTime(1_800_000_000));
        let three = NonZeroU32::new(3).unwrap();
        let limit = NetworkLimit::first_then_every(three, Duration::from_secs(60), clock.clone());
        let passed = |address: &dyn Fn(u32) -> String| {
            let tries = (0..1000).filter(|number| limit.check(of(&address(*number))).is_ok());
            tries.count()
        };
        assert_eq!(passed(&|_| "192.0.2.1".into()), 3);
        assert_eq!(passed(&|number| format!("2001:db8:1:{number:x}::1")), 12);
        // Those who were refused have taken nothing from the others around.
        assert_eq!(passed(&|number| format!("192.0.2.{}", 2 + number % 200)), 9);
        assert_eq!(passed(&|_| "192.0.3.1".into()), 3);
        clock.advance(Duration::from_secs(60));
        assert_eq!(passed(&|_| "192.0.2.1".into()), 1);
    }

    #[test]
    fn a_clock_that_is_set_a_day_forward_and_back_refuses_nobody_for_a_day() {
        let start = UnixTime(1_800_000_000);
        let clock = Clock::manual(start);
        let one = NonZeroU32::MIN;
        let limit = NetworkLimit::first_then_every(one, Duration::from_secs(60), clock.clone());
        for time_of_day in [start.plus(Duration::from_secs(86_400)), start, UnixTime(5)] {
            clock.set(time_of_day);
            assert_eq!(limit.check(of("192.0.2.1")), Ok(()));
            let refused = limit.check(of("192.0.2.1")).unwrap_err();
            assert_eq!(refused.retry_after, Duration::from_secs(60));
            clock.advance(Duration::from_secs(60));
        }
    }
}
