//! Descriptions of the settings in use, in a few words each.

use std::{collections::BTreeMap, net::IpAddr};

use super::report::{RedirectUris, SettingsFacts};
use crate::{
    clock::Clock, config::Config, listen::ListenAddress, provider::RedirectPath,
    store::StoreAddress,
};

pub(super) fn settings(config: &Config, keys_folder: Vec<String>) -> SettingsFacts {
    SettingsFacts {
        public_url: config.public_url.to_string(),
        redirect_uris: redirect_uris(config),
        listen: config.edge.listen.to_string(),
        max_connections: config.edge.max_connections,
        tls: config.certificate.is_some(),
        certificate: config.certificate.as_ref().map(|certificate| {
            let path = certificate.files().chain.display();
            format!("{path}, valid until {}", certificate.not_after())
        }),
        in_the_clear: in_the_clear(config),
        admin_listen: config.admin.listen.to_string(),
        logging_in: logging_in(config),
        keys: keys(config),
        keys_folder,
        store: store(config),
        audit_log: config.audit.as_ref().map(ToString::to_string),
        proxy: config.way_out.proxy.describe(),
    }
}

fn logging_in(config: &Config) -> String {
    let gates = &config.login_gates;
    match gates.is_open() && !config.public_url.is_loopback() {
        true => format!(
            "{gates}. AUTHSEAL_LOGIN_PASSWORD, AUTHSEAL_LOGIN_NETWORKS or AUTHSEAL_LOGIN_HEADER \
             change that"
        ),
        false => gates.to_string(),
    }
}

/// Returns the redirect URI to register at each provider, including those that are not
/// offered yet.
fn redirect_uris(config: &Config) -> RedirectUris {
    let offered = config.offer.catalog.iter();
    let offered = offered.map(|service| &service.provider);
    let withheld = config.offer.withheld.iter();
    let withheld = withheld.map(|service| &service.provider);
    let own = offered
        .chain(withheld)
        .filter_map(|provider| Some((provider.redirect_path()?, provider)))
        .filter(|(path, _)| !path.is_shared())
        .map(|(path, provider)| (config.public_url.join(path.as_str()), provider.name.clone()))
        .collect();
    RedirectUris {
        shared: config.public_url.join(RedirectPath::SHARED),
        own,
    }
}

/// Returns the link by which an administrator consents to each offered service with a
/// button, where its provider has such a link.
pub(super) fn admin_consent(config: &Config) -> BTreeMap<String, String> {
    let services = config.offer.catalog.iter();
    services
        .filter(|service| !service.hidden)
        .filter_map(|service| {
            let path = service.provider.redirect_path()?;
            let link = service.admin_consent(&config.public_url.join(path.as_str()))?;
            Some((service.id.clone(), link.to_string()))
        })
        .collect()
}

/// Says how an AuthID can travel unencrypted. A redirect to https comes too late: the
/// client has sent the AuthID by then.
fn in_the_clear(config: &Config) -> Option<&'static str> {
    if !config.public_url.is_https() && !config.public_url.is_loopback() {
        return Some("AUTHSEAL_PUBLIC_URL is http, so every AuthID travels unencrypted");
    }
    let is_open = match &config.edge.listen {
        ListenAddress::Tcp(address) => is_reachable_from_afar(address.ip()),
        ListenAddress::Unix(_) | ListenAddress::Systemd => false,
    };
    (is_open && config.certificate.is_none()).then_some(
        "a client that is told http:// sends its AuthID unencrypted, also where it is then \
         redirected; write https:// in --oauth-url",
    )
}

fn is_reachable_from_afar(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_private() || v4.is_link_local()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()),
    }
}

fn keys(config: &Config) -> String {
    let keyring = &config.keyring;
    let keys = keyring.current();
    match keys.sealing(Clock::system().now()) {
        Some(key) => format!(
            "{} in {}, sealing with {}; {} in force",
            counted(keys.iter().count(), "key"),
            keyring.source(),
            key.kid,
            counted(keys.revoked_count(), "revocation")
        ),
        None if keyring.condition().is_waiting() => {
            format!("none in {}, which should have some", keyring.source())
        }
        None if keys.is_empty() => {
            format!("none yet in {}; serve makes the first", keyring.source())
        }
        None => format!("none in {} may seal now", keyring.source()),
    }
}

fn store(config: &Config) -> String {
    match &config.memory.store {
        Some(store @ StoreAddress::Redis(_)) => {
            format!("shared, {store}: logins of single-use providers outlive a restart")
        }
        Some(store @ StoreAddress::Folder(_)) => {
            format!("{store}, for one server: logins of single-use providers outlive a restart")
        }
        None => "none: logins of single-use providers end with the server".to_owned(),
    }
}

/// Writes a number with its noun: "1 key", "2 keys".
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
