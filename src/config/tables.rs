//! providers.toml: the built-in one with the administrator's own laid over it.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use toml::{Table, Value};

use super::{
    environment::Environment,
    fields::{Fields, Places, nearest},
};
use crate::provider::{Endpoint, LoginMethod, Provider, Region, Revocation};

/// A provider, and the names of its credentials, in the order of preference.
pub(super) struct ProviderTable {
    pub(super) provider: Arc<Provider>,
    pub(super) credentials: Vec<String>,
    /// The same for everybody, at some providers.
    pub(super) client_id: Option<String>,
    /// Whether it works without a secret (RFC 6749 section 2.1).
    pub(super) public_client: bool,
}

/// A service that still lacks its credentials.
pub(super) struct ServiceTable {
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) credentials: Option<Vec<String>>,
    pub(super) name: String,
    pub(super) scope: String,
    pub(super) link: Option<url::Url>,
    pub(super) manage_url: Option<url::Url>,
    pub(super) aliases: Vec<String>,
    pub(super) hidden: bool,
}

/// Both kinds of table, in the order of the files.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) providers: BTreeMap<String, ProviderTable>,
    pub(super) services: Vec<ServiceTable>,
}

impl Tables {
    /// Reads the built-in text and the administrator's own, given with its path.
    pub(super) fn read(
        built_in: &str,
        own: Option<&(String, String)>,
        environment: &Environment,
        problems: &mut Vec<String>,
    ) -> Self {
        let mut all = parse("the built-in providers.toml", built_in, problems);
        if let Some((path, text)) = own {
            lay_over(&mut all, parse(path, text, problems), path, problems);
        }
        let mut tables = Self::default();
        for (id, value) in tables_of(&all, "provider", problems) {
            if let Some(provider) = read_provider(&id, &value, environment, problems) {
                tables.providers.insert(id, provider);
            }
        }
        // A provider that could not be read has been complained about already.
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

fn parse(path: &str, text: &str, problems: &mut Vec<String>) -> Table {
    let table: Table = text.parse().unwrap_or_else(|error: toml::de::Error| {
        problems.push(format!("{path} is not TOML: {}", error.to_string().trim()));
        Table::new()
    });
    table
}

/// Key by key within each `[provider.x]` and `[service.x]`.
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
            .expect("the built-in tables are tables");
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

/// The `[<kind>.ID]` tables whose id can be one.
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

/// An id stands between colons in an AuthID, and in links.
fn is_id(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte)
        })
}

fn read_provider(
    id: &str,
    value: &Value,
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Option<ProviderTable> {
    let mut tenant_problems = Vec::new();
    let mut fields = Fields::new(value, format!("[provider.{id}]"), problems);
    let credentials: Option<Vec<String>> = fields.required("credentials");
    let tenant = read_tenant(
        &mut fields,
        credentials.as_deref().unwrap_or_default(),
        environment,
        &mut tenant_problems,
    );
    let region: Option<Region> = fields.optional("region");
    let places = Places {
        tenant,
        region: region.as_ref().map(|region| &region.values),
        insecure_http: fields.optional("insecure_http").unwrap_or(false),
    };

    let name: Option<String> = fields.required("name");
    let login = read_login(&mut fields, &places);
    let token_url = fields.required_endpoint("token_url", &places);
    let revocation = read_revocation(&mut fields, &places);
    let pkce = fields.optional("pkce").unwrap_or(false);
    let refresh_tokens = fields.required("refresh_tokens");
    let client_authentication = fields.optional("client_authentication").unwrap_or_default();
    let client_id = fields.optional("client_id");
    let public_client = fields.optional("public_client").unwrap_or(false);
    let grant_errors = fields.optional("grant_errors").unwrap_or_default();
    let advice = fields.optional("advice").unwrap_or_default();
    let console_url = fields.link("console_url");
    fields.finish();
    problems.extend(tenant_problems);

    Some(ProviderTable {
        credentials: credentials?,
        client_id,
        public_client,
        provider: Arc::new(Provider {
            id: id.to_owned(),
            name: name?,
            login: login?,
            token_url: token_url?,
            revocation,
            pkce,
            refresh_tokens: refresh_tokens?,
            client_authentication,
            region,
            grant_errors,
            advice,
            console_url,
        }),
    })
}

/// From the table, or from the environment under the name of the credentials
/// that it goes with.
fn read_tenant(
    fields: &mut Fields<'_>,
    credentials: &[String],
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Option<String> {
    const WHAT: &str = "must be a directory's id or domain name";
    let in_table: Option<String> = fields.optional("tenant");
    let variables = credentials.iter().map(|name| format!("{name}_TENANT"));
    for variable in variables {
        if let Some(tenant) = environment.get(&variable, problems) {
            if !is_tenant(&tenant) {
                problems.push(format!("{variable} {WHAT}"));
            }
            return Some(tenant);
        }
    }
    let tenant = in_table?;
    if !is_tenant(&tenant) {
        fields.complain("tenant", WHAT);
    }
    Some(tenant)
}

fn read_login(fields: &mut Fields<'_>, places: &Places<'_>) -> Option<LoginMethod> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Method {
        Code,
        LoginToken,
    }
    match fields.optional("login").unwrap_or(Method::Code) {
        Method::Code => Some(LoginMethod::Code {
            params: fields.optional("authorize_params").unwrap_or_default(),
            shown: fields.optional("callback_shown").unwrap_or_default(),
            authorize_url: match fields.required_endpoint("authorize_url", places)? {
                Endpoint::Fixed(url) => url,
                Endpoint::ByRegion(_) => {
                    fields.complain("authorize_url", "cannot depend on the region");
                    return None;
                }
            },
        }),
        Method::LoginToken => Some(LoginMethod::LoginToken {
            token_page: fields.link("login_token_page"),
        }),
    }
}

fn read_revocation(fields: &mut Fields<'_>, places: &Places<'_>) -> Option<Revocation> {
    let method = fields.optional("revoke_with").unwrap_or_default();
    let url = fields.endpoint("revoke_url", places)?;
    Some(Revocation { url, method })
}

fn is_tenant(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
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
