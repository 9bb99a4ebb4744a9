//! The tables of providers.toml, checked: nothing here can be wrong any more.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use url::Url;

use super::{Issuers, Realm, RedirectPath};
use crate::secret::Secret;

/// One OAuth application at one provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its id in providers.toml.
    pub id: String,
    /// Name as people know it.
    pub name: String,
    /// Login method.
    pub login: LoginMethod,
    /// Token endpoint (RFC 6749 section 3.2).
    pub token_url: Endpoint,
    /// Revocation of a grant, if the provider supports it.
    pub revocation: Option<Revocation>,
    /// True to send an S256 code challenge (RFC 7636).
    pub pkce: bool,
    /// Kind of its refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// After how many days without use the provider ends a login.
    pub idle_days: Option<u32>,
    /// Client authentication at the token endpoint.
    pub client_authentication: ClientAuthentication,
    /// For a provider that keeps accounts in several regions: how the
    /// callback names the place.
    pub region: Option<Region>,
    /// Error codes by which it says that a grant is dead, besides the standard's
    /// `invalid_grant`.
    pub grant_errors: Vec<String>,
    /// Advice on an error, by a word of the provider's answer.
    pub advice: BTreeMap<String, String>,
    /// Page on which the administrator makes the client id.
    pub console_url: Option<Url>,
}

impl Provider {
    /// The path to which it sends the browser back, if it does.
    pub fn redirect_path(&self) -> Option<&RedirectPath> {
        match &self.login {
            LoginMethod::Code { redirect_path, .. } => Some(redirect_path),
            LoginMethod::LoginToken { .. } => None,
        }
    }
}

/// Login methods.
#[derive(Clone, Debug)]
pub enum LoginMethod {
    /// The authorization code flow (RFC 6749 section 4.1).
    Code {
        /// Authorization endpoint (RFC 6749 section 3.1).
        authorize_url: Url,
        /// Parameters of the request besides the standard's.
        params: BTreeMap<String, String>,
        /// Parameters of the callback that the person must be told.
        shown: Vec<String>,
        /// The path to which it sends the browser back.
        redirect_path: RedirectPath,
        /// The issuers that its callback may name.
        issuers: Issuers,
    },
    /// The person pastes a login token made on the provider's own site, and the
    /// resource owner password grant (RFC 6749 section 4.3) trades it.
    LoginToken {
        /// Page on which such a token is made.
        token_page: Option<Url>,
        /// The realm that its tokens name. A token of another realm is not sent, because
        /// it would be used up.
        realm: Realm,
    },
}

/// The address of an endpoint, which may depend on the account's region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// One for everybody.
    Fixed(Url),
    /// One for each region, by the region's value.
    ByRegion(BTreeMap<String, Url>),
}

impl Endpoint {
    /// The address for accounts of that region. `None` if there is none: then
    /// nothing may be sent anywhere.
    pub fn at(&self, region: Option<&str>) -> Option<&Url> {
        match self {
            Self::Fixed(url) => Some(url),
            Self::ByRegion(urls) => urls.get(region?),
        }
    }

    /// Every address that it can be.
    pub fn all(&self) -> impl Iterator<Item = &Url> {
        let (fixed, by_region) = match self {
            Self::Fixed(url) => (Some(url), None),
            Self::ByRegion(urls) => (None, Some(urls.values())),
        };
        fixed.into_iter().chain(by_region.into_iter().flatten())
    }
}

/// Accounts in different places: the callback says where, and only what stands
/// here is believed, because the client secret goes there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// The callback's parameter, such as `location`.
    pub parameter: String,
    /// Replacement of `{region}` for each of its values.
    pub values: BTreeMap<String, String>,
    /// The value to take when the callback has none.
    pub default: Option<String>,
}

impl Region {
    /// The region that a callback's parameter names: `None` if it is not allowed.
    pub fn named(&self, value: Option<&str>) -> Option<&str> {
        let value = value.or(self.default.as_deref())?;
        self.values
            .get_key_value(value)
            .map(|(key, _)| key.as_str())
    }
}

/// Revocation of a grant at its provider.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// Where.
    pub url: Endpoint,
    /// By what.
    pub method: RevocationMethod,
}

/// By what a grant is revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationMethod {
    /// RFC 7009, with the refresh token.
    #[default]
    RefreshToken,
    /// A POST without a body, authorized by an access token of the grant.
    AccessToken,
}

/// Kinds of refresh tokens, by what becomes of one that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshTokens {
    /// It stays, and no new one comes.
    Stable,
    /// A new one may come; the old one stays good until its time is over.
    Sliding,
    /// A new one comes, and the old one must not be used again.
    SingleUse,
    /// The provider issues none.
    None,
}

impl RefreshTokens {
    /// True if the provider replaces a refresh token that is used.
    pub fn are_replaced(self) -> bool {
        matches!(self, Self::Sliding | Self::SingleUse)
    }
}

/// RFC 6749 section 2.3.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuthentication {
    /// `client_id` and `client_secret` in the request's body: what every
    /// provider here accepts.
    #[default]
    Body,
    /// HTTP Basic.
    Basic,
}

/// One button: a provider with a scope.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its id, which Duplicati calls the type.
    pub id: String,
    /// Whose it is.
    pub provider: Arc<Provider>,
    /// Label of its button.
    pub name: String,
    /// The scope to ask for, blanks between (RFC 6749 section 3.3).
    pub scope: String,
    /// The service's own site.
    pub link: Option<Url>,
    /// Page on which its user withdraws the grant.
    pub manage_url: Option<Url>,
    /// Other ids by which clients ask for it.
    pub aliases: Vec<String>,
    /// Backend of rclone for it, if there is one.
    pub rclone: Option<Rclone>,
    /// True if it has no button; a link to it works.
    pub hidden: bool,
    /// The application's credentials.
    pub credentials: Credentials,
}

/// A remote of rclone (<https://rclone.org/docs/>).
#[derive(Clone, Debug, Deserialize)]
pub struct Rclone {
    /// The type of its backend, such as `drive`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Further options of the backend.
    #[serde(flatten)]
    pub options: BTreeMap<String, String>,
}

/// A client id and secret (RFC 6749 section 2.3.1).
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Their name in the environment, such as `GD`.
    pub name: String,
    /// The client id: public.
    pub client_id: String,
    /// The client secret; none for a public client.
    pub client_secret: Option<Secret>,
}
