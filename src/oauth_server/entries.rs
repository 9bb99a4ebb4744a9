//! Reads config.json: an array of services, each of which changes a built-in one or adds
//! a new one.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::{
    entry::ConfigEntry,
    family::Family,
    source::{content, read_json},
    translation::Translated,
};

const VARIABLE: &str = "CONFIGFILE";
const CALLBACK: &str = "OAUTH_CALLBACK_URI";

impl Translated {
    /// Converts the entries of CONFIGFILE to provider and service tables.
    pub(super) fn entries(&mut self, built_in: &Table, problems: &mut Vec<String>) {
        let Some(data) = content(VARIABLE, &self.environment, problems) else {
            return;
        };
        if let Some(public_url) = self.environment.get("AUTHSEAL_PUBLIC_URL", &mut Vec::new()) {
            let callback = format!("{}/logged-in", public_url.trim_end_matches('/'));
            self.environment.define(CALLBACK, &callback);
        }
        match read(&data) {
            Ok(entries) => {
                let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
                self.notes.push(format!(
                    "{VARIABLE} gives the services {}; AUTHSEAL_PROVIDERS is how authseal says \
                     it, and docs/providers/own.md how to write it",
                    ids.join(", ")
                ));
                let mut seen = HashSet::new();
                for entry in &entries {
                    // The first one counts, as in oauth-server.
                    if seen.insert(&entry.id) {
                        self.entry(entry, built_in, problems);
                    } else {
                        self.notes.push(format!(
                            "{VARIABLE}: {}: stands there twice; the first one counts",
                            entry.id
                        ));
                    }
                }
            }
            Err(problem) => problems.push(format!("what {VARIABLE} names {problem}")),
        }
    }

    fn entry(&mut self, entry: &ConfigEntry, built_in: &Table, problems: &mut Vec<String>) {
        let mut complain = |what: &str| problems.push(format!("{VARIABLE}: {}: {what}", entry.id));
        let family = Family::of(entry, built_in);
        let mut service = family.service.clone().unwrap_or_default();
        let mut provider = family.provider_id.clone();
        if family.needs_own_provider(entry) {
            match family.own_provider(entry, &self.environment) {
                Ok(table) => {
                    let id = own_id(&entry.id, built_in);
                    insert(&mut self.tables, "provider", &id, table);
                    provider = Some(id);
                }
                Err(what) => return complain(what),
            }
        }
        let Some(provider) = provider else {
            return complain("authUrl and loginUrl are missing, and serviceId is none of ours");
        };
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                service.insert(name.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| {
            let text = text.as_ref().filter(|text| !text.is_empty())?;
            Some(Value::from(self.environment.expand(text)))
        };
        set("provider", Some(provider.into()));
        set("name", text(&entry.name));
        set("scope", text(&entry.scope));
        set("link", text(&entry.link));
        set("manage_url", text(&entry.manage_url));
        // In oauth-server, a service in the file has a button unless it says otherwise.
        set("hidden", Some(entry.hidden.unwrap_or(false).into()));
        service.entry("name").or_insert(entry.id.clone().into());
        let credentials = match self.credentials(entry, &family) {
            Ok(credentials) => credentials,
            Err(what) => {
                problems.push(format!("{VARIABLE}: {}: {what}", entry.id));
                return;
            }
        };
        service.insert("credentials".to_owned(), vec![credentials].into());
        insert(&mut self.tables, "service", &entry.id, service);
        if let Some(redirect_uri) = &entry.redirect_uri
            && self.environment.expand(redirect_uri)
                != self.environment.expand(&format!("%{CALLBACK}%"))
        {
            self.notes.push(format!(
                "{VARIABLE}: {}: redirectUri is not used: it is always AUTHSEAL_PUBLIC_URL with \
                 /logged-in behind it",
                entry.id
            ));
        }
    }

    /// Returns the name of the credentials; a new name, with its own variables, if the
    /// entry has its own credentials.
    fn credentials(
        &mut self,
        entry: &ConfigEntry,
        family: &Family,
    ) -> Result<String, &'static str> {
        let parts = [("ID", &entry.client_id), ("SECRET", &entry.client_secret)];
        let [id, secret] = parts.map(|(part, value)| {
            let usual = format!("%{}_CLIENT_{part}%", entry.credentials);
            let value = value.clone().filter(|value| !value.is_empty());
            let is_usual = value.as_ref().is_none_or(|value| {
                *value == usual || Some(value.as_str()) == family.client_id.as_deref()
            });
            let expanded = self.environment.expand(&value.unwrap_or(usual));
            // A placeholder without a value stays as it is: the credential is not set.
            let is_set = !(expanded.starts_with('%') && expanded.ends_with('%'));
            (is_usual, is_set.then_some(expanded))
        });
        match (id, secret) {
            ((true, _), (true, _)) => Ok(entry.credentials.clone()),
            ((_, Some(id)), (_, Some(secret))) => {
                let name = format!("{}@{}", entry.credentials, entry.id);
                self.environment.set(&format!("{name}_CLIENT_ID"), id);
                self.environment
                    .set(&format!("{name}_CLIENT_SECRET"), secret);
                Ok(name)
            }
            // Neither is set, so the service will not be offered.
            ((_, None), (_, None)) => Ok(entry.credentials.clone()),
            _ => Err("of clientId and clientSecret only one has a value"),
        }
    }
}

fn read(data: &[u8]) -> Result<Vec<ConfigEntry>, String> {
    let objects: Vec<Map<String, Json>> = read_json(data, "a JSON array of objects")?;
    let mut entries = Vec::new();
    for (index, object) in objects.into_iter().enumerate() {
        let small: Map<String, Json> = object
            .into_iter()
            .map(|(key, value)| (key.to_lowercase(), value))
            .collect();
        let id = small
            .get("id")
            .and_then(Json::as_str)
            .unwrap_or("")
            .to_owned();
        // The error of serde is left out, because it could show a secret.
        let entry = ConfigEntry::deserialize(Json::Object(small)).map_err(|_| {
            format!(
                "has an entry ({}, {id:?}) that lacks id or serviceId, or has a text where true or \
                 false belongs or the other way round",
                index + 1
            )
        })?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Returns an id for an entry's own provider that no built-in provider has: services of a
/// built-in provider must not send requests to the entry's endpoints.
fn own_id(id: &str, built_in: &Table) -> String {
    let built_in = built_in.get("provider").and_then(Value::as_table);
    let is_taken = |id: &str| built_in.is_some_and(|providers| providers.contains_key(id));
    let mut own = id.to_owned();
    while is_taken(&own) {
        own.push('_');
    }
    own
}

fn insert(tables: &mut Table, kind: &str, id: &str, table: Table) {
    let tables = tables
        .entry(kind)
        .or_insert_with(|| Table::new().into())
        .as_table_mut()
        .expect("only tables are put there");
    tables.insert(id.to_owned(), table.into());
}
