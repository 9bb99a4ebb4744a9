//! Where a request comes from, when a client writes what it likes into the headers
//! that its proxy goes on with.

use std::net::IpAddr;

use authseal::{listen::Peer, server::TrustedProxies};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::{collection::vec, prelude::*};

use crate::{
    mutation::{Recipe, recipes},
    property::{MB, Property, ensure},
};

const PROXY: &str = "10.0.0.1";
const CLIENT: &str = "203.0.113.7";
const WORDS: &[&str] = &[
    "for=",
    "for=10.0.0.9",
    "10.0.0.9",
    "203.0.113.7",
    "\"",
    "host=",
    "proto=https",
    ";",
    ",",
    "unknown",
    "_hidden",
    "[::1]",
    "for=\"[fd00::1]:80\"",
    ":80",
    "for=10.0.0.9;x=",
    "::ffff:10.0.0.9",
];
const LISTS: [&str; 4] = ["1.2.3.4", "10.0.0.9, 10.0.0.2", "[2001:db8::1]:443", ""];
const FORWARDED: [&str; 4] = [
    "for=1.2.3.4",
    "for=10.0.0.9;proto=https, for=\"[2001:db8::1]:80\"",
    "for=\"_x\";by=10.0.0.1;host=\"a\"",
    "",
];

/// Which header the proxy writes, and how.
#[derive(Clone, Copy, Debug)]
enum Writes {
    List,
    Standard,
}

fn address_told(lines: &[(&'static str, String)]) -> Option<IpAddr> {
    let proxies: TrustedProxies = "10.0.0.0/8, fd00::/8".parse().unwrap();
    let headers: HeaderMap = lines
        .iter()
        .map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        })
        .collect();
    let peer = Peer::Ip(PROXY.parse().unwrap());
    proxies.client(peer, &headers).address
}

/// What a header can hold.
fn text(recipe: &Recipe, real: &[&str]) -> String {
    let bytes = recipe.make(real);
    let text = bytes.iter().filter(|byte| (b' '..=b'~').contains(*byte));
    text.map(|byte| char::from(*byte)).collect()
}

/// The client sends any lines of the header that its proxy writes; the proxy appends
/// the address that it sees.
#[test]
fn a_client_cannot_choose_its_address() {
    let property = Property::alone("forwarded", 1, 8 * MB);
    let sent = vec(recipes(WORDS), 0..3);
    let writes = prop_oneof![Just(Writes::List), Just(Writes::Standard)];
    property.holds((writes, sent, any::<bool>()), |(writes, sent, joined)| {
        let (name, real, node) = match writes {
            Writes::List => ("x-forwarded-for", &LISTS, CLIENT.to_owned()),
            Writes::Standard => ("forwarded", &FORWARDED, format!("for={CLIENT};proto=https")),
        };
        let sent: Vec<String> = sent.iter().map(|recipe| text(recipe, real)).collect();
        let mut lines: Vec<_> = sent.into_iter().map(|text| (name, text)).collect();
        match lines.last_mut().filter(|_| joined) {
            Some((_, text)) => *text = format!("{text}, {node}"),
            None => lines.push((name, node)),
        }
        let told = address_told(&lines).map(|address| address.to_string());
        property.count(format!("{writes:?} {told:?}"));
        let is_right = match writes {
            Writes::List => told.as_deref() == Some(CLIENT),
            Writes::Standard => told.as_deref().is_none_or(|told| told == CLIENT),
        };
        ensure(is_right, || format!("{told:?} from {lines:?}"))
    });
    assert!(property.counted(|outcome| outcome.contains(CLIENT)) > 0);
}

/// The same, with a proxy that also says which host it was asked for, in quotes as
/// RFC 7239 section 4 demands of what is no token.
#[test]
fn a_client_cannot_choose_its_address_by_the_host_that_it_asks_for() {
    let property = Property::alone("forwarded_host", 1, 8 * MB);
    property.holds(recipes(WORDS), |host| {
        let host = text(&host, &["auth.example.com", "a,for=10.0.0.9;b="]);
        let host = host.replace('\\', "\\\\").replace('"', "\\\"");
        let line = format!("for={CLIENT};host=\"{host}\";proto=https");
        let told = address_told(&[("forwarded", line.clone())]).map(|told| told.to_string());
        property.count(format!("{told:?}"));
        ensure(told.as_deref().is_none_or(|told| told == CLIENT), || {
            format!("{told:?} from {line}")
        })
    });
}

/// A stranger is who is connected, or nobody, whatever he sends; and nothing in it
/// panics.
#[test]
fn a_stranger_cannot_choose_his_address() {
    let property = Property::alone("strangers", 1, 8 * MB);
    let lines = vec((any::<bool>(), recipes(WORDS)), 0..4);
    property.holds((any::<bool>(), lines), |(is_proxy, lines)| {
        let headers = lines.iter().filter_map(|(is_list, recipe)| {
            let (name, real) = match is_list {
                true => ("x-forwarded-for", &LISTS),
                false => ("forwarded", &FORWARDED),
            };
            let value = HeaderValue::from_bytes(&recipe.make(real)).ok()?;
            Some((HeaderName::from_static(name), value))
        });
        let proxies: TrustedProxies = "10.0.0.0/8, unix".parse().unwrap();
        let peer = if is_proxy { PROXY } else { CLIENT };
        let client = proxies.client(Peer::Ip(peer.parse().unwrap()), &headers.collect());
        property.count(if client.address.is_some() {
            "known"
        } else {
            "unknown"
        });
        let told = client.address.map(|address| address.to_string());
        let is_right = is_proxy || told.as_deref().is_none_or(|told| told == CLIENT);
        ensure(is_right, || format!("{told:?}"))
    });
}
