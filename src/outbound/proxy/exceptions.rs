//! Hosts that are reached without the proxy (`NO_PROXY`).

use std::{fmt, net::IpAddr};

use ipnet::IpNet;
use url::Host;

/// The parsed NO_PROXY: names, domains and networks, each with a port or for all ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions(Vec<(Exception, Option<u16>)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    Everything,
    Network(IpNet),
    /// A host, and all hosts below it.
    Domain(String),
}

impl Exceptions {
    /// Parses the entries, with commas or blanks between. `.example.com`, `*.example.com`
    /// and `example.com` mean the same. Also returns the entries that mean nothing here:
    /// other programs read the same variable, and without an entry a host is only reached
    /// through the proxy.
    pub fn parse(text: &str) -> (Self, Vec<String>) {
        let (mut exceptions, mut ignored) = (Vec::new(), Vec::new());
        let entries = text.split(|char: char| char == ',' || char.is_whitespace());
        for entry in entries.filter(|entry| !entry.is_empty()) {
            match parse_entry(entry) {
                Some(exception) => exceptions.push(exception),
                None => ignored.push(entry.to_owned()),
            }
        }
        (Self(exceptions), ignored)
    }

    /// True if the host is reached without the proxy.
    pub(super) fn include(&self, host: &str, port: u16) -> bool {
        let host = host.trim_matches(['[', ']']);
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        let address = address.map(|address| address.to_canonical());
        let fits = |exception: &Exception| match (exception, address) {
            (Exception::Everything, _) => true,
            (Exception::Network(network), Some(address)) => network.contains(&address),
            (Exception::Domain(domain), None) => is_below(&host, domain),
            (Exception::Network(_), None) | (Exception::Domain(_), Some(_)) => false,
        };
        let mut exceptions = self.0.iter();
        exceptions.any(|(exception, at)| fits(exception) && at.is_none_or(|at| at == port))
    }

    /// True if every host is reached through the proxy.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    let above = host.strip_suffix(domain);
    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

fn parse_entry(entry: &str) -> Option<(Exception, Option<u16>)> {
    if entry == "*" {
        return Some((Exception::Everything, None));
    }
    if let Some(network) = network(entry) {
        return Some((Exception::Network(network), None));
    }
    let (name, port) = match entry.rsplit_once(':') {
        Some((name, port)) => (name, Some(port.parse().ok()?)),
        None => (entry, None),
    };
    if let Some(network) = network(name) {
        return Some((Exception::Network(network), port));
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    let name = name.strip_prefix('.').unwrap_or(name);
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.contains('*') {
        return None;
    }
    match Host::parse(name).ok()? {
        Host::Domain(domain) => Some((Exception::Domain(domain), port)),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

/// Parses an address, also in brackets, or a network.
fn network(text: &str) -> Option<IpNet> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address: Option<IpAddr> = bare.unwrap_or(text).parse().ok();
    let single = address.map(|address| IpNet::from(address.to_canonical()));
    single.or_else(|| text.parse().ok())
}

impl fmt::Display for Exceptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(exception, port)| {
            let name = match exception {
                Exception::Everything => "*".to_owned(),
                Exception::Network(network) => network.to_string(),
                Exception::Domain(domain) => domain.clone(),
            };
            port.map_or(name.clone(), |port| format!("{name}:{port}"))
        });
        f.write_str(&names.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(no_proxy: &str, host: &str, is_direct: bool) {
        let (exceptions, ignored) = Exceptions::parse(no_proxy);
        assert!(ignored.is_empty(), "{no_proxy}: {ignored:?}");
        assert_eq!(
            exceptions.include(host, 443),
            is_direct,
            "{no_proxy}: {host}"
        );
    }

    #[test]
    fn every_usual_form_of_an_exception_is_read() {
        for domain in [
            "example.com",
            ".example.com",
            "*.example.com",
            "EXAMPLE.com.",
        ] {
            check(domain, "a.example.com", true);
            check(domain, "A.Example.Com.", true);
            check(domain, "example.com", true);
            check(domain, "notexample.com", false);
        }
        check("10.0.0.0/8, .lan", "10.1.2.3", true);
        check("10.0.0.0/8 .lan", "nas.lan", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("::1", "[::1]", true);
        check("[fd00::1]", "[fd00::1]", true);
        check("fd00::/8", "[fd00::1]", true);
        check("10.1.2.3", "[::ffff:10.1.2.3]", true);
        check("a.example:443", "a.example", true);
        check("a.example:8443", "a.example", false);
        check("*", "a.example", true);
        check("", "a.example", false);
    }

    #[test]
    fn entries_that_mean_nothing_here_are_named_and_except_nothing() {
        let odd = "/var/run/docker.sock,10.*,https://a.example,<local>,a.example:x,10.0.0.0/33";
        let (exceptions, ignored) = Exceptions::parse(odd);
        assert_eq!(ignored, odd.split(',').collect::<Vec<_>>());
        assert!(exceptions.is_empty());
    }
}
