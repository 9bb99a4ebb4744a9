//! The address of a proxy, with its user and password.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri};
use thiserror::Error;
use url::Url;

use crate::{
    percent,
    public_url::{is_host_name, is_rewritten},
};

/// The text is not the address of a usable proxy. The text itself is never shown, because
/// it may hold a password.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotAProxy {
    /// Not an address.
    #[error("is not the address of a proxy; write it like http://proxy.example.com:3128")]
    Form,
    /// A SOCKS proxy.
    #[error(
        "is the address of a SOCKS proxy, which authseal cannot use; name an HTTP proxy, like \
         http://proxy.example.com:3128"
    )]
    Socks,
    /// A proxy that is spoken to in TLS.
    #[error(
        "begins with https://, but authseal speaks to the proxy itself in plain HTTP; write http:// \
         if the proxy takes that. What goes through it is encrypted all the same"
    )]
    Tls,
    /// A word that switches a proxy off in other programs.
    #[error("names no proxy; to connect directly, remove the variable")]
    Off,
    /// A number, or an address that is read as another one.
    #[error(
        "is a number, or an address in an unusual form, and would be read as another; write host \
         and port, like http://proxy.example.com:3128 or http://10.0.0.1:3128"
    )]
    Number,
    /// A scheme with too few slashes behind it.
    #[error("has a scheme without :// behind it; write it like http://proxy.example.com:3128")]
    Slashes,
    /// More than one proxy.
    #[error("has a comma in its host; name one proxy, like http://proxy.example.com:3128")]
    Several,
    /// A scheme that is none of these.
    #[error("has a scheme that is no proxy's; write it like http://proxy.example.com:3128")]
    Scheme,
    /// A path, a query or a fragment.
    #[error(
        "has more behind host and port; end it there. A / ? or # in the user or password is written \
         as %2F, %3F or %23"
    )]
    Behind,
    /// A `%` without two hexadecimal digits.
    #[error("has a % in its user or password that encodes nothing; write a % itself as %25")]
    Percent,
    /// A colon in the user, which HTTP Basic cannot have (RFC 7617 section 2).
    #[error("has a user with a colon in it, which no proxy can tell from the password")]
    Colon,
    /// A control character or a blank.
    #[error("has a blank or a control character in it; in a password write it as %20 and so on")]
    Blank,
    /// An IPv6 address with a zone.
    #[error("has an IPv6 zone (%), which authseal cannot use; name the proxy by another address")]
    Zone,
}

/// Returns the address as `http://host:port/`, and the value of `Proxy-Authorization`.
pub(super) fn parse(text: &str) -> Result<(Uri, Option<HeaderValue>), NotAProxy> {
    let is_blank = |char: char| char.is_control() || char.is_whitespace();
    if text.contains(is_blank) {
        return Err(NotAProxy::Blank);
    }
    if OFF.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Err(NotAProxy::Off);
    }
    let rest = match text.split_once("://") {
        Some((scheme, rest)) => without_scheme(scheme, rest)?,
        None if is_scheme_alone(text) => return Err(NotAProxy::Slashes),
        None => text,
    };
    let (authority, behind) = match rest.find(['/', '?', '#']) {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    if !matches!(behind, "" | "/") {
        return Err(NotAProxy::Behind);
    }
    // No host has an @, so the last one ends the password.
    let (credentials, host) = match authority.rsplit_once('@') {
        Some((credentials, host)) => (Some(credentials), host),
        None => (None, authority),
    };
    let address = address(host)?;
    let authorization = credentials.map(authorization).transpose()?;
    Ok((address, authorization))
}

fn without_scheme<'t>(scheme: &str, rest: &'t str) -> Result<&'t str, NotAProxy> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok(rest),
        "https" => Err(NotAProxy::Tls),
        scheme if scheme.starts_with("socks") => Err(NotAProxy::Socks),
        _ => Err(NotAProxy::Scheme),
    }
}

