//! Names of services that are none, and the services that were meant.

use super::{
    fields::nearest,
    misspelt::squashed,
    tables::{ServiceTable, Tables},
};

/// Number of services that a hint names.
const SHOWN: usize = 3;

/// Returns a hint for a name that is neither a service nor a credential, empty if nothing is
/// like it; `None` if the name is known.
pub(super) fn unknown_wish(tables: &Tables, wish: &str) -> Option<String> {
    let names = known_names(tables);
    let is_known = |wish: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wish));
    if is_known(wish) {
        return None;
    }
    let mut parts = wish.split([';', ' ', '\t', '\n', '|', '+', '/']);
    let mut parts_are_known = parts.clone().filter(|part| !part.is_empty()).map(is_known);
    if parts.nth(1).is_some() && parts_are_known.all(|known| known) {
        return Some("; write commas between the names".to_owned());
    }
    let meant = meant(tables, wish);
    let meant = match meant.is_empty() {
        true => nearest(wish, names).into_iter().collect(),
        false => meant,
    };
    Some(match meant.is_empty() {
        true => String::new(),
        false => format!("; did you mean {}?", meant.join(" or ")),
    })
}

fn known_names(tables: &Tables) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for table in &tables.services {
        names.push(&table.id);
        names.extend(table.aliases.iter().map(String::as_str));
        names.extend(table.credentials.iter().flatten().map(String::as_str));
    }
    for table in tables.providers.values() {
        names.extend(table.credentials.iter().map(String::as_str));
    }
    names
}

/// Returns the ids of the services with a button whose title, provider or id is the wish, or
/// else of those that have it as a word of their title or at the start of their id.
fn meant<'t>(tables: &'t Tables, wish: &str) -> Vec<&'t str> {
    let wish = squashed(wish);
    let shown = || tables.services.iter().filter(|table| !table.hidden);
    let provider = |table: &ServiceTable| {
        let owner = tables.providers.get(&table.provider);
        owner.map(|owner| squashed(&owner.provider.name))
    };
    let is_it = |table: &&ServiceTable| {
        [table.id.as_str(), title(table), &table.provider]
            .into_iter()
            .any(|name| squashed(name) == wish)
            || provider(table).is_some_and(|provider| provider == wish)
    };
    let has_it = |table: &&ServiceTable| {
        let mut words = title(table).split(' ');
        words.any(|word| squashed(word) == wish)
            || (wish.len() > SHOWN && squashed(&table.id).starts_with(&wish))
    };
    let first = |found: Vec<&'t ServiceTable>| -> Vec<&'t str> {
        found
            .iter()
            .take(SHOWN)
            .map(|table| table.id.as_str())
            .collect()
    };
    let exact = first(shown().filter(is_it).collect());
    match exact.is_empty() {
        true => first(shown().filter(has_it).collect()),
        false => exact,
    }
}

/// Returns a hint for a service without a button: another with the same title has one, such
/// as OneDrive of today for that of Live Connect. Empty if there is none.
pub(super) fn namesake(tables: &Tables, service: &ServiceTable) -> String {
    let mut others = tables.services.iter();
    let other = others.find(|other| {
        service.hidden
            && !other.hidden
            && other.provider != service.provider
            && title(other) == title(service)
    });
    other.map_or_else(String::new, |other| {
        format!(
            ". It is {}; did you mean {}, which is {}?",
            service.name, other.id, other.name
        )
    })
}

/// Returns the name without what stands in brackets.
fn title(table: &ServiceTable) -> &str {
    let (title, _) = table.name.split_once(" (").unwrap_or((&table.name, ""));
    title
}
