//! `X-Forwarded-For` and `Forwarded` (RFC 7239), in which proxies name the client.
//!
//! Every proxy appends the address that it was connected from. So the list is read from
//! the right, and only as far as trusted proxies wrote it: anything further left may be
//! forged.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, header::FORWARDED};

use super::networks::Networks;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// True if the headers name a client.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)
}

/// Returns the client that a trusted proxy names. A proxy writes one of the two headers,
/// and may pass on the other, which the client may have forged. So they must not differ.
pub(super) fn client(headers: &HeaderMap, proxies: &Networks) -> Option<IpAddr> {
    let by_list = list(headers, &X_FORWARDED_FOR).map(|list| {
        let nodes = list.rsplit(',').map(|node| address_of(node.trim()));
        first_untrusted(nodes, proxies)
    });
    let by_standard = list(headers, &FORWARDED).map(|list| {
        if !is_unambiguous(&list) {
            return None;
        }
        let nodes = rfc7239::parse(&list).rev().map(|node| {
            let node = node.ok()?.forwarded_for?;
            node.ip().map(IpAddr::to_canonical)
        });
        first_untrusted(nodes, proxies)
    });
    match (by_list, by_standard) {
        (Some(one), Some(other)) if one != other => None,
        (Some(client), _) | (None, Some(client)) => client,
        (None, None) => None,
    }
}

/// Returns the first node from the right that is no trusted proxy, or the last one if all
/// are. `None` if a node on the way there can't be read.
fn first_untrusted(
    from_the_right: impl Iterator<Item = Option<IpAddr>>,
    proxies: &Networks,
) -> Option<IpAddr> {
    let mut client = None;
    for node in from_the_right {
        client = Some(node?);
        if !proxies.contain(node?) {
            break;
        }
    }
    client
}

/// Joins all headers of that name, which are one list (RFC 9110 section 5.3).
fn list(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values = headers.get_all(name).iter();
    // A value that is not text becomes a node that can't be read.
    let values: Vec<&str> = values.map(|value| value.to_str().unwrap_or("?")).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// True if no quoted part contains a separator. A proxy may quote the Host that a client
/// sent, and `a,for=10.0.0.1` in it must not become a node of its own; nor may a quotation
/// mark from a client hide the node that the proxy appended.
fn is_unambiguous(forwarded: &str) -> bool {
    let parts: Vec<&str> = forwarded.split('"').collect();
    let mut quoted = parts.iter().skip(1).step_by(2);
    parts.len() % 2 == 1 && quoted.all(|part| !part.contains([',', ';', '=', '\\']))
}

/// Parses an address with or without a port, which some proxies write.
fn address_of(node: &str) -> Option<IpAddr> {
    let bare = node
        .strip_prefix('[')
        .and_then(|node| node.strip_suffix(']'));
    let address = bare.unwrap_or(node).parse::<IpAddr>();
    let with_port = || node.parse::<SocketAddr>().map(|node| node.ip());
    let address = address.or_else(|_| with_port()).ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "x-forwarded-for";
    const STANDARD: &str = "forwarded";

    fn check(lines: &[(&'static str, &str)], expected: &str) {
        let headers: HeaderMap = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let found = client(&headers, &"10.0.0.0/8, fd00::/8".parse().unwrap());
        let found = found.map_or(String::new(), |address| address.to_string());
        assert_eq!(found, expected, "{lines:?}");
    }

    #[test]
    fn the_list_is_read_from_the_right_up_to_the_first_stranger() {
        let list = |text| check(&[(LIST, text)], "203.0.113.7");
        list("203.0.113.7");
        list("1.2.3.4, 203.0.113.7");
        list("10.9.9.9, 203.0.113.7, 10.0.0.2,10.0.0.3");
        list("lies <script>, 203.0.113.7:4711");
        check(&[(LIST, "10.0.0.9, 10.0.0.2")], "10.0.0.9");
        check(&[(LIST, "[2001:db8::1]:443")], "2001:db8::1");
        check(&[(LIST, "::ffff:203.0.113.7")], "203.0.113.7");
        check(&[(LIST, "10.1.1.1"), (LIST, "203.0.113.7")], "203.0.113.7");
    }

    #[test]
    fn the_standard_header_is_read_the_same_way() {
        let standard = |text, expected| check(&[(STANDARD, text)], expected);
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
    fn a_client_that_is_not_named_has_no_address() {
        check(&[], "");
        check(&[(LIST, "")], "");
        check(&[(LIST, "203.0.113.7, unknown")], "");
        // A client's own header, passed on by a proxy that writes the other.
        check(&[(LIST, "203.0.113.7"), (STANDARD, "for=10.6.6.6")], "");
        let agreed = [(LIST, "203.0.113.7"), (STANDARD, "for=203.0.113.7")];
        check(&agreed, "203.0.113.7");
    }
}