/// Words for no proxy at all. Nothing has them as its name, and they would lead nowhere.
const OFF: [&str; 11] = [
    "none",
    "off",
    "no",
    "false",
    "direct",
    "direct://",
    "disabled",
    "disable",
    "null",
    "never",
    "noproxy",
];

/// True for `http:proxy:3128`, `http:/proxy:3128` and `http//proxy:3128`, but not for a host
/// of such a name with its port.
fn is_scheme_alone(text: &str) -> bool {
    const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks4"];
    let Some(end) = text.find([':', '/']) else {
        return false;
    };
    let (scheme, rest) = text.split_at(end);
    let is_port = rest[1..].bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with(':');
    SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) && !is_port && !rest.contains('@')
}

/// True for a host's name, which may have a dot at its end.
fn is_proxy_name(name: &str) -> bool {
    is_host_name(name.strip_suffix('.').unwrap_or(name))
}

/// Parses `host` or `host:port`. A backslash is refused: `url` reads it as a slash.
fn address(host: &str) -> Result<Uri, NotAProxy> {
    if host.starts_with('[') && host.contains('%') {
        return Err(NotAProxy::Zone);
    }
    if host.is_empty() || host.contains('\\') {
        return Err(NotAProxy::Form);
    }
    if host.contains(',') {
        return Err(NotAProxy::Several);
    }
    let url = Url::parse(&format!("http://{host}/")).map_err(|_| NotAProxy::Form)?;
    if is_rewritten(host, &url) {
        return Err(NotAProxy::Number);
    }
    if url.domain().is_some_and(|name| !is_proxy_name(name)) {
        return Err(NotAProxy::Form);
    }
    let port = url.port_or_known_default().filter(|port| *port != 0);
    let (host, port) = url.host_str().zip(port).ok_or(NotAProxy::Form)?;
    let address = format!("http://{host}:{port}/");
    address.parse().map_err(|_| NotAProxy::Form)
}

/// Makes the header of HTTP Basic (RFC 7617), in UTF-8.
fn authorization(credentials: &str) -> Result<HeaderValue, NotAProxy> {
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (user, password) = (decoded(user)?, decoded(password)?);
    if user.contains(':') {
        return Err(NotAProxy::Colon);
    }
    let pair = STANDARD.encode(format!("{user}:{password}"));
    let header = HeaderValue::try_from(format!("Basic {pair}"));
    let mut header = header.map_err(|_| NotAProxy::Form)?;
    header.set_sensitive(true);
    Ok(header)
}

