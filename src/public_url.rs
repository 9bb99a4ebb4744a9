//! What browsers see: the address that every link, cookie and redirect URI is
//! built from. The `Host` header is never believed.

use std::fmt;

use thiserror::Error;
use url::{Host, Url};

/// The service's public address, path prefix included, without a trailing `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Url);

/// Why a text is not usable as the public address.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PublicUrlError {
    /// It does not parse as a URL.
    #[error("is not a URL; write it like https://auth.example.com")]
    NotAUrl,
    /// Its scheme is neither https nor http.
    #[error("must start with https:// (or http:// for a machine of your own)")]
    Scheme,
    /// It has a query, fragment, user or password.
    #[error("must hold only scheme, host, port and path")]
    Extras,
    /// It is the address of one of the endpoints.
    #[error("must end before /logged-in or /refresh, which are added to it")]
    Endpoint,
}

impl PublicUrl {
    /// Reads an address such as `https://auth.example.com/seal`.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let mut url = Url::parse(text.trim()).map_err(|_| PublicUrlError::NotAUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(PublicUrlError::Scheme);
        }
        let extras = url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some();
        if extras {
            return Err(PublicUrlError::Extras);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        // A provider's own redirect URI has one name more.
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if [path.as_str(), parent]
            .iter()
            .any(|path| path.ends_with("/logged-in"))
            || path.ends_with("/refresh")
        {
            return Err(PublicUrlError::Endpoint);
        }
        url.set_path(&path);
        Ok(Self(url))
    }

    /// Whether browsers come by https, so that cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it is an address of this very machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// The path under which a proxy shows the service: empty, or `/prefix`.
    pub fn prefix(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }

    /// The full address of `path`, which starts with `/`.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Whether `url` leads to this very machine: the one place where plain http
/// gives nothing away (RFC 8252 section 8.3).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, redirect_uri: &str, prefix: &str) {
        let url = PublicUrl::parse(text).unwrap();
        assert_eq!(url.join("/logged-in"), redirect_uri, "{text}");
        assert_eq!(url.prefix(), prefix, "{text}");
    }

    #[test]
    fn the_redirect_uri_is_built_with_port_and_prefix() {
        check("https://a.example", "https://a.example/logged-in", "");
        check("https://a.example/", "https://a.example/logged-in", "");
        check(
            "http://localhost:8080/seal/",
            "http://localhost:8080/seal/logged-in",
            "/seal",
        );
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for (text, error) in [
            ("auth.example.com", PublicUrlError::NotAUrl),
            ("ftp://a.example", PublicUrlError::Scheme),
            ("https://u:p@a.example", PublicUrlError::Extras),
            ("https://a.example/?x=1", PublicUrlError::Extras),
            ("https://a.example/logged-in", PublicUrlError::Endpoint),
            ("https://a.example/logged-in/own", PublicUrlError::Endpoint),
            ("https://a.example/seal/refresh/", PublicUrlError::Endpoint),
        ] {
            assert_eq!(PublicUrl::parse(text), Err(error), "{text}");
        }
    }
}
