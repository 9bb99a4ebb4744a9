//! Networks in which a client's address may lie.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

/// Networks and single addresses, in CIDR notation (RFC 4632). IPv4-mapped IPv6
/// (`::ffff:10.0.0.0/104`, RFC 4291 section 2.5.5.2) is treated as IPv4.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// The text is not a list of networks, or the list includes everybody.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotNetworks {
    /// One of the names is not a network.
    #[error("names {0:?}, which is no network; write it like 192.168.0.0/16, fd00::/8 or 10.1.2.3")]
    Form(String),
    /// The networks together include every public address.
    #[error("covers every {0} address")]
    Everybody(&'static str),
}

impl FromStr for Networks {
    type Err = NotNetworks;

    fn from_str(text: &str) -> Result<Self, NotNetworks> {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let network = |name: &str| {
            let single = || name.parse::<IpAddr>().ok().map(IpNet::from);
            let network: Option<IpNet> = name.parse().ok().or_else(single);
            let network = network.ok_or_else(|| NotNetworks::Form(name.to_owned()));
            network.map(unmapped)
        };
        let networks = Self(names.map(network).collect::<Result<_, _>>()?);
        match networks.everybody() {
            Some(family) => Err(NotNetworks::Everybody(family)),
            None => Ok(networks),
        }
    }
}

impl FromIterator<IpNet> for Networks {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl Networks {
    /// Returns each network.
    pub fn iter(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.0.iter().copied()
    }

    /// True if there is no network.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if a network has an address of this machine's loopback.
    pub(super) fn reach_loopback(&self) -> bool {
        let loopback = [LOOPBACK_V4, LOOPBACK_V6];
        self.0.iter().any(|network| {
            loopback
                .iter()
                .any(|local| local.contains(network) || network.contains(local))
        })
    }

    /// True if every network is a part of this machine's loopback.
    pub(super) fn are_loopback(&self) -> bool {
        let loopback = [LOOPBACK_V4, LOOPBACK_V6];
        let is_inside =
            |network: &IpNet| loopback.iter().any(|loopback| loopback.contains(network));
        self.0.iter().all(is_inside)
    }

    /// True if one of the networks contains the address.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Returns the networks with more public addresses than one organisation usually
    /// needs. Adjacent networks are merged first.
    pub fn wide(&self) -> Vec<IpNet> {
        let is_local = |network: &IpNet| LOCAL.iter().any(|local| local.contains(network));
        let public = self.0.iter().copied().filter(|network| !is_local(network));
        let mut networks = IpNet::aggregate(&public.collect());
        networks.retain(|network| {
            let narrow = match network {
                IpNet::V4(_) => NARROW_V4,
                IpNet::V6(_) => NARROW_V6,
            };
            network.prefix_len() < narrow
        });
        networks
    }

    /// Returns the address family of which every public address is included, however it
    /// is written: as one network, as several, or with gaps that contain only private
    /// addresses.
    fn everybody(&self) -> Option<&'static str> {
        let (mut v4, mut v6) = (NEVER_PUBLIC_V4.to_vec(), Vec::new());
        for network in &self.0 {
            match network {
                IpNet::V4(network) => v4.push(*network),
                IpNet::V6(network) => v6.push(*network),
            }
        }
        let (v4, v6) = (Ipv4Net::aggregate(&v4), Ipv6Net::aggregate(&v6));
        let all_of = |network: Ipv6Net| v6.iter().any(|one| one.contains(&network));
        if v4.iter().any(|network| network.prefix_len() == 0) {
            Some("IPv4")
        } else if all_of(PUBLIC_V6) {
            Some("IPv6")
        } else {
            all_of(MAPPED).then_some("IPv4")
        }
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(", "))
    }
}

/// Prefix lengths below these count as wide.
const NARROW_V4: u8 = 16;
const NARROW_V6: u8 = 32;

/// All of IPv4, as IPv4-mapped IPv6 addresses.
const MAPPED: Ipv6Net = v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96);
/// All global unicast addresses (RFC 4291 section 2.4).
const PUBLIC_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Addresses that no packet from the internet has (RFC 6890), including multicast.
const NEVER_PUBLIC_V4: [Ipv4Net; 8] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([224, 0, 0, 0], 3),
];

/// Private networks: those above without 0.0.0.0/8 and multicast, and those of IPv6.
const LOCAL: [IpNet; 10] = [
    IpNet::V4(v4([10, 0, 0, 0], 8)),
    IpNet::V4(v4([100, 64, 0, 0], 10)),
    IpNet::V4(v4([127, 0, 0, 0], 8)),
    IpNet::V4(v4([169, 254, 0, 0], 16)),
    IpNet::V4(v4([172, 16, 0, 0], 12)),
    IpNet::V4(v4([192, 168, 0, 0], 16)),
    IpNet::V6(v6([0, 0, 0, 0, 0, 0, 0, 1], 128)),
    IpNet::V6(v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7)),
    IpNet::V6(v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10)),
    IpNet::V6(v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10)),
];

