//! Which services are offered: those that have credentials and are wanted.

use std::sync::Arc;

use super::{
    environment::Environment,
    fields::nearest,
    tables::{ServiceTable, Tables},
};
use crate::{
    provider::{Catalog, Credentials, Provider, Service},
    secret::Secret,
};

/// A known service that is not offered.
#[derive(Debug)]
pub struct Withheld {
    /// Its id.
    pub id: String,
    /// What its button would say.
    pub name: String,
    /// Why, and what would change it.
    pub reason: String,
}

/// What came of the tables and the environment.
#[derive(Debug, Default)]
pub struct Offer {
    /// The services on offer.
    pub catalog: Catalog,
    /// Those that are known but not offered, and why.
    pub withheld: Vec<Withheld>,
}

/// Puts tables, credentials and the wish of AUTHSEAL_SERVICES together.
pub(super) fn assemble(
    built_in: &str,
    own: Option<&(String, String)>,
    wanted: Option<&str>,
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Offer {
    let tables = Tables::read(built_in, own, environment, problems);
    let wanted = wanted.map(|wanted| {
        wanted
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect::<Vec<_>>()
    });
    complain_about_unknown_wishes(&tables, wanted.as_deref().unwrap_or_default(), problems);

    let mut offered = Vec::new();
    let mut withheld = Vec::new();
    for table in &tables.services {
        let Some(owner) = tables.providers.get(&table.provider) else {
            continue;
        };
        let names = table.credentials.as_ref().unwrap_or(&owner.credentials);
        let is_wanted = wanted
            .as_deref()
            .is_none_or(|wanted| wanted.iter().any(|name| is_named(table, names, name)));
        let reason = match find_credentials(names, environment, problems) {
            _ if !is_wanted => "not named in AUTHSEAL_SERVICES".to_owned(),
            Some(credentials) => {
                offered.push(service(table, owner.provider.clone(), credentials));
                continue;
            }
            None => how_to_set(names),
        };
        if is_wanted && wanted.is_some() {
            problems.push(format!("AUTHSEAL_SERVICES wants {}: {reason}", table.id));
        }
        withheld.push(Withheld {
            id: table.id.clone(),
            name: table.name.clone(),
            reason,
        });
    }
    Offer {
        catalog: Catalog::new(offered),
        withheld,
    }
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
        hidden: table.hidden,
        credentials,
    }
}

/// The first credentials that are set win.
fn find_credentials(
    names: &[String],
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Option<Credentials> {
    names.iter().find_map(|name| {
        let id_variable = format!("{name}_CLIENT_ID");
        let secret_variable = format!("{name}_CLIENT_SECRET");
        let client_id = environment.get(&id_variable, problems);
        let client_secret = environment.get(&secret_variable, problems);
        match (client_id, client_secret) {
            (Some(client_id), Some(client_secret)) => Some(Credentials {
                name: name.clone(),
                client_id,
                client_secret: Some(Secret::new(client_secret)),
            }),
            (Some(_), None) => {
                problems.push(format!(
                    "{id_variable} is set, but {secret_variable} is not"
                ));
                None
            }
            (None, Some(_)) => {
                problems.push(format!(
                    "{secret_variable} is set, but {id_variable} is not"
                ));
                None
            }
            (None, None) => None,
        }
    })
}

fn how_to_set(names: &[String]) -> String {
    let name = names.first().map_or("?", String::as_str);
    format!("set {name}_CLIENT_ID and {name}_CLIENT_SECRET")
}

fn is_named(table: &ServiceTable, credentials: &[String], name: &str) -> bool {
    table.id == name
        || table.aliases.iter().any(|alias| alias == name)
        || credentials.iter().any(|credential| credential == name)
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
    for wish in wanted.iter().filter(|wish| !names.contains(wish)) {
        let hint = nearest(wish, names.iter().copied())
            .map(|known| format!("; did you mean {known}?"))
            .unwrap_or_default();
        problems.push(format!(
            "AUTHSEAL_SERVICES names {wish}, which is no service or credential{hint}"
        ));
    }
}
