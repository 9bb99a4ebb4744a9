//! The client of a request that came through proxies.
//!
//! Every proxy appends the address that it was connected from, so the list is read
//! from the right, and only as far as it was written by proxies that are trusted:
//! what stands further left may be anybody's invention.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use super::networks::{Networks, NotNetworks};
use crate::listen::Peer;
use http::{HeaderMap, HeaderName, header::FORWARDED};
use ipnet::IpNet;
use thiserror::Error;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose word on where a request comes from is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Networks,
    /// Whoever may open the Unix socket.
    unix: bool,
}

/// The text names no proxies.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotProxies {
    /// It is no list of networks.
    #[error(transparent)]
    Form(NotNetworks),
    /// It has everybody's address.
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

    /// Networks, and the word `unix`.
    fn from_str(text: &str) -> Result<Self, NotProxies> {
        let (unix, networks): (Vec<&str>, Vec<&str>) =
            text.split(',').partition(|name| name.trim() == "unix");
        Ok(Self {
            networks: networks.join(",").parse()?,
            unix: !unix.is_empty(),
        })
    }
}

/// Origin of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Peer of the connection.
    pub peer: Peer,
    /// The client's address. `None` if a trusted proxy does not say it, or says it
    /// in a way that can't be read, or if somebody says it who is not trusted to: he
    /// may be a proxy that the settings forgot, and the peer's address is then not the
    /// client's. Nobody must pass for an inside address by any of that.
    pub address: Option<IpAddr>,
    /// True if the peer's other headers are believed too.
    pub by_trusted_proxy: bool,
}

impl Asker {
    /// Whose requests are counted: the client, or who speaks for it. One household
    /// has a /64 of IPv6 for itself (RFC 6177).
    pub fn counted_as(&self) -> Option<IpAddr> {
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

/// The IPv4 address of a client that a translator stands before (RFC 6052, RFC 7755): all
/// of IPv4 shares a /64 there. For counting alone: it opens no gate.
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let prefix = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0).octets();
    let octets = address.octets();
    let (network, last) = octets.split_at(12);
    let last: [u8; 4] = last.try_into().ok()?;
    (*network == prefix[..12]).then(|| last.into())
}

/// For logs.
impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => address.fmt(f),
            None => write!(f, "unknown@{}", self.peer),
        }
    }
}

impl TrustedProxies {
    /// Returns the origin of a request with these headers.
    pub fn asker(&self, peer: Peer, headers: &HeaderMap) -> Asker {
        let by_trusted_proxy = self.trusts(peer);
        let address = match peer {
            _ if by_trusted_proxy => self.forwarded(headers),
            Peer::Ip(address) if !claims_to_forward(headers) => Some(address.to_canonical()),
            Peer::Ip(_) | Peer::Unix => None,
        };
        Asker {
            peer,
            address,
            by_trusted_proxy,
        }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        !self.unix && self.networks.is_empty()
    }

    /// Public networks in which hardly every machine is a proxy of the administrator's.
    pub fn wide(&self) -> Vec<IpNet> {
        self.networks.wide()
    }

    fn trusts(&self, peer: Peer) -> bool {
        match peer {
            Peer::Ip(address) => self.networks.contain(address),
            Peer::Unix => self.unix,
        }
    }

    /// A proxy writes one of the two headers, and may pass the other on as a client
    /// made it up. So what both say must be the same.
    fn forwarded(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let by_list = list(headers, &X_FORWARDED_FOR)
            .map(|list| self.client(list.rsplit(',').map(|node| address_of(node.trim()))));
        let by_standard = list(headers, &FORWARDED).map(|list| {
            if !is_unambiguous(&list) {
                return None;
            }
            self.client(rfc7239::parse(&list).rev().map(|node| {
                let node = node.ok()?.forwarded_for?;
                node.ip().map(IpAddr::to_canonical)
            }))
        });
        match (by_list, by_standard) {
            (Some(one), Some(other)) if one != other => None,
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) => None,
        }
    }

    /// The first from the right that is no trusted proxy; the last one, if all are.
    fn client(&self, from_the_right: impl Iterator<Item = Option<IpAddr>>) -> Option<IpAddr> {
        let mut client = None;
        for node in from_the_right {
            client = Some(node?);
            if !self.networks.contain(node?) {
                break;
            }
        }
        client
    }
}