const LOOPBACK_V4: IpNet = IpNet::V4(v4([127, 0, 0, 0], 8));
const LOOPBACK_V6: IpNet = IpNet::V6(v6([0, 0, 0, 0, 0, 0, 0, 1], 128));

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(std::net::Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else {
        return network;
    };
    let prefix = v6.prefix_len().checked_sub(MAPPED.prefix_len());
    match (v6.addr().to_ipv4_mapped(), prefix) {
        (Some(address), Some(prefix)) => IpNet::V4(Ipv4Net::new_assert(address, prefix)),
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_single_addresses_are_read_and_nothing_else() {
        let networks: Networks = "192.168.0.0/16, 10.1.2.3,fd00::/8".parse().unwrap();
        assert_eq!(
            networks.to_string(),
            "192.168.0.0/16, 10.1.2.3/32, fd00::/8"
        );
        for wrong in ["192.168.0.0/33", "localhost", "10.0.0.0/8 11.0.0.0/8", "*"] {
            let error = wrong.parse::<Networks>().unwrap_err();
            assert_eq!(error, NotNetworks::Form(wrong.to_owned()));
        }
    }

    #[test]
    fn every_way_to_write_everybody_is_refused() {
        for (text, family) in [
            ("0.0.0.0/0", "IPv4"),
            ("10.1.2.3/0", "IPv4"),
            ("192.168.0.0/16,0.0.0.0/0", "IPv4"),
            ("0.0.0.0/1,128.0.0.0/1", "IPv4"),
            ("128.0.0.0/2, 0.0.0.0/1, 192.0.0.0/2", "IPv4"),
            // What is left out is multicast, reserved or private.
            ("0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/3", "IPv4"),
            (
                "1.0.0.0/8,2.0.0.0/7,4.0.0.0/6,8.0.0.0/7,11.0.0.0/8,12.0.0.0/6,16.0.0.0/4,\
              32.0.0.0/3,64.0.0.0/3,96.0.0.0/4,112.0.0.0/5,120.0.0.0/6,124.0.0.0/7,126.0.0.0/8,\
              128.0.0.0/2,192.0.0.0/3",
                "IPv4",
            ),
            ("::ffff:0:0/96", "IPv4"),
            ("::ffff:0.0.0.0/96", "IPv4"),
            ("::ffff:0.0.0.0/97,::ffff:128.0.0.0/97", "IPv4"),
            ("::ffff:0.0.0.0/97,128.0.0.0/1", "IPv4"),
            ("::/64", "IPv4"),
            ("::/0", "IPv6"),
            ("::/1,8000::/1", "IPv6"),
            ("2000::/3", "IPv6"),
            ("2000::/4,3000::/4", "IPv6"),
        ] {
            let everybody = Err(NotNetworks::Everybody(family));
            assert_eq!(text.parse::<Networks>(), everybody, "{text}");
        }
    }

    #[test]
    fn ipv4_in_the_form_of_ipv6_is_ipv4_on_both_sides() {
        let networks: Networks = "::ffff:10.0.0.0/104, ::ffff:192.0.2.1, 172.16.0.0/12"
            .parse()
            .unwrap();
        let shown = "10.0.0.0/8, 192.0.2.1/32, 172.16.0.0/12";
        assert_eq!(networks.to_string(), shown);
        for (address, is_inside) in [
            ("10.9.8.7", true),
            ("::ffff:10.9.8.7", true),
            ("192.0.2.1", true),
            ("::ffff:192.0.2.2", false),
            ("::ffff:172.31.0.1", true),
            ("::10.9.8.7", false),
            ("2001:db8::1", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(networks.contain(address), is_inside, "{address}");
        }
    }

    #[test]
    fn public_networks_are_wide_and_networks_of_ones_own_are_not() {
        let check = |text: &str, wide: &str| {
            let found: Networks = text.parse().unwrap();
            let names: Vec<String> = found.wide().iter().map(ToString::to_string).collect();
            assert_eq!(names.join(", "), wide, "{text}");
        };
        check("10.0.0.0/8, 172.16.0.0/12, 100.64.0.0/10, 127.0.0.0/8", "");
        check("fd00::/8, fe80::/10, ::1", "");
        check("203.0.113.0/24, 198.51.0.0/16, 2001:db8::/32", "");
        check("0.0.0.0/1", "0.0.0.0/1");
        check("::ffff:8.0.0.0/104", "8.0.0.0/8");
        check("198.18.0.0/15, 10.0.0.0/8", "198.18.0.0/15");
        check("198.18.0.0/16, 198.19.0.0/16", "198.18.0.0/15");
        check("8.0.0.0/5", "8.0.0.0/5");
        check("2a00::/12, fc00::/6", "2a00::/12, fc00::/6");
    }
}
