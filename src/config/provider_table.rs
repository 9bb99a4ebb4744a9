//! Reads one `[provider.ID]` table.

use std::sync::Arc;

use serde::Deserialize;
use toml::Value;

use super::{
    credential_forms::{Form, is_guid},
    fields::{Fields, Places},
    redirect_rules::RefusedUri,
};
use crate::{
    environment::Environment,
    provider::{
        EndpointUrl, Issuers, LoginMethod, Provider, Realm, RedirectPath, Region,
        RevocationEndpoint,
    },
};

/// A provider, and the names of its credentials, the preferred one first.
pub(super) struct ProviderTable {
    pub(super) provider: Arc<Provider>,
    pub(super) credentials: Vec<String>,
    /// A client id that is the same for everybody, which some providers have.
    pub(super) client_id: Option<String>,
    /// The form of the provider's client ids; `None` if nothing is known about it.
    pub(super) client_id_form: Option<Form>,
    /// The form of the provider's client secrets.
    pub(super) client_secret_form: Option<Form>,
    /// A warning about the tenant.
    pub(super) odd_tenant: Option<String>,
    /// The tenant, with the name of the variable or key that gives it.
    pub(super) tenant: Option<(String, String)>,
    /// True if the client has no secret (RFC 6749 section 2.1).
    pub(super) public_client: bool,
    /// True if `<credentials>_TENANT` is read.
    pub(super) has_tenant: bool,
    /// Redirect URIs that nobody can register at the provider.
    pub(super) redirect_refuses: Vec<RefusedUri>,
}