fn claims_to_forward(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)
}

/// All headers of that name as the one list that they are (RFC 9110 section 5.3).
fn list(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values = headers.get_all(name).iter();
    // What is no text becomes a node that can't be read.
    let values: Vec<&str> = values.map(|value| value.to_str().unwrap_or("?")).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// True if no quoted part holds a separator. A proxy may quote the Host that a client
/// made up, and one such as `a,for=10.0.0.1` must not become a node of its own; nor must
/// a quote that a client opens swallow what the proxy appended.
fn is_unambiguous(forwarded: &str) -> bool {
    let parts: Vec<&str> = forwarded.split('"').collect();
    let mut quoted = parts.iter().skip(1).step_by(2);
    parts.len() % 2 == 1 && quoted.all(|part| !part.contains([',', ';', '=', '\\']))
}

/// An address, with or without a port: some proxies write one.
fn address_of(node: &str) -> Option<IpAddr> {
    let bare = node
        .strip_prefix('[')
        .and_then(|node| node.strip_suffix(']'));
    let address = bare.unwrap_or(node).parse::<IpAddr>();
    let with_port = || node.parse::<std::net::SocketAddr>().map(|node| node.ip());
    let address = address.or_else(|_| with_port()).ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn client(peer: &str, lines: &[(&'static str, &str)]) -> Option<String> {
        let proxies: TrustedProxies = "10.0.0.0/8, fd00::/8".parse().unwrap();
        let peer = Peer::Ip(peer.parse().unwrap());
        let asker = proxies.asker(peer, &headers(lines));
        asker.address.map(|address| address.to_string())
    }

    fn check(lines: &[(&'static str, &str)], expected: &str) {
        let found = client(PROXY, lines).unwrap_or_default();
        assert_eq!(found, expected, "{lines:?}");
    }

    #[test]
    fn the_list_is_read_from_the_right_up_to_the_first_stranger() {
        let list = |text| check(&[("x-forwarded-for", text)], "203.0.113.7");
        list("203.0.113.7");
        list("1.2.3.4, 203.0.113.7");
        list("10.9.9.9, 203.0.113.7, 10.0.0.2,10.0.0.3");
        list("lies <script>, 203.0.113.7:4711");
        check(&[("x-forwarded-for", "10.0.0.9, 10.0.0.2")], "10.0.0.9");
        check(&[("x-forwarded-for", "[2001:db8::1]:443")], "2001:db8::1");
        check(&[("x-forwarded-for", "::ffff:203.0.113.7")], "203.0.113.7");
        let two = [
            ("x-forwarded-for", "10.1.1.1"),
            ("x-forwarded-for", "203.0.113.7"),
        ];
        check(&two, "203.0.113.7");
    }

    #[test]
    fn the_standard_header_is_read_the_same_way() {
        let standard = |text, expected| check(&[("forwarded", text)], expected);
        standard("for=203.0.113.7;proto=https;by=10.0.0.1", "203.0.113.7");
        standard("for=10.6.6.6, for=203.0.113.7, FOR=10.0.0.2", "203.0.113.7");
        standard("for=\"[2001:db8::1]:4711\"", "2001:db8::1");
        standard("for=unknown", "");
        standard("for=_hidden, for=10.0.0.2", "");
        standard("proto=https", "");
        standard("nonsense", "");
        let plain = "for=203.0.113.7;host=\"a:80\";proto=https";
        standard(plain, "203.0.113.7");
        standard("for=203.0.113.7;host=\"a,for=10.0.0.9;b=\"", "");
        standard("for=203.0.113.9;x=\", for=10.0.0.2;host=\";y=\"\"", "");
        standard("for=203.0.113.7;host=\"a\\\"\"", "");
        standard("for=\"203.0.113.7", "");
    }

    #[test]
    fn who_is_not_known_is_nobody() {
        check(&[], "");
        check(&[("x-forwarded-for", "")], "");
        check(&[("x-forwarded-for", "203.0.113.7, unknown")], "");
        // A client's own header, passed on by a proxy that writes the other.
        let both = [
            ("x-forwarded-for", "203.0.113.7"),
            ("forwarded", "for=10.6.6.6"),
        ];
        check(&both, "");
        let both = [
            ("x-forwarded-for", "203.0.113.7"),
            ("forwarded", "for=203.0.113.7"),
        ];
        check(&both, "203.0.113.7");
    }

    #[test]
    fn who_is_not_trusted_speaks_for_nobody() {
        let stranger = "203.0.113.66";
        assert_eq!(client(stranger, &[]).as_deref(), Some(stranger));
        let other = [("x-real-ip", "10.0.0.9")];
        assert_eq!(client(stranger, &other).as_deref(), Some(stranger));
        for forged in [
            ("x-forwarded-for", "10.0.0.9"),
            ("forwarded", "for=10.0.0.9"),
        ] {
            assert_eq!(client(stranger, &[forged]), None);
        }
        let asker = TrustedProxies::default().asker(Peer::Unix, &HeaderMap::new());
        assert_eq!((asker.address, asker.by_trusted_proxy), (None, false));
    }

    #[test]
    fn a_proxy_is_trusted_however_its_ipv4_address_is_written() {
        let forged = headers(&[("x-forwarded-for", "::ffff:203.0.113.7, ::ffff:10.0.0.2")]);
        for proxies in ["10.0.0.0/8", "::ffff:10.0.0.0/104"] {
            let proxies: TrustedProxies = proxies.parse().unwrap();
            for (peer, client) in [
                ("10.0.0.1", Some("203.0.113.7")),
                ("::ffff:10.0.0.1", Some("203.0.113.7")),
                ("::ffff:11.0.0.1", None),
            ] {
                let asker = proxies.asker(Peer::Ip(peer.parse().unwrap()), &forged);
                let client = client.map(|client| client.parse().unwrap());
                assert_eq!(asker.address, client, "{peer}");
            }
            let peer = Peer::Ip("::ffff:11.0.0.1".parse().unwrap());
            let asker = proxies.asker(peer, &HeaderMap::new());
            assert_eq!(asker.to_string(), "11.0.0.1");
        }
    }

    #[test]
    fn who_comes_by_a_translator_is_counted_by_an_ipv4_address_and_opens_no_gate() {
        let peer = Peer::Ip("64:ff9b::10.0.0.9".parse().unwrap());
        let proxies: TrustedProxies = "10.0.0.0/8".parse().unwrap();
        let asker = proxies.asker(peer, &HeaderMap::new());
        assert!(!asker.by_trusted_proxy);
        assert_eq!(asker.address, Some("64:ff9b::a00:9".parse().unwrap()));
        assert_eq!(asker.counted_as(), Some("10.0.0.9".parse().unwrap()));
        let household = Peer::Ip("64:ff9c::10.0.0.9".parse().unwrap());
        let asker = proxies.asker(household, &HeaderMap::new());
        assert_eq!(asker.counted_as(), Some("64:ff9c::".parse().unwrap()));
    }

    #[test]
    fn a_proxy_may_come_by_the_unix_socket() {
        assert!("unix, 10.0.0.0/8".parse::<TrustedProxies>().unwrap().unix);
        assert!("unix,nonsense".parse::<TrustedProxies>().is_err());
    }
}
