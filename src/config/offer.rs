//! Which services are offered: those that have credentials and are wanted.

use std::sync::Arc;

use super::{
    environment::Environment,
    fields::nearest,
    provider_table::ProviderTable,
    tables::{ServiceTable, Tables},
};
use crate::{
    provider::{Catalog, Credentials, Provider, RefreshTokens, Service, Withheld},
    secret::Secret,
};

/// What came of the tables and the environment.
#[derive(Debug, Default)]
pub struct Offer {
    /// The services on offer.
    pub catalog: Catalog,
    /// Those that are known but not offered, and why.
    pub withheld: Vec<Withheld>,
}

impl Offer {
    /// Ids of the offered services whose provider accepts a refresh token once.
    pub(super) fn single_use_services(&self) -> Vec<&str> {
        let services = self.catalog.iter();
        services
            .filter(|service| service.provider.refresh_tokens == RefreshTokens::SingleUse)
            .map(|service| service.id.as_str())
            .collect()
    }
}

/// Puts tables, credentials and the wish of AUTHSEAL_SERVICES together. What cannot be
/// had of the wish goes to `unmet`.
pub(super) fn assemble(
    tables: &Tables,
    wanted: Option<&str>,
    environment: &Environment,
    problems: &mut Vec<String>,
    unmet: &mut Vec<String>,
) -> Offer {
    let wanted = wanted.map(|wanted| {
        wanted
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect::<Vec<_>>()
    });
    complain_about_unknown_wishes(tables, wanted.as_deref().unwrap_or_default(), unmet);

    let mut offer = Offer::default();
    let mut offered = Vec::new();
    for table in &tables.services {
        let Some(owner) = tables.providers.get(&table.provider) else {
            continue;
        };
        let names = table.credentials.as_ref().unwrap_or(&owner.credentials);
        let wish = wanted
            .as_deref()
            .map(|wanted| wanted.iter().any(|name| is_named(table, names, name)));
        let credentials = find_credentials(owner, names, wish == Some(true), environment, problems);
        let reason = match (wish, credentials) {
            (Some(false), _) => "not named in AUTHSEAL_SERVICES".to_owned(),
            (_, Some(credentials)) => {
                offered.push(service(table, owner.provider.clone(), credentials));
                continue;
            }
            (_, None) => how_to_offer(owner, names),
        };
        if wish == Some(true) {
            unmet.push(format!("AUTHSEAL_SERVICES wants {}: {reason}", table.id));
        }
        offer.withheld.push(Withheld {
            id: table.id.clone(),
            name: table.name.clone(),
            provider: owner.provider.clone(),
            reason,
        });
    }
    offer.catalog = Catalog::new(offered);
    offer
}

fn service(table: &ServiceTable, provider: Arc<Provider>, credentials: Credentials) -> Service {
    Service {
        id: table.id.clone(),
        provider,
        name: table.name.clone(),
        scope: table.scope.clone(),
        link: table.link.clone(),
        manage_url: table.manage_url.clone(),
        aliases: table.aliases.clone(),
        rclone: table.rclone.clone(),
        hidden: table.hidden,
        credentials,
    }
}

/// The first credentials that are set win. A provider whose client id is the same
/// for everybody needs no variable, only the wish.
fn find_credentials(
    owner: &ProviderTable,
    names: &[String],
    is_wished: bool,
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Option<Credentials> {
    for name in names {
        let (id_variable, secret_variable) = variables(name);
        let before = problems.len();
        let client_id = credential(&id_variable, environment, problems);
        let client_secret = credential(&secret_variable, environment, problems);
        if problems.len() > before {
            // Half of a pair that could not be read is no half that is not set.
            return None;
        }
        match (client_id.or(owner.client_id.clone()), client_secret) {
            (Some(client_id), Some(client_secret)) => {
                return Some(Credentials {
                    name: name.clone(),
                    client_id,
                    client_secret: Some(Secret::new(client_secret)),
                });
            }
            (Some(client_id), None) if owner.public_client => {
                if is_wished || environment.is_set(&id_variable) {
                    return Some(Credentials {
                        name: name.clone(),
                        client_id,
                        client_secret: None,
                    });
                }
            }
            (Some(_), None) if environment.is_set(&id_variable) => {
                problems.push(format!(
                    "{id_variable} is set, but {secret_variable} is not"
                ));
            }
            (None, Some(_)) => {
                problems.push(format!(
                    "{secret_variable} is set, but {id_variable} is not"
                ));
            }
            (Some(_) | None, None) => {}
        }
    }
    None
}

/// No provider's credentials have quotes around them or control characters in
/// them; env files that are quoted for a shell, or saved by Windows, do.
fn credential(
    variable: &str,
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Option<String> {
    let value = environment.get(variable, problems)?;
    let is_odd = |char: char| char.is_control() || char == '"' || char == '\'';
    if value.starts_with(is_odd) || value.ends_with(is_odd) {
        problems.push(format!(
            "{variable} begins or ends with a quote or a control character; write the bare value"
        ));
        return None;
    }
    Some(value)
}

fn variables(name: &str) -> (String, String) {
    (format!("{name}_CLIENT_ID"), format!("{name}_CLIENT_SECRET"))
}

fn how_to_offer(owner: &ProviderTable, names: &[String]) -> String {
    let (id, secret) = variables(names.first().map_or("?", String::as_str));
    match &owner.client_id {
        Some(client_id) if owner.public_client => {
            format!("set {id}={client_id} (the same for everybody, with no secret)")
        }
        _ => format!("set {id} and {secret}"),
    }
}

fn is_named(table: &ServiceTable, credentials: &[String], name: &str) -> bool {
    let mut names = [&table.id]
        .into_iter()
        .chain(&table.aliases)
        .chain(credentials);
    names.any(|known| known.eq_ignore_ascii_case(name))
}

fn complain_about_unknown_wishes(tables: &Tables, wanted: &[&str], problems: &mut Vec<String>) {
    let mut names: Vec<&str> = Vec::new();
    for table in &tables.services {
        names.push(&table.id);
        names.extend(table.aliases.iter().map(String::as_str));
        names.extend(table.credentials.iter().flatten().map(String::as_str));
    }
    for table in tables.providers.values() {
        names.extend(table.credentials.iter().map(String::as_str));
    }
    let is_known = |wish: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wish));
    for wish in wanted.iter().filter(|wish| !is_known(wish)) {
        let hint = nearest(wish, names.iter().copied())
            .map(|known| format!("; did you mean {known}?"))
            .unwrap_or_default();
        problems.push(format!(
            "AUTHSEAL_SERVICES names {wish}, which is no service or credential{hint}"
        ));
    }
}