/// Reads the table. Returns `None` if it cannot be used, with the reasons in `problems`.
pub(super) fn read_provider(
    id: &str,
    value: &Value,
    is_built_in: bool,
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Option<ProviderTable> {
    let mut tenant_problems = Vec::new();
    let mut fields = Fields::new(value, format!("[provider.{id}]"), problems);
    let credentials: Option<Vec<String>> = fields.required("credentials");
    let tenant = read_tenant(
        id,
        &mut fields,
        credentials.as_deref().unwrap_or_default(),
        environment,
        &mut tenant_problems,
    );
    let tenant_words: Option<Vec<String>> = fields.optional("tenant_words");
    let odd_tenant = tenant
        .as_ref()
        .filter(|(_, tenant)| tenant_words.is_some_and(|words| is_odd_tenant(tenant, &words)))
        .map(|(place, _)| {
            format!("{place} is no directory's id (a GUID) and no domain name: logins will fail")
        });
    let region: Option<Region> = fields.optional("region");
    let places = Places {
        tenant: tenant.as_ref().map(|(_, tenant)| tenant.clone()),
        region: region.as_ref().map(|region| &region.values),
        insecure_http: fields.optional("insecure_http").unwrap_or(false),
    };

    let name: Option<String> = fields.required("name");
    // Users have registered the shared redirect path at the older built-in providers.
    // New ones set `redirect_path` in their tables.
    let usual_path = match is_built_in {
        true => RedirectPath::parse(RedirectPath::SHARED),
        false => RedirectPath::of(id),
    };
    let login = read_login(&mut fields, &places, usual_path);
    let token_url = fields.required_endpoint("token_url", &places);
    let revocation = read_revocation(&mut fields, &places);
    let pkce = fields.optional("pkce").unwrap_or(false);
    let refresh_tokens = fields.required("refresh_tokens");
    let idle_days = fields.optional("idle_days");
    let client_authentication = fields.optional("client_authentication").unwrap_or_default();
    let client_id = fields.optional("client_id");
    let client_id_form = fields.optional("client_id_form");
    let client_secret_form = fields.optional("client_secret_form");
    let public_client = fields.optional("public_client").unwrap_or(false);
    let grant_errors = fields.optional("grant_errors").unwrap_or_default();
    let other_client_errors = fields.optional("other_client_errors").unwrap_or_default();
    let account_members = fields.optional("account_members").unwrap_or_default();
    let advice = fields.optional("advice").unwrap_or_default();
    let compare_scope = fields.optional("compare_scope").unwrap_or(true);
    let wider_scopes = fields.optional("wider_scopes").unwrap_or_default();
    let console_url = fields.link("console_url");
    let admin_consent = fields.admin_consent(&places);
    let redirect_refuses = fields.optional("redirect_refuses").unwrap_or_default();
    fields.finish();
    problems.extend(tenant_problems);

    Some(ProviderTable {
        credentials: credentials?,
        client_id,
        client_id_form,
        client_secret_form,
        odd_tenant,
        tenant,
        public_client,
        has_tenant: places.has_tenant(),
        redirect_refuses,
        provider: Arc::new(Provider {
            id: id.to_owned(),
            name: name?,
            login: login?,
            token_url: token_url?,
            revocation,
            pkce,
            refresh_tokens: refresh_tokens?,
            idle_days,
            client_authentication,
            region,
            grant_errors,
            other_client_errors,
            account_members,
            advice,
            compare_scope,
            wider_scopes,
            console_url,
            admin_consent,
        }),
    })
}

/// Reads the tenant from `<credentials>_TENANT` in the environment, or else from the
/// table, and returns it with the name of the variable or key.
fn read_tenant(
    id: &str,
    fields: &mut Fields<'_>,
    credentials: &[String],
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Option<(String, String)> {
    const WHAT: &str =
        "must be a directory's id or domain name, without braces, quotes or https://";
    let in_table: Option<String> = fields.optional("tenant");
    let variables = credentials.iter().map(|name| format!("{name}_TENANT"));
    for variable in variables {
        if let Some(tenant) = environment.get(&variable, problems) {
            let tenant = tenant.trim();
            if is_tenant(tenant) {
                return Some((variable, tenant.to_owned()));
            }
            problems.push(format!("{variable} {WHAT}"));
        }
    }
    let tenant = in_table?;
    let place = format!("[provider.{id}]: tenant");
    if is_tenant(&tenant) {
        return Some((place, tenant));
    }
    fields.complain("tenant", WHAT);
    // In the place of the wrong one, so that no other key is blamed.
    Some((place, "common".to_owned()))
}

fn read_login(
    fields: &mut Fields<'_>,
    places: &Places<'_>,
    usual_path: Option<RedirectPath>,
) -> Option<LoginMethod> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Method {
        Code,
        LoginToken,
    }
    match fields.optional("login").unwrap_or(Method::Code) {
        Method::Code => Some(LoginMethod::Code {
            params: fields.optional("authorize_params").unwrap_or_default(),
            other_account_params: fields.optional("other_account_params").unwrap_or_default(),
            shown: fields.optional("callback_shown").unwrap_or_default(),
            issuers: Issuers {
                own: fields.issuer("issuer", places),
                others: Vec::new(),
            },
            redirect_path: read_redirect_path(fields, usual_path)?,
            authorize_url: match fields.required_endpoint("authorize_url", places)? {
                EndpointUrl::Fixed(url) => url,
                EndpointUrl::ByRegion(_) => {
                    fields.complain("authorize_url", "cannot depend on the region");
                    return None;
                }
            },
        }),
        Method::LoginToken => Some(LoginMethod::LoginToken {
            token_page: fields.link("login_token_page"),
            realm: read_realm(fields)?,
        }),
    }
}

fn read_realm(fields: &mut Fields<'_>) -> Option<Realm> {
    let name: Option<String> = fields.required("login_token_realm");
    let host: Option<String> = fields.required("login_token_host");
    let (name, host) = (name?, host?);
    let realm = Realm::new(&name, &host);
    if realm.is_none() {
        fields.complain(
            "login_token_realm",
            "and login_token_host must be the realm and the host that the provider's login \
             tokens name, such as \"jottacloud\" and \"id.jottacloud.com\"",
        );
    }
    realm
}

fn read_redirect_path(
    fields: &mut Fields<'_>,
    usual: Option<RedirectPath>,
) -> Option<RedirectPath> {
    let text: Option<String> = fields.optional("redirect_path");
    let path = match text {
        Some(text) => RedirectPath::parse(&text),
        None => usual,
    };
    if path.is_none() {
        fields.complain(
            "redirect_path",
            "must be /logged-in, or /logged-in/ and a name of letters, digits, . - and _",
        );
    }
    path
}

fn read_revocation(fields: &mut Fields<'_>, places: &Places<'_>) -> Option<RevocationEndpoint> {
    let method = fields.optional("revoke_with").unwrap_or_default();
    let url = fields.endpoint("revoke_url", places)?;
    Some(RevocationEndpoint { url, method })
}

fn is_odd_tenant(tenant: &str, words: &[String]) -> bool {
    let is_word = words.iter().any(|word| word.eq_ignore_ascii_case(tenant));
    !is_word && !is_guid(tenant) && !tenant.contains('.')
}

fn is_tenant(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
}
