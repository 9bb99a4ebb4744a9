//! The bytes of limits in an AuthID: fields, each a tag and a value whose length the tag says.
//!
//! A tag up to 32 is a network of IPv4 with a prefix of that length, one from 64 to 192 a network
//! of IPv6; the bytes of the prefix follow. So a network has no byte more than it needs.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU16,
};

use ipnet::IpNet;

use super::limits::{MAX_NETWORKS, UseLimits};

/// The tag of the first network of IPv6: that of all addresses.
const V6: u8 = 64;
/// The last of them: that of one address.
const LAST_V6: u8 = V6 + 128;
const LAST_V4: u8 = 32;
/// Tag of the end: four bytes of seconds since 1970.
const UNTIL: u8 = 240;
/// Tag of the uses in an hour: two bytes, not zero.
const PER_HOUR: u8 = 241;

pub(super) fn write(limits: &UseLimits) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(until) = limits.until {
        bytes.push(UNTIL);
        bytes.extend(until.to_be_bytes());
    }
    for network in &limits.networks {
        let length = usize::from(network.prefix_len().div_ceil(8));
        match network.addr() {
            IpAddr::V4(address) => {
                bytes.push(network.prefix_len());
                bytes.extend(&address.octets()[..length]);
            }
            IpAddr::V6(address) => {
                bytes.push(V6 + network.prefix_len());
                bytes.extend(&address.octets()[..length]);
            }
        }
    }
    if let Some(per_hour) = limits.per_hour {
        bytes.push(PER_HOUR);
        bytes.extend(per_hour.get().to_be_bytes());
    }
    bytes
}

/// Returns `None` for a tag that is not known, a value that is cut off or impossible, and a time or a
/// number that is there twice.
pub(super) fn read(mut bytes: &[u8]) -> Option<UseLimits> {
    let mut limits = UseLimits::default();
    while let Some((tag, rest)) = bytes.split_first() {
        bytes = match *tag {
            UNTIL if limits.until.is_none() => {
                let (until, rest) = rest.split_first_chunk()?;
                limits.until = Some(u32::from_be_bytes(*until));
                rest
            }
            PER_HOUR if limits.per_hour.is_none() => {
                let (per_hour, rest) = rest.split_first_chunk()?;
                limits.per_hour = Some(NonZeroU16::new(u16::from_be_bytes(*per_hour))?);
                rest
            }
            prefix @ 0..=LAST_V4 => {
                let (octets, rest) = prefix_bytes(prefix, rest)?;
                let network = network(Ipv4Addr::from(octets).into(), prefix)?;
                limits.networks.push(network);
                rest
            }
            tag @ V6..=LAST_V6 => {
                let (octets, rest) = prefix_bytes(tag - V6, rest)?;
                let network = network(Ipv6Addr::from(octets).into(), tag - V6)?;
                limits.networks.push(network);
                rest
            }
            _ => return None,
        };
    }
    (limits.networks.len() <= MAX_NETWORKS).then_some(limits)
}

/// Splits the bytes of a prefix of this length off, and adds zeros behind them.
fn prefix_bytes<const LENGTH: usize>(prefix: u8, bytes: &[u8]) -> Option<([u8; LENGTH], &[u8])> {
    let (bytes, rest) = bytes.split_at_checked(prefix.div_ceil(8).into())?;
    let mut octets = [0; LENGTH];
    octets.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some((octets, rest))
}

/// Returns `None` if there are bits behind the prefix.
fn network(address: IpAddr, prefix: u8) -> Option<IpNet> {
    let network = IpNet::new(address, prefix).ok()?;
    (network.trunc() == network).then_some(network)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;
    use crate::clock::UnixTime;

    pub(in crate::seal) fn limits() -> impl Strategy<Value = UseLimits> {
        let v4 = (any::<Ipv4Addr>(), 0_u8..=32)
            .prop_map(|(address, prefix)| IpNet::new(address.into(), prefix));
        let v6 = (any::<Ipv6Addr>(), 0_u8..=128)
            .prop_map(|(address, prefix)| IpNet::new(address.into(), prefix));
        let networks = vec(
            prop_oneof![v4, v6].prop_map(Result::unwrap),
            0..MAX_NETWORKS,
        );
        let others = (option::of(any::<u64>()), option::of(any::<NonZeroU16>()));
        (networks, others).prop_map(|(networks, (until, per_hour))| {
            UseLimits::new(until.map(UnixTime), networks, per_hour).unwrap()
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(limits in limits()) {
            prop_assert_eq!(read(&write(&limits)), Some(limits));
        }

        #[test]
        fn what_is_read_is_written_again_field_by_field(bytes in vec(any::<u8>(), 0..12)) {
            if let Some(limits) = read(&bytes) {
                let written = write(&limits);
                prop_assert_eq!(written.len(), bytes.len());
                prop_assert_eq!(read(&written), Some(limits));
            }
        }
    }

    #[test]
    fn a_field_that_is_not_known_cut_off_twice_there_or_impossible_is_refused() {
        let until = [UNTIL, 0, 0, 0, 9];
        assert!(read(&until).is_some());
        for bytes in [
            &[UNTIL, 0, 0, 0][..],
            &[until, until].concat(),
            &[242],
            &[239, 0],
            &[193],
            &[33, 10, 0, 0, 0, 0],
            &[24, 10, 0],
            // Bits behind the prefix.
            &[7, 11],
            &[PER_HOUR, 0, 0],
            &[PER_HOUR, 0, 5, PER_HOUR, 0, 5],
            &[until.as_slice(), &[255]].concat(),
            &[8, 10].repeat(MAX_NETWORKS + 1),
        ] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
    }
}
