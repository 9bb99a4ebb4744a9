//! The public address: the base of every link, cookie and redirect URI. The `Host` header
//! of a request is never trusted.

use std::fmt;

use thiserror::Error;
use url::{Host, Url};

/// The service's public address, path prefix included, without a trailing `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Url);

/// The text cannot be used as the public address.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PublicUrlError {
    /// The text is not a URL.
    #[error("is not a URL; write it like https://auth.example.com")]
    NotAUrl,
    /// The scheme is neither https nor http.
    #[error("must start with https:// (or http:// for a machine of your own)")]
    Scheme,
    /// The URL is written in a way that is rewritten before it is used.
    #[error(
        "has a backslash, a blank, a % in the host, or an address in another form than \
         192.168.1.5; write it like https://auth.example.com or http://192.168.1.5:8080"
    )]
    Unusual,
    /// The host is no name that a machine can have.
    #[error(
        "has a host that browsers cannot open: a *, an empty part or a dot at an end, 0.0.0.0 or \
         [::]; write the name or address that they use, like https://auth.example.com"
    )]
    Host,
    /// The port is 0.
    #[error("has port 0, to which nothing connects; write it like https://auth.example.com:8443")]
    Port,
    /// A second scheme stands where the host is expected.
    #[error(
        "has a scheme twice; write https:// once. In compose's file .env, SITE is the name alone"
    )]
    Twice,
    /// The URL has a query, a fragment, a user or a password.
    #[error("must hold only scheme, host, port and path")]
    Extras,
    /// The path is read differently by browsers, cookies and proxies.
    #[error(
        "has a path with // or a character other than letters, digits and - . _ ~ / in it; \
         choose a simple path"
    )]
    Path,
    /// The URL is the address of an endpoint.
    #[error("must end before /logged-in or /refresh, which are added to it")]
    Endpoint,
}

impl PublicUrl {
    /// Reads an address such as `https://auth.example.com/seal`.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let text = text.trim();
        let mut url = Url::parse(text).map_err(|_| PublicUrlError::NotAUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(PublicUrlError::Scheme);
        }
        let (_, rest) = text.split_once("://").ok_or(PublicUrlError::Scheme)?;
        if rest.starts_with("https:") || rest.starts_with("http:") {
            return Err(PublicUrlError::Twice);
        }
        if text.contains(['\\', '\t', '\r', '\n']) || is_rewritten(rest, &url) {
            return Err(PublicUrlError::Unusual);
        }
        if !is_openable(&url) {
            return Err(PublicUrlError::Host);
        }
        if url.port() == Some(0) {
            return Err(PublicUrlError::Port);
        }
        let extras = url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some();
        if extras {
            return Err(PublicUrlError::Extras);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if !is_plain(&path) {
            return Err(PublicUrlError::Path);
        }
        // A redirect URI of one provider ends in /logged-in/NAME, so check the parent
        // too.
        let small = path.to_ascii_lowercase();
        let parent = small.rsplit_once('/').map_or("", |(parent, _)| parent);
        if [small.as_str(), parent]
            .iter()
            .any(|path| path.ends_with("/logged-in"))
            || small.ends_with("/refresh")
        {
            return Err(PublicUrlError::Endpoint);
        }
        url.set_path(&path);
        Ok(Self(url))
    }

    /// True if browsers connect by https, so that cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// True if the address is a loopback address, on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Returns the host.
    pub fn host(&self) -> Option<Host<&str>> {
        self.0.host()
    }

    /// Returns the path under which a proxy publishes the service: empty, or `/prefix`.
    pub fn prefix(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }

    /// Returns the full URL of `path`, which starts with `/`.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0.as_str().trim_end_matches('/'))
    }
}

/// True if a browser can open the host: an address of one machine, or a name of non-empty
/// parts. A browser takes a name with a dot at its end for another site.
fn is_openable(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_host_name(name),
        Some(Host::Ipv4(address)) => !address.is_unspecified(),
        Some(Host::Ipv6(address)) => !address.is_unspecified(),
        None => false,
    }
}

