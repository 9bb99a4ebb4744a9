//! Parsers of settings whose type has none of its own. An error continues the name of the
//! variable.

use std::{
    convert::Infallible,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use url::Url;

use crate::{
    keyring::Passphrase,
    listen::tcp_address,
    login::{NotAnOrigin, Origin, Password, TrustedOpeners},
    seal::{MAX_NETWORKS, UseLimits},
    secret::Secret,
    server::{Networks, NotNetworks, NotProxies, Require, TrustedProxies},
    telemetry::LogFormat,
};

pub(super) fn address_and_port(text: &str) -> Result<SocketAddr, &'static str> {
    tcp_address(text).ok_or("is not an address and port; write it like 127.0.0.1:8081")
}

/// Parses the folder of the keys. A name that only a shell expands would become a folder of
/// that name, and the keys in it would be lost with the current folder.
pub(super) fn keys_folder(text: &str) -> Result<PathBuf, &'static str> {
    let is_quote = |char: char| "\"'`\u{2018}\u{2019}\u{201c}\u{201d}".contains(char);
    match () {
        () if text.starts_with('~') || text.contains('$') => {
            Err("has a ~ or $ that nothing replaces here; write the whole path")
        }
        () if text.starts_with('%') => Err(
            "begins with a %, which only systemd replaces, and only in a unit; write the whole path",
        ),
        () if text.starts_with(is_quote) || text.ends_with(is_quote) => {
            Err("begins or ends with a quote, which is kept as a part of it; write the bare path")
        }
        () if text.contains(" #") => Err(
            "has a comment behind the path, which an env file keeps; put it on a line of its own",
        ),
        () if text.starts_with("file:") || text.contains("://") => {
            Err("is an address; write the path alone, like /var/lib/authseal/keys")
        }
        () if text.contains(char::is_control) => {
            Err("has a control character in it; write the path alone")
        }
        () => Ok(text.into()),
    }
}

/// Parses the names of services. A list without any would offer nothing.
pub(super) fn service_names(text: &str) -> Result<String, &'static str> {
    match text.split(',').all(|name| name.trim().is_empty()) {
        true => Err("names no service; write it like googledrive,MSGRAPH"),
        false => Ok(text.to_owned()),
    }
}

/// Parses the password of the pages. No browser can send one with a line break.
pub(super) fn login_password(text: &str) -> Result<Password, String> {
    match text.contains(char::is_control) {
        true => Err("has a line break or another control character, which no form can send".into()),
        false => Password::parse(text).map_err(|error| error.to_string()),
    }
}

pub(super) fn proxies(text: &str) -> Result<TrustedProxies, String> {
    let proxies: TrustedProxies = text
        .parse()
        .map_err(|error: NotProxies| error.to_string())?;
    match proxies.is_empty() && !text.is_empty() {
        true => Err("names no proxy; write it like 127.0.0.1, 10.0.0.0/8 or unix".to_owned()),
        false => Ok(proxies),
    }
}

pub(super) fn connections(text: &str) -> Result<usize, &'static str> {
    text.parse()
        .map(NonZeroUsize::get)
        .map_err(|_| "is not a number of connections; write it like 2000")
}

pub(super) fn refreshes_per_hour(text: &str) -> Result<NonZeroU32, &'static str> {
    text.parse()
        .map_err(|_| "is not a number of refreshes per hour; write it like 60, or leave it out")
}

/// Parses the path of a PEM file, and refuses PEM itself: every setting can be given with
/// `_FILE`, but this one is a path already.
pub(super) fn pem_path(text: &str) -> Result<PathBuf, &'static str> {
    // No file system takes longer names.
    let is_content = text.contains("-----BEGIN") || text.split('/').any(|name| name.len() > 255);
    match is_content {
        true => Err("must be the path of a PEM file, not its content; set it without _FILE"),
        false => Ok(text.into()),
    }
}

pub(super) fn web_address(text: &str) -> Result<Url, &'static str> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http"))
        .ok_or("is not a web address; write it like https://example.com/privacy")
}

