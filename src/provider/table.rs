//! The tables of providers.toml, parsed and checked.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use url::Url;

use super::{AdviceTable, Issuers, Realm, RedirectPath};
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
    pub token_url: EndpointUrl,
    /// Revocation of a grant, if the provider supports it.
    pub revocation: Option<RevocationEndpoint>,
    /// True to send an S256 code challenge (RFC 7636).
    pub pkce: bool,
    /// Kind of its refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// Number of days without use after which the provider ends a login.
    pub idle_days: Option<u32>,
    /// Client authentication at the token endpoint.
    pub client_authentication: ClientAuthentication,
    /// Regions, if the provider keeps accounts in several.
    pub region: Option<Region>,
    /// Error codes for a dead grant, besides the standard `invalid_grant`.
    pub grant_errors: Vec<String>,
    /// Error codes, or words of their descriptions, for a refresh token that was issued to
    /// another client id.
    pub other_client_errors: Vec<String>,
    /// Members of the token answer of a login that name the account, the best one first.
    pub account_members: Vec<String>,
    /// Advice on errors, by a word of the provider's answer.
    pub advice: AdviceTable,
    /// True if `scope` in a token response says what was granted. False for a provider that
    /// is known to say something else there.
    pub compare_scope: bool,
    /// Scopes that include others and whose names do not say so, by the included one.
    pub wider_scopes: BTreeMap<String, Vec<String>>,
    /// Page on which the administrator creates the client id.
    pub console_url: Option<Url>,
    /// Page on which the administrator of an organisation consents for everybody there.
    pub admin_consent: Option<Url>,
}

impl Provider {
    /// Returns the path to which the provider sends the browser back, if its login is a
    /// redirect.
    pub fn redirect_path(&self) -> Option<&RedirectPath> {
        match &self.login {
            LoginMethod::Code { redirect_path, .. } => Some(redirect_path),
            LoginMethod::LoginToken { .. } => None,
        }
    }

    /// True if a user who begins another login can choose another account: the provider
    /// shows a list of accounts or asks for the password again, or the user makes a new
    /// login token.
    pub fn asks_for_the_account(&self) -> bool {
        let LoginMethod::Code {
            params,
            other_account_params,
            ..
        } = &self.login
        else {
            return true;
        };
        let prompt = params.get("prompt").map_or("", String::as_str);
        let mut prompts = prompt.split(' ');
        !other_account_params.is_empty()
            || prompts.any(|prompt| matches!(prompt, "select_account" | "login"))
    }
}

/// Login methods.
#[derive(Clone, Debug)]
pub enum LoginMethod {
    /// The authorization code flow (RFC 6749 section 4.1).
    Code {
        /// Authorization endpoint (RFC 6749 section 3.1).
        authorize_url: Url,
        /// Additional parameters of the request.
        params: BTreeMap<String, String>,
        /// The same for a user who wants to log in with another account than before. They
        /// replace those of the same name.
        other_account_params: BTreeMap<String, String>,
        /// Parameters of the callback that are shown to the user.
        shown: Vec<String>,
        /// Path to which the provider sends the browser back.
        redirect_path: RedirectPath,
        /// Issuers that the callback may name.
        issuers: Issuers,
    },
    /// The user pastes a login token made on the provider's site, which is traded by the
    /// resource owner password grant (RFC 6749 section 4.3).
    LoginToken {
        /// Page on which the user makes a login token.
        token_page: Option<Url>,
        /// The realm that its tokens name. A token of another realm is not sent, because
        /// it would be used up.
        realm: Realm,
    },
}

/// The address of an endpoint, which may depend on the account's region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointUrl {
    /// One address for all accounts.
    Fixed(Url),
    /// One address for each region, by the region's value.
    ByRegion(BTreeMap<String, Url>),
}

impl EndpointUrl {
    /// Returns the address for accounts of this region. If it is `None`, nothing may be
    /// sent.
    pub fn at(&self, region: Option<&str>) -> Option<&Url> {
        match self {
            Self::Fixed(url) => Some(url),
            Self::ByRegion(urls) => urls.get(region?),
        }
    }

    /// Returns the regions that have an address of their own; one `None` if all have the same.
    pub(super) fn regions(&self) -> impl Iterator<Item = Option<&str>> {
        let (all, by_region) = match self {
            Self::Fixed(_) => (Some(None), None),
            Self::ByRegion(urls) => (None, Some(urls.keys())),
        };
        let by_region = by_region.into_iter().flatten();
        all.into_iter()
            .chain(by_region.map(|region| Some(region.as_str())))
    }

