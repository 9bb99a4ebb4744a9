//! Proxies whose forwarding headers are trusted.

use std::str::FromStr;

use http::HeaderMap;
use ipnet::IpNet;
use thiserror::Error;

use super::{
    client::Client,
    forwarded,
    networks::{Networks, NotNetworks},
};
use crate::listen::Peer;

/// Proxies whose forwarding headers are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Networks,
    /// True if every peer that may open the Unix socket is trusted.
    unix: bool,
}

/// The text does not name proxies, or names everybody.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotProxies {
    /// The text is not a list of networks.
    #[error(transparent)]
    Form(NotNetworks),
    /// The networks together include every public address.
    #[error("{0}, so anybody could claim to come from anywhere; name your proxy's address")]
    Everybody(NotNetworks),
}

impl From<NotNetworks> for NotProxies {
    fn from(error: NotNetworks) -> Self {
        match error {
            NotNetworks::Form(_) => Self::Form(error),
            NotNetworks::Everybody(_) => Self::Everybody(error),
        }
    }
}

impl FromStr for TrustedProxies {
    type Err = NotProxies;

    /// Parses networks, and the word `unix`.
    fn from_str(text: &str) -> Result<Self, NotProxies> {
        let (unix, networks): (Vec<&str>, Vec<&str>) =
            text.split(',').partition(|name| name.trim() == "unix");
        Ok(Self {
            networks: networks.join(",").parse()?,
            unix: !unix.is_empty(),
        })
    }
}

impl TrustedProxies {
    /// Returns the client of a request that came from `peer` with these headers.
    pub fn client(&self, peer: Peer, headers: &HeaderMap) -> Client {
        let via_trusted_proxy = match peer {
            Peer::Ip(address) => self.networks.contain(address),
            Peer::Unix => self.unix,
        };
        let address = match peer {
            _ if via_trusted_proxy => forwarded::client(headers, &self.networks),
            Peer::Ip(address) if !forwarded::is_forwarded(headers) => Some(address.to_canonical()),
            Peer::Ip(_) | Peer::Unix => None,
        };
        Client {
            peer,
            address,
            via_trusted_proxy,
        }
    }

    /// True if no proxy is trusted.
    pub fn is_empty(&self) -> bool {
        !self.unix && self.networks.is_empty()
    }

    /// True if there are proxies, and all of them connect from this machine by TCP.
    pub fn are_on_loopback(&self) -> bool {
        !self.is_empty() && !self.unix && self.networks.are_loopback()
    }

    /// True if a proxy may come through the Unix socket.
    pub fn come_by_unix_socket(&self) -> bool {
        self.unix
    }

    /// True if a proxy may come by TCP from this machine.
    pub fn come_from_loopback(&self) -> bool {
        self.networks.reach_loopback()
    }

    /// True if a proxy may come by TCP.
    pub fn come_by_tcp(&self) -> bool {
        !self.networks.is_empty()
    }

    /// Returns the public networks that are too wide for every machine in them to be a
    /// proxy of the administrator's.
    pub fn wide(&self) -> Vec<IpNet> {
        self.networks.wide()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn client(peer: &str, proxies: &str, header: Option<(&'static str, &'static str)>) -> Client {
        let proxies: TrustedProxies = proxies.parse().unwrap();
        let headers = header.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let peer = Peer::Ip(peer.parse().unwrap());
        proxies.client(peer, &headers.into_iter().collect())
    }

    fn some(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    #[test]
    fn a_peer_that_is_not_trusted_names_no_client() {
        let stranger = "203.0.113.66";
        let address = |header| client(stranger, "10.0.0.0/8", header).address;
        assert_eq!(address(None), some(stranger));
        assert_eq!(address(Some(("x-real-ip", "10.0.0.9"))), some(stranger));
        for forged in [
            ("x-forwarded-for", "10.0.0.9"),
            ("forwarded", "for=10.0.0.9"),
        ] {
            assert_eq!(address(Some(forged)), None);
        }
        let client = TrustedProxies::default().client(Peer::Unix, &HeaderMap::new());
        assert_eq!((client.address, client.via_trusted_proxy), (None, false));
    }

    #[test]
    fn a_proxy_is_trusted_however_its_ipv4_address_is_written() {
        let forged = ("x-forwarded-for", "::ffff:203.0.113.7, ::ffff:10.0.0.2");
        for proxies in ["10.0.0.0/8", "::ffff:10.0.0.0/104"] {
            for (peer, expected) in [
                ("10.0.0.1", some("203.0.113.7")),
                ("::ffff:10.0.0.1", some("203.0.113.7")),
                ("::ffff:11.0.0.1", None),
            ] {
                let client = client(peer, proxies, Some(forged));
                assert_eq!(client.address, expected, "{peer}");
            }
            let client = client("::ffff:11.0.0.1", proxies, None);
            assert_eq!(client.to_string(), "11.0.0.1");
        }
    }

    #[test]
    fn a_client_behind_a_translator_counts_by_its_ipv4_address_and_opens_no_gate() {
        let translated = client("64:ff9b::10.0.0.9", "10.0.0.0/8", None);
        assert!(!translated.via_trusted_proxy);
        assert_eq!(translated.address, some("64:ff9b::a00:9"));
        assert_eq!(translated.rate_limit_key(), some("10.0.0.9"));
        let household = client("64:ff9c::10.0.0.9", "10.0.0.0/8", None);
        assert_eq!(household.rate_limit_key(), some("64:ff9c::"));
    }

    #[test]
    fn a_proxy_may_connect_by_the_unix_socket() {
        assert!("unix, 10.0.0.0/8".parse::<TrustedProxies>().unwrap().unix);
        assert!("unix,nonsense".parse::<TrustedProxies>().is_err());
    }
}