/// Parses origins. A `*` would be a part of the host's name, and fit no page.
pub(super) fn trusted_openers(text: &str) -> Result<TrustedOpeners, String> {
    if text.contains('*') {
        return Err("has a *, which stands for nothing here; list each origin".to_owned());
    }
    let origins = text.split(',').map(str::trim);
    let listed: Result<_, NotAnOrigin> = origins
        .filter(|origin| !origin.is_empty())
        .map(Origin::of)
        .collect();
    let listed = listed.map_err(|error| error.to_string())?;
    Ok(TrustedOpeners { listed })
}

pub(super) fn login_networks(text: &str) -> Result<Networks, String> {
    let networks: Networks = text.parse().map_err(|error| match error {
        NotNetworks::Form(_) => error.to_string(),
        NotNetworks::Everybody(_) => {
            format!("{error}, so it keeps nobody out; leave it out if anybody may log in")
        }
    })?;
    match networks.is_empty() {
        true => Err("names no network, so nobody could log in".to_owned()),
        false => Ok(networks),
    }
}

/// Parses the networks of AuthIDs, each of which has all of them in it.
pub(super) fn authid_networks(text: &str) -> Result<Networks, String> {
    let networks: Networks = text.parse().map_err(|error: NotNetworks| match error {
        NotNetworks::Form(_) => error.to_string(),
        NotNetworks::Everybody(_) => format!("{error}; leave it out if you mean that"),
    })?;
    let count = UseLimits::new(None, networks.iter(), None).map(|limits| limits.networks().len());
    match count {
        None => Err(format!(
            "names more than {MAX_NETWORKS} networks, and each AuthID gets longer by each"
        )),
        Some(0) => Err("names no network, so nobody could use an AuthID".to_owned()),
        Some(_) => Ok(networks),
    }
}

/// Shortest lifetime of an AuthID: a shorter one is a mistake of the unit.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(60 * 60);
/// A longer one would end after the latest time that an AuthID can hold.
const LONGEST_LIFETIME: Duration = Duration::from_secs(50 * 365 * 24 * 60 * 60);

pub(super) fn lifetime(text: &str) -> Result<Duration, &'static str> {
    let lifetime = humantime::parse_duration(text)
        .map_err(|_| "is no length of time; write it like 400d or 12h")?;
    match (SHORTEST_LIFETIME..=LONGEST_LIFETIME).contains(&lifetime) {
        true => Ok(lifetime),
        false => Err("must be between an hour and 50 years; write it like 400d"),
    }
}

pub(super) fn all_or_any(text: &str) -> Result<Require, &'static str> {
    match text {
        "all" => Ok(Require::All),
        "any" => Ok(Require::Any),
        _ => Err("must be all or any"),
    }
}

pub(super) fn ask_or_none(text: &str) -> Result<bool, &'static str> {
    match text {
        "ask" => Ok(true),
        "none" => Ok(false),
        _ => Err("must be ask or none"),
    }
}

pub(super) fn true_or_false(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "must be true or false")
}

/// Parses FIRST_KEY: true if `serve` may make the first key.
pub(super) fn first_key(text: &str) -> Result<bool, &'static str> {
    match text {
        "make" => Ok(true),
        "never" => Ok(false),
        _ => Err("must be make or never"),
    }
}

/// Takes any text: the keyring parses it, with the passphrase.
pub(super) fn key_set(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

pub(super) fn passphrase(text: &str) -> Result<Passphrase, Infallible> {
    Ok(Passphrase::new(Secret::new(text)))
}

pub(super) fn folder(text: &str) -> Result<PathBuf, &'static str> {
    let folder = PathBuf::from(text);
    match folder.is_dir() {
        true => Ok(folder),
        false => Err("names no folder"),
    }
}

/// Upper limit, 1 TiB: a larger number is a mistake.
const MAX_MEBIBYTES: u64 = 1024 * 1024;

/// Parses a number of MiB, and returns bytes.
pub(super) fn mebibytes(text: &str) -> Result<u64, &'static str> {
    let number: Option<u64> = text.parse().ok();
    let bytes = number.filter(|number| *number <= MAX_MEBIBYTES);
    bytes
        .map(|number| number * 1024 * 1024)
        .ok_or("is not a number of MiB; write it like 64, or 0 to keep no access token")
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json"),
    }
}
