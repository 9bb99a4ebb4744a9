//! providers.toml: the built-in tables, overridden by the administrator's own.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{
    callbacks::tell_apart,
    fields::{Fields, nearest},
    provider_table::{ProviderTable, read_provider},
};
use crate::{environment::Environment, provider::Rclone};

/// A `[service.ID]` table, before its credentials are found.
pub(super) struct ServiceTable {
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) credentials: Option<Vec<String>>,
    pub(super) name: String,
    pub(super) scope: String,
    pub(super) link: Option<url::Url>,
    pub(super) manage_url: Option<url::Url>,
    pub(super) aliases: Vec<String>,
    pub(super) rclone: Option<Rclone>,
    pub(super) note: Option<String>,
    pub(super) hidden: bool,
}

/// The provider tables by id, and the service tables in the order of the files.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) providers: BTreeMap<String, ProviderTable>,
    pub(super) services: Vec<ServiceTable>,
}

impl Tables {
    /// Reads the layers of tables; later layers override earlier ones. Each layer has the
    /// name of its source, which problems show.
    pub(super) fn read(
        layers: Vec<(String, Table)>,
        environment: &Environment,
        problems: &mut Vec<String>,
    ) -> Self {
        let mut all = Table::new();
        let built_in = layers.first().map(|(_, tables)| tables.clone());
        let built_in = built_in.and_then(|tables| tables.get("provider")?.as_table().cloned());
        let built_in = built_in.unwrap_or_default();
        for (place, tables) in layers {
            lay_over(&mut all, tables, &place, problems);
        }
        let mut tables = Self::default();
        for (id, value) in tables_of(&all, "provider", problems) {
            let is_built_in = built_in.contains_key(&id);
            if let Some(provider) = read_provider(&id, &value, is_built_in, environment, problems) {
                tables.providers.insert(id, provider);
            }
        }
        tell_apart(&mut tables.providers, problems);
        // An unreadable provider has been reported already: no second problem for its
        // services.
        let known: Vec<String> = tables_of(&all, "provider", &mut Vec::new())
            .map(|(id, _)| id)
            .collect();
        for (id, value) in tables_of(&all, "service", problems) {
            tables
                .services
                .extend(read_service(&id, &value, &known, problems));
        }
        complain_about_shared_names(&tables.services, problems);
        tables
    }
}

/// Parses the text of a file; an empty table if it is not TOML.
pub(super) fn parse(path: &str, text: &str, problems: &mut Vec<String>) -> Table {
    let table: Table = text.parse().unwrap_or_else(|error: toml::de::Error| {
        problems.push(format!("{path} is not TOML: {}", error.to_string().trim()));
        Table::new()
    });
    table
}

/// Merges `own` into `all`, key by key within each `[provider.x]` and `[service.x]`.
fn lay_over(all: &mut Table, own: Table, path: &str, problems: &mut Vec<String>) {
    for (kind, entries) in own {
        if kind != "provider" && kind != "service" {
            problems.push(format!(
                "{path}: {kind} is not a known key; write [provider.ID] or [service.ID]"
            ));
            continue;
        }
        let Value::Table(entries) = entries else {
            problems.push(format!("{path}: write [{kind}.ID], not {kind}"));
            continue;
        };
        let below = all
            .entry(kind)
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .expect("only tables are laid over");
        for (id, entry) in entries {
            match (below.get_mut(&id), entry) {
                (Some(Value::Table(below)), Value::Table(entry)) => below.extend(entry),
                (_, entry) => {
                    below.insert(id, entry);
                }
            }
        }
    }
}

/// Returns the `[<kind>.ID]` tables; an invalid id is a problem.
fn tables_of(
    all: &Table,
    kind: &str,
    problems: &mut Vec<String>,
) -> impl Iterator<Item = (String, Value)> + use<> {
    let mut tables = Vec::new();
    for (id, value) in all
        .get(kind)
        .and_then(Value::as_table)
        .into_iter()
        .flatten()
    {
        if is_id(id) {
            tables.push((id.clone(), value.clone()));
        } else {
            problems.push(format!(
                "[{kind}.\"{id}\"]: an id is made of small letters, digits, . - and _"
            ));
        }
    }
    tables.into_iter()
}

/// True if `text` is a valid id. An id stands between colons in an AuthID, and in links.
fn is_id(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte)
        })
}

fn read_service(
    id: &str,
    value: &Value,
    providers: &[String],
    problems: &mut Vec<String>,
) -> Option<ServiceTable> {
    let mut fields = Fields::new(value, format!("[service.{id}]"), problems);
    let provider: Option<String> = fields.required("provider");
    if let Some(provider) = &provider
        && !providers.contains(provider)
    {
        let hint = nearest(provider, providers.iter().map(String::as_str))
            .map(|known| format!("; did you mean \"{known}\"?"))
            .unwrap_or_default();
        fields.complain("provider", &format!("\"{provider}\" is not known{hint}"));
    }
    let credentials = fields.optional("credentials");
    let name = fields.required("name");
    let scope = fields.optional("scope").unwrap_or_default();
    let link = fields.link("link");
    let manage_url = fields.link("manage_url");
    let aliases = fields.optional("aliases").unwrap_or_default();
    let rclone: Option<Rclone> = fields.optional("rclone");
    let holds_nul = |rclone: &Rclone| {
        let options = rclone
            .options
            .iter()
            .flat_map(|(name, value)| [name, value]);
        options
            .chain([&rclone.kind])
            .any(|text| text.contains('\0'))
    };
    if rclone.as_ref().is_some_and(holds_nul) {
        fields.complain("rclone", "holds a NUL, which no command can");
    }
    let note = fields.optional("note");
    let hidden = fields.optional("hidden").unwrap_or(false);
    fields.finish();
    Some(ServiceTable {
        id: id.to_owned(),
        provider: provider?,
        credentials,
        name: name?,
        scope,
        link,
        manage_url,
        aliases,
        rclone,
        note,
        hidden,
    })
}

fn complain_about_shared_names(services: &[ServiceTable], problems: &mut Vec<String>) {
    for service in services {
        for alias in &service.aliases {
            let owner = services.iter().find(|other| {
                other.id == *alias || (other.id < service.id && other.aliases.contains(alias))
            });
            if let Some(owner) = owner {
                problems.push(format!(
                    "[service.{}]: the alias {alias} belongs to [service.{}]",
                    service.id, owner.id
                ));
            }
        }
    }
}
