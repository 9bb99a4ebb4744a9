//! The built-in tables that match an entry by its id or its credentials, and the provider
//! table that results if the entry differs from them.

use toml::{Table, Value};

use super::entry::ConfigEntry;
use crate::{environment::Environment, provider::RedirectPath};

/// The built-in provider and service that match an entry best.
#[derive(Default)]
pub(super) struct Family {
    pub(super) provider_id: Option<String>,
    provider: Table,
    pub(super) service: Option<Table>,
    pub(super) client_id: Option<String>,
}

impl Family {
    pub(super) fn of(entry: &ConfigEntry, built_in: &Table) -> Self {
        let tables = |kind: &str| built_in.get(kind).and_then(Value::as_table);
        let (Some(providers), Some(services)) = (tables("provider"), tables("service")) else {
            return Self::default();
        };
        let lists = |table: &Table| {
            let names = table.get("credentials").and_then(Value::as_array);
            names.is_some_and(|names| {
                names
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|name| name == entry.credentials)
            })
        };
        let owner = |service: &Table| {
            let id = service.get("provider")?.as_str()?;
            Some((id.to_owned(), providers.get(id)?.as_table()?.clone()))
        };
        let goes_with = |service: &Table| {
            let of_provider = || owner(service).is_some_and(|(_, provider)| lists(&provider));
            match service.contains_key("credentials") {
                true => lists(service),
                false => of_provider(),
            }
        };
        let services = || {
            services
                .iter()
                .filter_map(|(id, table)| Some((id, table.as_table()?)))
        };
        let same = services().find(|(id, table)| **id == entry.id && goes_with(table));
        let alike = || services().find(|(_, table)| goes_with(table));
        let Some((id, service)) = same.or_else(alike) else {
            return Self::default();
        };
        let Some((provider_id, provider)) = owner(service) else {
            return Self::default();
        };
        let mut service = service.clone();
        if *id != entry.id {
            // Aliases and visibility belong to the built-in service, not to this one.
            service.remove("aliases");
            service.remove("hidden");
        }
        let client_id = provider.get("client_id").and_then(Value::as_str);
        Self {
            client_id: client_id.map(str::to_owned),
            provider_id: Some(provider_id),
            provider,
            service: Some(service),
        }
    }

    pub(super) fn needs_own_provider(&self, entry: &ConfigEntry) -> bool {
        let says = |name: &str, value: &Option<String>| {
            let value = value.as_deref().filter(|value| !value.is_empty());
            value
                .is_some_and(|value| self.provider.get(name).and_then(Value::as_str) != Some(value))
        };
        let is_new = self.provider_id.is_none();
        is_new
            || says("token_url", &entry.token_url)
            || says("authorize_url", &entry.authorize_url)
            || entry
                .extra_query
                .as_ref()
                .is_some_and(|query| !query.is_empty())
            || entry.access_token_only == Some(true) && self.refresh_tokens() != Some("none")
    }

    fn refresh_tokens(&self) -> Option<&str> {
        self.provider.get("refresh_tokens")?.as_str()
    }

    /// Returns the built-in provider with the entry's changes, or a new provider.
    pub(super) fn own_provider(
        &self,
        entry: &ConfigEntry,
        environment: &Environment,
    ) -> Result<Table, &'static str> {
        let mut table = self.provider.clone();
        let is_new = self.provider_id.is_none();
        let mut set = |name: &str, value: Value| table.insert(name.to_owned(), value);
        if is_new {
            set(
                "name",
                entry.name.clone().unwrap_or(entry.id.clone()).into(),
            );
        }
        set("credentials", vec![entry.credentials.clone()].into());
        for (name, value) in [
            ("token_url", &entry.token_url),
            ("authorize_url", &entry.authorize_url),
        ] {
            match value.as_ref().filter(|value| !value.is_empty()) {
                Some(value) => {
                    set(name, environment.expand(value).into());
                }
                None if is_new => return Err("authUrl and loginUrl are missing"),
                None => {}
            }
        }
        if let Some(query) = &entry.extra_query {
            let query = query.trim_start_matches(['&', '?']).as_bytes();
            let pairs: Table = form_urlencoded::parse(query)
                .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
                .collect();
            set("authorize_params", pairs.into());
        }
        if let Some(shown) = entry.shown.as_ref().filter(|shown| !shown.is_empty()) {
            let names: Vec<&str> = shown.split(',').map(str::trim).collect();
            set("callback_shown", names.into());
        }
        if entry.access_token_only == Some(true) {
            set("refresh_tokens", "none".into());
        } else if is_new {
            // The behaviour of a new provider is unknown. `sliding` uses the newest
            // refresh token, or an older one if the newest is not known.
            set("refresh_tokens", "sliding".into());
        }
        if entry.hostname_from_callback == Some(true) && !table.contains_key("region") {
            return Err(
                "useHostnameFromCallback would send the client secret wherever a link says: write \
                 the hosts down with region in AUTHSEAL_PROVIDERS",
            );
        }
        if entry.login_token == Some(true) && is_new {
            return Err("cliToken works for Jottacloud only: see login in AUTHSEAL_PROVIDERS");
        }
        if table.get("login").is_none() {
            // Administrators registered this redirect URI at the provider for
            // oauth-server.
            table.insert("redirect_path".to_owned(), RedirectPath::SHARED.into());
        }
        let authorize_url = |table: &Table| table.get("authorize_url").cloned();
        if authorize_url(&table) != authorize_url(&self.provider) {
            table.remove("issuer");
        }
        let token_url = |table: &Table| table.get("token_url").cloned();
        if token_url(&table) != token_url(&self.provider) {
            // The entry's provider has another token endpoint: its tokens must not be
            // sent to the built-in provider's revocation endpoint.
            table.remove("revoke_url");
        }
        Ok(table)
    }
}
