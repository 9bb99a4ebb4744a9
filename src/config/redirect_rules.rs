//! The redirect URIs that a provider does not let anybody register, as its table says.

use std::fmt;

use serde::Deserialize;
use url::Host;

use super::{offer::Offer, tables::Tables};
use crate::public_url::PublicUrl;

/// A kind of redirect URI that a provider refuses (`redirect_refuses` in its table).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RefusedUri {
    /// Plain http, except to a loopback host.
    Http,
    /// Plain http to a loopback host by its address, not by the name localhost.
    HttpByAddress,
    /// An IP address, except a loopback one.
    IpAddress,
    /// A name that is in no public domain, such as `nas.local`, except localhost.
    PrivateName,
}

impl RefusedUri {
    fn includes(self, url: &PublicUrl) -> bool {
        let is_address = matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
        let (is_loopback, is_plain) = (url.is_loopback(), !url.is_https());
        match self {
            Self::Http => is_plain && !is_loopback,
            Self::HttpByAddress => is_plain && is_loopback && is_address,
            Self::IpAddress => is_address && !is_loopback,
            Self::PrivateName => match url.host() {
                Some(Host::Domain(name)) => !is_loopback && !is_public(name),
                Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => false,
            },
        }
    }
}

/// True if the name is in a domain of the Public Suffix List.
fn is_public(name: &str) -> bool {
    psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known())
}

impl fmt::Display for RefusedUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "it must begin with https://, except for localhost",
            Self::HttpByAddress => {
                "with http:// it takes the name localhost, and no address such as 127.0.0.1"
            }
            Self::IpAddress => {
                "it must have a name and no IP address. Give this server a name in a public domain, \
                 which may lead to a private address"
            }
            Self::PrivateName => {
                "its name must be in a public domain. Give this server one, which may lead to a \
                 private address"
            }
        })
    }
}

/// Returns a warning for each offered provider at which the redirect URI of this server
/// cannot be registered.
pub(super) fn warnings(tables: &Tables, offer: &Offer, url: &PublicUrl) -> Vec<String> {
    let tables = tables.providers.values();
    let refused = tables.filter_map(|table| {
        let id = &table.provider.id;
        let mut offered = offer.catalog.iter();
        offered.find(|service| service.provider.id == *id)?;
        let path = table.provider.redirect_path()?;
        let mut rules = table.redirect_refuses.iter();
        let rule = rules.find(|rule| rule.includes(url))?;
        let (name, uri) = (&table.provider.name, url.join(path.as_str()));
        Some(format!(
            "{name} does not take {uri} as a redirect URI: {rule}"
        ))
    });
    let mut refused: Vec<String> = refused.collect();
    refused.dedup();
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_address_is_recognised() {
        use RefusedUri::{Http, HttpByAddress, IpAddress, PrivateName};
        for (url, refused) in [
            ("https://auth.example.com", &[][..]),
            ("https://auth.example.co.uk:8443/seal", &[]),
            ("https://home.duckdns.org", &[]),
            ("http://localhost:8080", &[]),
            ("https://localhost", &[]),
            ("http://127.0.0.1:8080", &[HttpByAddress]),
            ("http://[::1]:8080", &[HttpByAddress]),
            ("https://127.0.0.1", &[]),
            ("http://auth.example.com", &[Http]),
            ("https://nas.local", &[PrivateName]),
            ("https://nas", &[PrivateName]),
            ("https://nas.fritz.box.lan", &[PrivateName]),
            ("http://nas.lan:8080", &[Http, PrivateName]),
            ("https://192.168.1.5:8443", &[IpAddress]),
            ("https://[fd00::5]", &[IpAddress]),
            ("http://192.168.1.5", &[Http, IpAddress]),
        ] {
            let url = PublicUrl::parse(url).unwrap();
            let all = [Http, HttpByAddress, IpAddress, PrivateName];
            let found: Vec<_> = all.into_iter().filter(|rule| rule.includes(&url)).collect();
            assert_eq!(found, refused, "{url}");
        }
    }
}
