//! Login token of another brand: what a person reads, and the table that would offer it.

use std::fmt;

use crate::provider::{Catalog, LoginMethod, Realm, RealmOwner, Service};

/// A login token that was pasted at the page of another realm, and sent nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherRealm {
    realm: Realm,
    owner: RealmOwnerHere,
    /// Name of the service whose page it is.
    here: String,
    /// The table to add, if no table has the realm.
    table: Option<String>,
}

/// Service that has the realm of a login token, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RealmOwnerHere {
    /// Name of the service to choose instead.
    Offered(String),
    /// Name of the service, and how to offer it.
    Withheld(String, String),
    /// No table has the realm.
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
            RealmOwner::Offered(owner) => RealmOwnerHere::Offered(owner.name.clone()),
            RealmOwner::Withheld(owner) => RealmOwnerHere::Withheld(owner.name, owner.reason),
            RealmOwner::Unknown => RealmOwnerHere::Unknown,
        };
        Some(Self {
            realm: realm.clone(),
            here: service.name.clone(),
            table: (owner == RealmOwnerHere::Unknown).then(|| table(realm, service)),
            owner,
        })
    }

    /// The tables for AUTHSEAL_PROVIDERS that would offer the realm, if none does.
    pub fn table(&self) -> Option<&str> {
        self.table.as_deref()
    }

    /// Name of the service at whose page the token was pasted.
    pub fn here(&self) -> &str {
        &self.here
    }

    /// The service that has the realm.
    pub fn owner(&self) -> &RealmOwnerHere {
        &self.owner
    }

    /// The realm of the token.
    pub fn realm(&self) -> &Realm {
        &self.realm
    }
}

impl std::error::Error for OtherRealm {}

/// The page says more, in its visitor's language.
impl fmt::Display for OtherRealm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "it is of the {}, not of {}",
            self.realm, self.here
        )
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
