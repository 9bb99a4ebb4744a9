//! Rules for settings together: problems, which prevent a start, and warnings.

use std::net::{IpAddr, SocketAddr};

use super::odd_values;
use super::{
    Config,
    declaration::PREFIX,
    settings::{DECLARED, Settings},
};
use crate::{
    clock::UnixTime, environment::Environment, listen::ListenAddress, provider::RefreshTokens,
    server::Networks,
};

/// Returns a problem for each combination of settings that cannot be served. The rule for
/// the keys is [`keys_given_twice`].
pub(super) fn problems(settings: &Settings, environment: &Environment) -> Vec<String> {
    [
        same_address(settings),
        half_a_certificate(environment),
        header_without_proxy(environment),
        user_without_header(settings, environment),
        networks_without_addresses(settings),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn same_address(settings: &Settings) -> Option<String> {
    let ListenAddress::Tcp(service) = settings.edge.listen else {
        return None;
    };
    let admin = settings.admin.listen;
    // 0.0.0.0 takes the port of every IPv4 address, and [::] that of all of them.
    let includes = |one: SocketAddr, other: SocketAddr| match one.ip() {
        IpAddr::V4(address) => address.is_unspecified() && other.is_ipv4(),
        IpAddr::V6(address) => address.is_unspecified(),
    };
    let port = service.port();
    if port == 0 || port != admin.port() {
        return None;
    }
    if service.ip() == admin.ip() {
        return Some(
            "AUTHSEAL_LISTEN and AUTHSEAL_ADMIN_LISTEN are the same; change the port of one"
                .to_owned(),
        );
    }
    (includes(service, admin) || includes(admin, service)).then(|| {
        format!(
            "AUTHSEAL_LISTEN and AUTHSEAL_ADMIN_LISTEN both take port {port}, and one is for every \
             address; change the port of one"
        )
    })
}

fn half_a_certificate(environment: &Environment) -> Option<String> {
    let (set, missing) = match (
        is_set("TLS_CERT", environment),
        is_set("TLS_KEY", environment),
    ) {
        (true, false) => ("TLS_CERT", "TLS_KEY"),
        (false, true) => ("TLS_KEY", "TLS_CERT"),
        (true, true) | (false, false) => return None,
    };
    Some(format!(
        "AUTHSEAL_{set} is set, but AUTHSEAL_{missing} is not"
    ))
}

fn header_without_proxy(environment: &Environment) -> Option<String> {
    (is_set("LOGIN_HEADER", environment) && !is_set("TRUSTED_PROXIES", environment)).then(|| {
        "AUTHSEAL_LOGIN_HEADER is set, but AUTHSEAL_TRUSTED_PROXIES does not say which proxy may \
         set it"
            .to_owned()
    })
}

fn user_without_header(settings: &Settings, environment: &Environment) -> Option<String> {
    (settings.names.seals_user && !is_set("LOGIN_HEADER", environment)).then(|| {
        "AUTHSEAL_AUTHID_USER is true, but AUTHSEAL_LOGIN_HEADER does not say which header names the \
         user"
            .to_owned()
    })
}

/// Returns a problem if every new AuthID has networks, and no client ever has an address.
fn networks_without_addresses(settings: &Settings) -> Option<String> {
    let is_unix = matches!(settings.edge.listen, ListenAddress::Unix(_));
    let has_no_address = is_unix && !settings.edge.trusted_proxies.come_by_unix_socket();
    (settings.authids.networks.is_some() && has_no_address).then(|| {
        "AUTHSEAL_AUTHID_NETWORKS is set, and at the Unix socket nobody has an address, so every new \
         AuthID would be refused; set AUTHSEAL_TRUSTED_PROXIES=unix, for a proxy that names the \
         client"
            .to_owned()
    })
}

/// True if the setting, or its `_FILE`, is set, even to a wrong value.
fn is_set(name: &str, environment: &Environment) -> bool {
    debug_assert!(DECLARED.iter().any(|declared| declared.name == name));
    environment.is_set(&format!("{PREFIX}{name}"))
}

/// Returns a problem if the keys are given in two places.
pub(super) fn keys_given_twice(environment: &Environment) -> Option<String> {
    (is_set("KEYS", environment) && is_set("KEYS_DIR", environment))
        .then(|| "AUTHSEAL_KEYS and AUTHSEAL_KEYS_DIR are both set; keep one".to_owned())
}

/// Returns a warning for everything that is unusual and does not prevent a start.
/// `is_moving_in` is true if there are settings of Duplicati's own server.
pub(super) fn warnings(
    config: &Config,
    environment: &Environment,
    is_moving_in: bool,
) -> Vec<String> {
    let mut warnings = Vec::new();
    warnings.extend(plain_http(config));
    warnings.extend(certificate_and_scheme(config));
    warnings.extend(odd_passwords(environment));
    warnings.extend(forgotten_at_restart(config));
    warnings.extend(unused_socket(config, environment));
    warnings.extend(require_without_gate(config, environment));
    warnings.extend(proxy_is_not_named(config));
    warnings.extend(proxies_on_loopback_only(config));
    warnings.extend(proxies_that_cannot_connect(config));
    warnings.extend(wide_networks(config));
    warnings.extend(tokens_without_limits(config));
    warnings.extend(user_without_password(config));
    warnings.extend(authids_in_clear(config, is_moving_in));
    warnings.extend(keys_in_clear(config));
    warnings
}

fn plain_http(config: &Config) -> Option<String> {
    let public_url = &config.public_url;
    let is_plain = !public_url.is_https() && !public_url.is_loopback();
    (is_plain && config.certificate.is_none()).then(|| {
        format!(
            "AUTHSEAL_PUBLIC_URL is {public_url}: without https, anybody on the network in between \
             can read AuthIDs, cookies and passwords"
        )
    })
}

/// Warns if browsers are told another scheme than the service speaks.
fn certificate_and_scheme(config: &Config) -> Option<String> {
    const HTTPS: u16 = 443;
    let public_url = &config.public_url;
    let port = match config.edge.listen {
        ListenAddress::Tcp(address) => Some(address.port()),
        ListenAddress::Unix(_) | ListenAddress::Systemd => None,
    };
    let has_certificate = config.certificate.is_some();
    if has_certificate && !public_url.is_https() {
        return Some(format!(
            "AUTHSEAL_TLS_CERT is set, so the service speaks https only, but AUTHSEAL_PUBLIC_URL is \
             {public_url}: write https:// there"
        ));
    }
    (!has_certificate && public_url.is_https() && port == Some(HTTPS)).then(|| {
        "AUTHSEAL_LISTEN has the port of https, but no certificate is set, so the service speaks \
         plain http there: set AUTHSEAL_TLS_CERT and AUTHSEAL_TLS_KEY, or put a proxy in front"
            .to_owned()
    })
}

/// Warns of a placeholder, or of a path, in the place of a password.
fn odd_passwords(environment: &Environment) -> impl Iterator<Item = String> {
    let names = ["LOGIN_PASSWORD", "KEYS_PASSPHRASE"];
    names.into_iter().filter_map(|name| {
        let variable = format!("{PREFIX}{name}");
        let value = environment.get(&variable, &mut Vec::new());
        let value = zeroize::Zeroizing::new(value?);
        let reason = odd_values::of_password(&value)?;
        Some(format!("{variable} {reason}"))
    })
}

/// Warns if no request can come from a proxy that is named.
fn proxies_that_cannot_connect(config: &Config) -> Option<String> {
    let proxies = &config.edge.trusted_proxies;
    let warning = match config.edge.listen {
        ListenAddress::Tcp(_) if proxies.come_by_unix_socket() && !proxies.come_by_tcp() => {
            "AUTHSEAL_TRUSTED_PROXIES is unix, but AUTHSEAL_LISTEN is no Unix socket, so no proxy is \
             believed: name the proxy's address, such as 127.0.0.1"
        }
        ListenAddress::Unix(_) if proxies.come_by_tcp() && !proxies.come_by_unix_socket() => {
            "AUTHSEAL_TRUSTED_PROXIES names addresses, but AUTHSEAL_LISTEN is a Unix socket, where \
             nobody has one, so no proxy is believed: name unix"
        }
        ListenAddress::Tcp(address)
            if address.ip().is_loopback()
                && proxies.come_by_tcp()
                && !proxies.come_from_loopback() =>
        {
            "AUTHSEAL_TRUSTED_PROXIES names other machines, but AUTHSEAL_LISTEN takes connections \
             from this one only, so no proxy is believed: name 127.0.0.1, or listen on :8080"
        }
        ListenAddress::Tcp(_) | ListenAddress::Unix(_) | ListenAddress::Systemd => return None,
    };
    Some(warning.to_owned())
}

/// Warns of services that need a store, if there is none.
fn forgotten_at_restart(config: &Config) -> Option<String> {
    let services = config.offer.single_use_services();
    (config.memory.store.is_none() && !services.is_empty()).then(|| {
        format!(
            "{}: the provider accepts each refresh token once, and only this process's memory knows \
             the newest one; after a restart people must log in again, unless AUTHSEAL_STORE_URL \
             names a folder or a Redis that keeps it, such as file:/var/lib/authseal",
            services.join(", ")
        )
    })
}

fn unused_socket(config: &Config, environment: &Environment) -> Option<String> {
    let is_passed = environment.is_set("LISTEN_FDS");
    (is_passed && config.edge.listen != ListenAddress::Systemd).then(|| {
        "systemd passes a socket that is not used: set AUTHSEAL_LISTEN=systemd to listen on it"
            .to_owned()
    })
}

/// Warns of a rule for gates where there is no gate.
fn require_without_gate(config: &Config, environment: &Environment) -> Option<String> {
    (is_set("LOGIN_REQUIRE", environment) && config.login_gates.is_open()).then(|| {
        "AUTHSEAL_LOGIN_REQUIRE is set, but nothing that it could require: anybody may log in. Set \
         AUTHSEAL_LOGIN_NETWORKS, AUTHSEAL_LOGIN_PASSWORD or AUTHSEAL_LOGIN_HEADER"
            .to_owned()
    })
}

/// Warns if requests come from elsewhere, and only proxies on this machine are believed.
/// In a container the host's proxy is elsewhere: requests come from Docker's bridge.
fn proxies_on_loopback_only(config: &Config) -> Option<String> {
    let ListenAddress::Tcp(address) = config.edge.listen else {
        return None;
    };
    let is_open = !address.ip().is_loopback();
    (is_open && config.edge.trusted_proxies.are_on_loopback()).then(|| {
        format!(
            "AUTHSEAL_LISTEN is {address}, but AUTHSEAL_TRUSTED_PROXIES names only this machine: a \
             proxy elsewhere is not believed. In a container, the host's proxy comes from the \
             gateway of the container's network, such as 172.17.0.1: name that"
        )
    })
}

/// Warns if clients are told apart by their address, and all of them seem to have that of a
/// proxy on this machine.
fn proxy_is_not_named(config: &Config) -> Option<String> {
    let is_local = match &config.edge.listen {
        ListenAddress::Tcp(address) => address.ip().is_loopback(),
        ListenAddress::Unix(_) | ListenAddress::Systemd => true,
    };
    let settings = [
        (
            "AUTHSEAL_LOGIN_NETWORKS",
            config.login_gates.networks.is_some(),
        ),
        (
            "AUTHSEAL_AUTHID_NETWORKS",
            !config.new_limits.networks.is_empty(),
        ),
        ("AUTHSEAL_RATE_LIMIT", config.edge.rate_limit.is_some()),
    ];
    let set: Vec<&str> = settings
        .iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(name, _)| *name)
        .collect();
    let by_address = match set.as_slice() {
        [] => return None,
        [name] => format!("{name} goes"),
        names => format!("{} go", names.join(" and ")),
    };
    (is_local && config.edge.trusted_proxies.is_empty()).then(|| {
        format!(
            "{by_address} by the client's address, and only a proxy on this machine can connect: name \
             it in AUTHSEAL_TRUSTED_PROXIES, such as 127.0.0.1 or unix"
        )
    })
}

/// Warns of networks that are wider than they probably should be.
fn wide_networks(config: &Config) -> impl Iterator<Item = String> {
    let login = config.login_gates.networks.as_ref().map(Networks::wide);
    let wide = [
        (
            "TRUSTED_PROXIES",
            config.edge.trusted_proxies.wide(),
            "every machine there is believed when it says where a request comes from. Name only \
             your proxies; behind a CDN, all networks of the CDN and no other",
        ),
        (
            "LOGIN_NETWORKS",
            login.unwrap_or_default(),
            "everybody there may log in. Name narrower networks if you did not mean that",
        ),
        (
            "AUTHID_NETWORKS",
            Networks::from_iter(config.new_limits.networks.iter().copied()).wide(),
            "everybody there can use a copy of an AuthID. Name narrower networks if you did not mean \
             that",
        ),
    ];
    let wide = wide.into_iter().filter(|(_, wide, _)| !wide.is_empty());
    wide.map(|(name, wide, so)| {
        let networks: Vec<String> = wide.iter().map(ToString::to_string).collect();
        let networks = networks.join(", ");
        format!("AUTHSEAL_{name} has wide public networks ({networks}): {so}")
    })
}

/// Warns of services whose logins give no AuthID, so that no limit concerns them.
fn tokens_without_limits(config: &Config) -> Option<String> {
    let services = config.offer.catalog.iter();
    let bare = services.filter(|service| service.provider.refresh_tokens == RefreshTokens::None);
    let names: Vec<&str> = bare.map(|service| service.id.as_str()).collect();
    let has_limits = !config.new_limits.at(UnixTime(0)).is_none();
    (has_limits && !names.is_empty()).then(|| {
        format!(
            "{}: a login gives an access token and no AuthID, so AUTHSEAL_AUTHID_LIFETIME and \
             AUTHSEAL_AUTHID_NETWORKS do not limit it; leave the service out if that matters",
            names.join(", ")
        )
    })
}

/// Warns of a STORE_URL whose password probably stands in the place of the user.
fn user_without_password(config: &Config) -> Option<String> {
    let store = config.memory.store.as_ref()?;
    store.has_user_without_password().then(|| {
        "AUTHSEAL_STORE_URL has a text before the @ and no colon in it, which is taken for the name of \
         a user without a password: write a password alone as redis://:password@host"
            .to_owned()
    })
}

/// Warns of AuthIDs in clear: anybody who reads one has the login's refresh token.
fn authids_in_clear(config: &Config, is_moving_in: bool) -> Option<String> {
    let warning = match (config.old_authids.accept_v2_plain, is_moving_in) {
        (true, _) => {
            "AUTHSEAL_ACCEPT_V2_PLAIN is on: AuthIDs that hold their refresh token in CLEAR are \
             accepted. Renew them at /renew or with authseal import, and switch it off again"
        }
        (false, true) => {
            "AuthIDs that hold their refresh token in clear, as Duplicati's own server makes them, \
             are refused: AUTHSEAL_ACCEPT_V2_PLAIN=true takes them while you move"
        }
        (false, false) => return None,
    };
    Some(warning.to_owned())
}

/// Warns if a passphrase is set but some keys are still stored in clear: setting it does
/// not encrypt keys that exist already.
fn keys_in_clear(config: &Config) -> Option<String> {
    let keyring = &config.keyring;
    let keys = keyring.current();
    let plain: Vec<&str> = keys
        .iter()
        .filter(|key| !keys.is_protected(&key.kid))
        .map(|key| key.kid.as_str())
        .collect();
    (keyring.has_passphrase() && !plain.is_empty()).then(|| {
        format!(
            "AUTHSEAL_KEYS_PASSPHRASE is set, but keys are in clear in {}: {}. Run authseal keys \
             protect; export AUTHSEAL_KEYS again",
            keyring.source(),
            plain.join(", ")
        )
    })
}