/// True for a name of non-empty parts without a `*`.
pub(crate) fn is_host_name(name: &str) -> bool {
    !name.contains('*') && name.split('.').all(|part| !part.is_empty())
}

/// True if the host is written in another way than `url` understands it: `0x7f.1` is read as
/// 127.0.0.1, and `https:///a.example` as https://a.example. Capital letters and names that
/// are not ASCII are usual.
pub(crate) fn is_rewritten(behind_scheme: &str, url: &Url) -> bool {
    let authority = behind_scheme.split(['/', '?', '#']).next();
    let authority = authority.unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    match url.host() {
        Some(Host::Ipv4(address)) => name != address.to_string(),
        Some(Host::Ipv6(_)) => !host.starts_with('['),
        Some(Host::Domain(_)) => name.is_empty() || name.contains('%'),
        None => true,
    }
}

/// True for a path that links, cookies and proxies all read alike. A link to `//seal/` leads
/// to another host, a `;` ends the path of a cookie, and some proxies decode `%`.
fn is_plain(path: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    !path.contains("//") && path.bytes().all(is_usual)
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// True if the host of `url` is a loopback address or localhost: the only place where
/// plain http discloses nothing to the network (RFC 8252 section 8.3).
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
        check("HTTPS://A.Example", "https://a.example/logged-in", "");
        check("http://127.0.0.1:80", "http://127.0.0.1/logged-in", "");
        check(
            "http://[FD00::1]:8080",
            "http://[fd00::1]:8080/logged-in",
            "",
        );
    }

    #[test]
    fn what_is_no_plain_address_is_refused() {
        for (text, error) in [
            ("auth.example.com", PublicUrlError::NotAUrl),
            ("ftp://a.example", PublicUrlError::Scheme),
            ("https:auth.example.com", PublicUrlError::Scheme),
            ("https:/auth.example.com", PublicUrlError::Scheme),
            ("https:\\\\a.example", PublicUrlError::Scheme),
            ("https://a.example\\seal", PublicUrlError::Unusual),
            ("https://a.example/x\\y", PublicUrlError::Unusual),
            ("https:///a.example", PublicUrlError::Unusual),
            ("https://a.exa\tmple", PublicUrlError::Unusual),
            ("https://a%2eexample", PublicUrlError::Unusual),
            ("http://0x7f.1", PublicUrlError::Unusual),
            ("http://0177.0.0.1:8080", PublicUrlError::Unusual),
            ("http://2130706433", PublicUrlError::Unusual),
            ("http://127.1", PublicUrlError::Unusual),
            ("https://*.example.com", PublicUrlError::Host),
            ("https://auth.*", PublicUrlError::Host),
            ("https://a..example", PublicUrlError::Host),
            ("https://.a.example", PublicUrlError::Host),
            ("https://a.example.", PublicUrlError::Host),
            ("https://a.example./seal", PublicUrlError::Host),
            ("http://0.0.0.0:8080", PublicUrlError::Host),
            ("http://[::]:8080", PublicUrlError::Host),
            ("https://a.example:0", PublicUrlError::Port),
            ("https://u:p@a.example", PublicUrlError::Extras),
            ("https://a.example/?x=1", PublicUrlError::Extras),
            ("https://a.example//seal", PublicUrlError::Path),
            ("https://a.example/a;b", PublicUrlError::Path),
            ("https://a.example/a b", PublicUrlError::Path),
            ("https://a.example/%C3%A4", PublicUrlError::Path),
            ("https://a.example/logged-in", PublicUrlError::Endpoint),
            ("https://a.example/logged-in/own", PublicUrlError::Endpoint),
            ("https://a.example/seal/refresh/", PublicUrlError::Endpoint),
            ("https://a.example/Refresh", PublicUrlError::Endpoint),
            ("https://a.example/LOGGED-IN", PublicUrlError::Endpoint),
        ] {
            assert_eq!(PublicUrl::parse(text), Err(error), "{text}");
        }
    }
}
