//! Origin of the page that opened ours. An AuthID is posted to trusted origins without
//! asking.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

use crate::public_url::PublicUrl;

/// A web origin (RFC 6454): scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Origin(String);

/// The text is not an origin.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("is not an origin; write it like https://duplicati.example.com:8200")]
pub struct NotAnOrigin;

impl Origin {
    /// Returns the origin of a URL, such as a `Referer`.
    pub fn of(url: &str) -> Result<Self, NotAnOrigin> {
        let url = Url::parse(url).map_err(|_| NotAnOrigin)?;
        match url.scheme() {
            "https" | "http" => Ok(Self(url.origin().ascii_serialization())),
            _ => Err(NotAnOrigin),
        }
    }

    /// Returns the origin as a browser writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if it is the origin of this server.
    pub fn is(&self, public_url: &PublicUrl) -> bool {
        Self::of(&public_url.to_string()).as_ref() == Ok(self)
    }

    pub(super) fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    fn host(&self) -> Option<Host<String>> {
        Url::parse(&self.0).ok()?.host().map(|host| host.to_owned())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Origins that get the AuthID without a button that names them.
#[derive(Clone, Debug, Default)]
pub struct TrustedOpeners {
    /// Origins listed in OPENER_ORIGINS.
    pub listed: Vec<Origin>,
}

impl TrustedOpeners {
    /// True for private addresses and names, for the same site as this server, and for
    /// listed origins. No stranger can have a page there.
    pub fn include(&self, opener: &Origin, public_url: &PublicUrl) -> bool {
        if self.listed.contains(opener) {
            return true;
        }
        match opener.host() {
            None => false,
            Some(Host::Ipv4(address)) => is_own(address.into()),
            Some(Host::Ipv6(address)) => is_own(address.into()),
            Some(Host::Domain(name)) => is_own_name(&name) || is_same_site(opener, public_url),
        }
    }
}

fn is_own(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// True for names that public DNS does not give to strangers (RFC 6761, 6762, 8375).
fn is_own_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    !name.contains('.')
        || [".localhost", ".local", ".lan", ".home.arpa"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}

/// True if scheme and registrable domain are the same, by the Public Suffix List.
fn is_same_site(opener: &Origin, public_url: &PublicUrl) -> bool {
    let site = |url: &str| {
        let url = Url::parse(url).ok()?;
        let domain = psl::domain_str(url.domain()?)?.to_owned();
        Some((url.scheme().to_owned(), domain))
    };
    let opener = site(opener.as_str());
    opener.is_some() && opener == site(&public_url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(opener: &str, trusted: bool) {
        let openers = TrustedOpeners {
            listed: vec![Origin::of("https://listed.example.org/").unwrap()],
        };
        let public_url = PublicUrl::parse("https://auth.example.com").unwrap();
        let origin = Origin::of(opener).unwrap();
        assert_eq!(openers.include(&origin, &public_url), trusted, "{opener}");
    }

    #[test]
    fn machines_of_ones_own_are_trusted() {
        for opener in [
            "http://localhost:8200/ngclient/",
            "http://127.0.0.1:8200",
            "http://[::1]:8200",
            "http://192.168.1.5:8200",
            "http://10.0.0.2",
            "http://172.16.0.9",
            "http://169.254.3.4",
            "http://[fd00::5]:8200",
            "http://[fe80::1]",
            "http://nas:8200",
            "http://nas.local",
            "https://nas.lan",
            "https://nas.home.arpa",
        ] {
            check(opener, true);
        }
    }

    #[test]
    fn the_same_site_and_listed_origins_are_trusted_and_nothing_like_them() {
        check("https://duplicati.example.com", true);
        check("https://example.com:8443", true);
        check("https://listed.example.org", true);
        for opener in [
            "http://duplicati.example.com",
            "https://example.com.evil.net",
            "https://evilexample.com",
            "https://listed.example.org:444",
            "http://listed.example.org",
            "https://evil.net",
            "http://8.8.8.8",
            "http://172.32.0.1",
            "https://local.evil.net",
            "https://xlocal.net",
            "https://localhost.evil.net",
        ] {
            check(opener, false);
        }
    }

    #[test]
    fn a_public_suffix_is_no_site() {
        let public_url = PublicUrl::parse("https://alice.github.io").unwrap();
        let bob = Origin::of("https://bob.github.io").unwrap();
        assert!(!TrustedOpeners::default().include(&bob, &public_url));
    }

    #[test]
    fn an_origin_has_no_path_and_no_other_scheme() {
        let origin = Origin::of("https://a.example:443/x?y#z").unwrap();
        assert_eq!(origin.as_str(), "https://a.example");
        for text in ["", "null", "about:blank", "data:text/html,x", "file:///x"] {
            assert_eq!(Origin::of(text), Err(NotAnOrigin), "{text}");
        }
    }
}
