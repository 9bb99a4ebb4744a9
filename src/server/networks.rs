//! Where somebody may come from.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use thiserror::Error;

/// Networks and single addresses, in CIDR notation (RFC 4632).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// The text is no list of networks.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("names {0:?}, which is no network; write it like 192.168.0.0/16, fd00::/8 or 10.1.2.3")]
pub struct NotANetwork(String);

impl FromStr for Networks {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let network = |name: &str| {
            let single = || name.parse::<IpAddr>().ok().map(IpNet::from);
            let network = name.parse().ok().or_else(single);
            network.ok_or_else(|| NotANetwork(name.to_owned()))
        };
        names.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl Networks {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them has the address.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(", "))
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
            assert!(wrong.parse::<Networks>().is_err(), "{wrong}");
        }
    }
}