    /// Returns all addresses of the endpoint.
    pub fn all(&self) -> impl Iterator<Item = &Url> {
        let (fixed, by_region) = match self {
            Self::Fixed(url) => (Some(url), None),
            Self::ByRegion(urls) => (None, Some(urls.values())),
        };
        fixed.into_iter().chain(by_region.into_iter().flatten())
    }
}

/// Regions of accounts. The callback names the region, and only the values listed here are
/// accepted, because the client secret is sent there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// The callback's parameter, such as `location`.
    pub parameter: String,
    /// Replacement of `{region}` in URLs, by value of the parameter.
    pub values: BTreeMap<String, String>,
    /// Value if the callback has none.
    pub default: Option<String>,
}

impl Region {
    /// Returns the region that a callback names; `None` if it is not allowed.
    pub fn named(&self, value: Option<&str>) -> Option<&str> {
        let value = value.or(self.default.as_deref())?;
        self.values
            .get_key_value(value)
            .map(|(key, _)| key.as_str())
    }
}

/// Revocation of a grant at its provider.
#[derive(Clone, Debug)]
pub struct RevocationEndpoint {
    /// The endpoint.
    pub url: EndpointUrl,
    /// The method.
    pub method: RevocationMethod,
}

/// Methods to revoke a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationMethod {
    /// The request of RFC 7009, with the refresh token.
    #[default]
    RefreshToken,
    /// A POST without a body, authorized by an access token.
    AccessToken,
}

/// Kinds of refresh tokens, by the effect of using one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshTokens {
    /// The token stays good, and the provider issues no new one.
    Stable,
    /// The provider may issue a new one; the old one stays good until it expires.
    Sliding,
    /// The provider issues a new one, and the old one must not be sent again.
    SingleUse,
    /// The provider issues none.
    None,
}

impl RefreshTokens {
    /// True if the provider replaces refresh tokens.
    pub fn are_replaced(self) -> bool {
        matches!(self, Self::Sliding | Self::SingleUse)
    }
}

/// Methods of client authentication (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuthentication {
    /// `client_id` and `client_secret` in the request's body, which all shipped providers
    /// accept.
    #[default]
    Body,
    /// HTTP Basic authentication.
    Basic,
}

/// A service that users log in to, with one button on the start page: a provider and a
/// scope.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its id; Duplicati calls it the type.
    pub id: String,
    /// Its provider.
    pub provider: Arc<Provider>,
    /// Label of its button.
    pub name: String,
    /// Scopes to request, separated by spaces (RFC 6749 section 3.3).
    pub scope: String,
    /// The service's website.
    pub link: Option<Url>,
    /// Page on which the user revokes the grant.
    pub manage_url: Option<Url>,
    /// Other ids by which clients may name it.
    pub aliases: Vec<String>,
    /// Backend of rclone, if there is one.
    pub rclone: Option<Rclone>,
    /// Limits of its scope that surprise people: one or two sentences.
    pub note: Option<String>,
    /// True if it has no button and is reached only by a link.
    pub hidden: bool,
    /// The application's credentials.
    pub credentials: Credentials,
}

impl Service {
    /// Returns the link by which the administrator of an organisation consents to this
    /// service's scope for everybody there. The browser comes back to `redirect_uri`.
    pub fn admin_consent(&self, redirect_uri: &str) -> Option<Url> {
        let mut link = self.provider.admin_consent.clone()?;
        link.query_pairs_mut()
            .append_pair("client_id", &self.credentials.client_id)
            .append_pair("scope", &self.scope)
            .append_pair("redirect_uri", redirect_uri);
        Some(link)
    }
}

/// A remote of rclone (<https://rclone.org/docs/>).
#[derive(Clone, Debug, Deserialize)]
pub struct Rclone {
    /// Type of the backend, such as `drive`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Further options of the backend.
    #[serde(flatten)]
    pub options: BTreeMap<String, String>,
}

/// A client id and secret (RFC 6749 section 2.3.1).
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Prefix of their environment variables, such as `GD`.
    pub name: String,
    /// The client id, which is public.
    pub client_id: String,
    /// The client secret; `None` for a public client.
    pub client_secret: Option<Secret>,
}

impl Credentials {
    /// Returns the names of their environment variables, for a sentence.
    pub fn variables(&self) -> String {
        let name = &self.name;
        match self.client_secret {
            Some(_) => format!("{name}_CLIENT_ID and {name}_CLIENT_SECRET"),
            None => format!("{name}_CLIENT_ID"),
        }
    }
}
