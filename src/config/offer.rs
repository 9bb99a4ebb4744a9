//! Selects the services to offer: those that have credentials and are wanted.

use std::sync::Arc;

use super::{
    provider_table::ProviderTable,
    service_names::{namesake, unknown_wish},
    tables::{ServiceTable, Tables},
};
use crate::{
    environment::Environment,
    provider::{Catalog, Credentials, Provider, RefreshTokens, Service, Withheld},
    secret::Secret,
};

/// The result of combining the tables with the environment.
#[derive(Debug, Default)]
pub struct Offer {
    /// The services that are offered.
    pub catalog: Catalog,
    /// The services that are known but not offered, each with the reason.
    pub withheld: Vec<Withheld>,
}

impl Offer {
    /// Returns the ids of offered services whose provider accepts each refresh token only
    /// once.
    pub(super) fn single_use_services(&self) -> Vec<&str> {
        let services = self.catalog.iter();
        services
            .filter(|service| service.provider.refresh_tokens == RefreshTokens::SingleUse)
            .map(|service| service.id.as_str())
            .collect()
    }
}

const OURS: &str = "AUTHSEAL_SERVICES";
const THEIRS: &str = "SERVICES";

/// The services that the administrator names, by their ids or the names of their
/// credentials.
pub(super) struct Wish {
    names: Option<Vec<String>>,
    /// The variable that names the services. SERVICES of Duplicati's own server skips
    /// services that cannot be offered; in AUTHSEAL_SERVICES they are an error.
    variable: &'static str,
}

impl Wish {
    /// Reads the value of AUTHSEAL_SERVICES, or else of SERVICES.
    pub(super) fn of(ours: Option<String>, theirs: Option<String>) -> Self {
        let names = |list: String| {
            let names = list.split(',').map(str::trim);
            let names = names.filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        Self {
            variable: match theirs {
                Some(_) => THEIRS,
                None => OURS,
            },
            names: ours.or(theirs).map(names),
        }
    }

    fn is_strict(&self) -> bool {
        self.variable == OURS
    }

    /// Returns whether the service is named; `None` if neither variable is set. In
    /// SERVICES, the name of credentials stands for the services that had it in
    /// Duplicati's own server: those that have it as their first.
    fn includes(&self, table: &ServiceTable, credentials: &[String]) -> Option<bool> {
        let names = self.names.as_ref()?;
        let usual = match self.is_strict() {
            true => credentials.len(),
            false => 1,
        };
        let ids = [&table.id].into_iter().chain(&table.aliases);
        // An entry of CONFIGFILE with its own credentials has their name before an @.
        let named = credentials.iter().take(usual);
        let named = named.map(|name| name.split('@').next().unwrap_or(name));
        let mut known = ids.map(String::as_str).chain(named);
        Some(known.any(|known| names.iter().any(|name| known.eq_ignore_ascii_case(name))))
    }
}

/// Combines tables, credentials and the administrator's choice of services.
pub(super) fn assemble(
    tables: &Tables,
    wish: &Wish,
    environment: &Environment,
    problems: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> Offer {
    let mut unmet = unknown_wishes(tables, wish);
    let mut offer = Offer::default();
    let mut offered = Vec::new();
    for table in &tables.services {
        let Some(owner) = tables.providers.get(&table.provider) else {
            continue;
        };
        let names = table.credentials.as_ref().unwrap_or(&owner.credentials);
        let is_wanted = wish.includes(table, names);
        let credentials =
            find_credentials(owner, names, is_wanted == Some(true), environment, problems);
        let reason = match (is_wanted, credentials) {
            (Some(false), _) => format!("not named in {}", wish.variable),
            (_, Some(credentials)) => {
                offered.push(service(table, owner.provider.clone(), credentials));
                continue;
            }
            (_, None) => how_to_offer(owner, names),
        };
        if is_wanted == Some(true) {
            let hint = namesake(tables, table);
            unmet.push(format!(
                "{} wants {}: {reason}{hint}",
                wish.variable, table.id
            ));
        }
        offer.withheld.push(Withheld {
            id: table.id.clone(),
            name: table.name.clone(),
            provider: owner.provider.clone(),
            reason,
        });
    }
    offer.catalog = Catalog::new(offered).with_withheld(&offer.withheld);
    match wish.is_strict() {
        true => problems.extend(unmet),
        false => notes.extend(unmet),
    }
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
        note: table.note.clone(),
        hidden: table.hidden,
        credentials,
    }
}

/// Returns the first credentials that are set. A public client whose client id is the
/// same for everybody needs no variable: naming its service is enough.
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
            // An unreadable value is reported already; do not report the pair as half set
            // too.
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

/// Reads one credential, without blanks around it. Refuses quotes at its ends and control
/// characters anywhere: no provider's credentials have them, but env files that are quoted
/// for a shell or saved on Windows do, and files with more than one line.
fn credential(
    variable: &str,
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Option<String> {
    let value = environment.get(variable, problems)?;
    let is_quote = |char: char| "\"'`\u{2018}\u{2019}\u{201c}\u{201d}".contains(char);
    if value.starts_with(is_quote) || value.ends_with(is_quote) || ends_in_control(&value) {
        problems.push(format!(
            "{variable} begins or ends with a quote or a control character; write the bare value"
        ));
        return None;
    }
    if value.contains(char::is_control) {
        problems.push(format!(
            "{variable} has more than one line, or a control character in it; give the value alone"
        ));
        return None;
    }
    let value = value.trim();
    if value.is_empty() {
        problems.push(format!(
            "{variable} holds only blanks; give it a value, or remove it"
        ));
        return None;
    }
    Some(value.to_owned())
}

fn ends_in_control(text: &str) -> bool {
    text.starts_with(char::is_control) || text.ends_with(char::is_control)
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

fn unknown_wishes(tables: &Tables, wish: &Wish) -> Vec<String> {
    let names = wish.names.iter().flatten();
    let unknown = names.filter_map(|name| Some((name, unknown_wish(tables, name)?)));
    let variable = wish.variable;
    unknown
        .map(|(name, hint)| {
            format!("{variable} names {name}, which is no service or credential{hint}")
        })
        .collect()
}
