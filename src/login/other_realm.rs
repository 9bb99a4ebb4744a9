//! Login token of another brand: what a person reads, and the table that would offer it.

use std::fmt;

use crate::provider::{Catalog, LoginMethod, Realm, RealmOwner, Service};

/// A login token that was pasted at the page of another realm, and sent nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherRealm {
    realm: Realm,
    owner: Owner,
    /// Name of the service whose page it is.
    here: String,
    /// The table to add, if no table has the realm.
    table: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    /// Name of the service to choose instead.
    Offered(String),
    /// Name of the service, and how to offer it.
    Withheld(String, String),
    Unknown,
}

impl OtherRealm {
    /// Describes a token of `realm` that was pasted at the page of `service`. `None` if it
    /// is good there.
    pub(super) fn find(realm: &Realm, service: &Service, catalog: &Catalog) -> Option<Self> {
        match &service.provider.login {
            LoginMethod::LoginToken { realm: own, .. } if own == realm => return None,
            _ => {}
        }
        let owner = match catalog.owner_of(realm) {
            RealmOwner::Offered(owner) => Owner::Offered(owner.name.clone()),
            RealmOwner::Withheld(owner) => Owner::Withheld(owner.name, owner.reason),
            RealmOwner::Unknown => Owner::Unknown,
        };
        Some(Self {
            realm: realm.clone(),
            here: service.name.clone(),
            table: (owner == Owner::Unknown).then(|| table(realm, service)),
            owner,
        })
    }

    /// The tables for AUTHSEAL_PROVIDERS that would offer the realm, if none does.
    pub fn table(&self) -> Option<&str> {
        self.table.as_deref()
    }

    /// The realm of the token.
    pub fn realm(&self) -> &Realm {
        &self.realm
    }
}

impl std::error::Error for OtherRealm {}

impl fmt::Display for OtherRealm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { realm, here, .. } = self;
        const STILL_GOOD: &str = "It was sent nowhere, so it is still good";
        match &self.owner {
            Owner::Offered(name) => write!(
                formatter,
                "this token is of {name} ({realm}), and this page is for {here}. {STILL_GOOD}: \
                 choose {name} on the start page, and paste it there"
            ),
            Owner::Withheld(name, how) => write!(
                formatter,
                "this token is of {name} ({realm}), which this server does not offer yet. \
                 {STILL_GOOD}. The administrator can offer {name}: {how}"
            ),
            Owner::Unknown => write!(
                formatter,
                "this token is not of {here}: it is of the {realm}, which this server does not \
                 know. {STILL_GOOD}. If that is where the account is, the administrator can add \
                 the table below. Check the host before: logins are sent there"
            ),
        }
    }
}

/// Makes the tables of a realm that no table has, like those of `service`. A realm has
/// only letters, digits and `.-_`, so nothing in it can end a TOML string.
fn table(realm: &Realm, service: &Service) -> String {
    let (name, host) = (realm.name(), realm.host());
    // Short enough for an id, and unlike the ids of the built-in tables.
    let short: String = name.chars().take(24).collect();
    let id = format!("brand-{}", short.to_ascii_lowercase());
    let credentials = id.to_ascii_uppercase().replace(['-', '.'], "_");
    let client_id = &service.credentials.client_id;
    let scope = &service.scope;
    format!(
        r#"[provider."{id}"]
name              = "{name}"
credentials       = ["{credentials}"]
client_id         = "{client_id}"
public_client     = true
login             = "login-token"
login_token_realm = "{name}"
login_token_host  = "{host}"
token_url         = "https://{host}/auth/realms/{name}/protocol/openid-connect/token"
revoke_url        = "https://{host}/auth/realms/{name}/protocol/openid-connect/revoke"
refresh_tokens    = "single-use"

[service."{id}"]
provider = "{id}"
name     = "{name}"
scope    = "{scope}"

# Then set {credentials}_CLIENT_ID={client_id}
"#
    )
}