fn decoded(text: &str) -> Result<String, NotAProxy> {
    let decoded = percent::decoded(text).ok_or(NotAProxy::Percent)?;
    match decoded.contains(char::is_control) {
        true => Err(NotAProxy::Blank),
        false => Ok(decoded),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, address: &str, credentials: Option<&str>) {
        let (uri, authorization) = parse(text).unwrap_or_else(|error| panic!("{text} {error}"));
        assert_eq!(uri.to_string(), address, "{text}");
        let sent = authorization.map(|header| {
            let header = header.to_str().unwrap().to_owned();
            let pair = STANDARD.decode(header.strip_prefix("Basic ").unwrap());
            String::from_utf8(pair.unwrap()).unwrap()
        });
        assert_eq!(sent.as_deref(), credentials, "{text}");
    }

    #[test]
    fn every_usual_way_to_write_a_proxy_is_read() {
        let proxy = "http://proxy:3128/";
        check("http://proxy:3128", proxy, None);
        check("proxy:3128", proxy, None);
        check("HTTP://PROXY:3128/", proxy, None);
        check("http://proxy", "http://proxy:80/", None);
        check("http://[fd00::1]:3128/", "http://[fd00::1]:3128/", None);
        check("10.0.0.1:8080", "http://10.0.0.1:8080/", None);
        check("none:3128", "http://none:3128/", None);
        check("http:3128", "http://http:3128/", None);
        check("http:p@proxy:3128", proxy, Some("http:p"));
        check("proxy.example.:3128", "http://proxy.example.:3128/", None);
        check("a_b:3128", "http://a_b:3128/", None);
        check("http://a:b@proxy:3128", proxy, Some("a:b"));
        check("http://a@proxy:3128", proxy, Some("a:"));
        check("http://DOM^x:p@proxy:3128", proxy, Some("DOM^x:p"));
        check(r"http://DOM\x:p@proxy:3128", proxy, Some(r"DOM\x:p"));
        check("DOM%5Cx:p%40ss%2F@proxy:3128", proxy, Some(r"DOM\x:p@ss/"));
        check(
            "http://a:p@ss:w|rd{}@proxy:3128",
            proxy,
            Some("a:p@ss:w|rd{}"),
        );
        check("http://jörg:pä@proxy:3128", proxy, Some("jörg:pä"));
        check(
            "http://x@y.example:p@proxy:3128",
            proxy,
            Some("x@y.example:p"),
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_reason() {
        for (text, error) in [
            ("", NotAProxy::Form),
            ("http://", NotAProxy::Form),
            ("http://user:pass@", NotAProxy::Form),
            ("http://proxy:0", NotAProxy::Form),
            ("http://proxy:port", NotAProxy::Form),
            (r"http://proxy\x:3128", NotAProxy::Form),
            ("none", NotAProxy::Off),
            ("OFF", NotAProxy::Off),
            ("Direct", NotAProxy::Off),
            ("DIRECT://", NotAProxy::Off),
            ("8080", NotAProxy::Number),
            ("0", NotAProxy::Number),
            ("http://3128", NotAProxy::Number),
            ("10.1:3128", NotAProxy::Number),
            ("http://0x0a000001:3128", NotAProxy::Number),
            ("http://u:p@010.0.0.1:3128", NotAProxy::Number),
            ("http:proxy:3128", NotAProxy::Slashes),
            ("http:/proxy:3128", NotAProxy::Slashes),
            ("HTTPS//proxy:3128", NotAProxy::Slashes),
            ("proxy:3128,other:3128", NotAProxy::Several),
            ("http://*.example:3128", NotAProxy::Form),
            ("http://a..example:3128", NotAProxy::Form),
            ("socks5://proxy:1080", NotAProxy::Socks),
            ("SOCKS5H://proxy:1080", NotAProxy::Socks),
            ("https://proxy:3128", NotAProxy::Tls),
            ("quic://proxy:3128", NotAProxy::Scheme),
            ("http://user:pa/ss@proxy:3128", NotAProxy::Behind),
            ("http://user:pa#ss@proxy:3128", NotAProxy::Behind),
            ("http://user:pa?ss@proxy:3128", NotAProxy::Behind),
            ("http://proxy:3128/path", NotAProxy::Behind),
            ("http://user:100%@proxy:3128", NotAProxy::Percent),
            ("http://user:%zz@proxy:3128", NotAProxy::Percent),
            ("http://user:%ff@proxy:3128", NotAProxy::Percent),
            ("http://DOM%3Ax:p@proxy:3128", NotAProxy::Colon),
            ("http://user:a b@proxy:3128", NotAProxy::Blank),
            ("http://user:%0d%0a@proxy:3128", NotAProxy::Blank),
            ("http://pro\nxy:3128", NotAProxy::Blank),
            ("http://[fe80::1%25eth0]:3128", NotAProxy::Zone),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text}");
        }
    }

    proptest! {
        /// The host of the parsed address is behind the last @, and nothing of the password
        /// is in it.
        #[test]
        fn any_text_is_refused_or_names_one_host(
            credentials in r"[ -~äé]{0,12}",
            host in r"[a-z0-9.\[\]:%\\@/-]{0,16}",
        ) {
            if let Ok((address, _)) = parse(&format!("http://{credentials}@{host}")) {
                let port = address.port_u16().unwrap();
                let named = address.host().unwrap();
                let behind = host.rsplit('@').next().unwrap().trim_end_matches('/');
                let url = Url::parse(&format!("http://{behind}/")).unwrap();
                prop_assert_eq!(url.host_str(), Some(named));
                prop_assert_eq!(url.port_or_known_default(), Some(port));
            }
        }
    }
}
