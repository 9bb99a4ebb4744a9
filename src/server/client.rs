//! Client of a request, and the address for which its requests are counted.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::listen::Peer;

/// The client of a request, which may have come through proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Peer of the connection: the client itself, or the last proxy.
    pub peer: Peer,
    /// Address of the client. `None` if a trusted proxy does not send it readably, or if
    /// an untrusted peer sends one: the peer may be a proxy that is missing in the
    /// settings, and then its own address is not the client's. Otherwise anybody could
    /// seem to be inside a network of LOGIN_NETWORKS.
    pub address: Option<IpAddr>,
    /// True if the peer is a trusted proxy, so that its other headers are believed too.
    pub via_trusted_proxy: bool,
}

impl Client {
    /// Returns the address for which requests are counted: the client's, or else the
    /// peer's. A /64 of IPv6 counts as one address, because a household has one (RFC 6177).
    pub fn rate_limit_key(&self) -> Option<IpAddr> {
        let address = self.address.or(match self.peer {
            Peer::Ip(address) => Some(address),
            Peer::Unix => None,
        })?;
        Some(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(v6) => match translated(v6) {
                Some(v4) => v4.into(),
                None => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
            },
        })
    }
}

/// Returns the IPv4 address of a client behind an IPv6 translator (RFC 6052, RFC 7755),
/// where all of IPv4 shares one /64. It is used for counting only, and opens no gate.
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let prefix = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0).octets();
    let octets = address.octets();
    let (network, last) = octets.split_at(12);
    let last: [u8; 4] = last.try_into().ok()?;
    (*network == prefix[..12]).then(|| last.into())
}

/// Writes the address for logs.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => address.fmt(f),
            None => write!(f, "unknown@{}", self.peer),
        }
    }
}
