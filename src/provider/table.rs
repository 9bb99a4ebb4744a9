//! The tables of providers.toml, checked: nothing here can be wrong any more.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use url::Url;

use crate::secret::Secret;

/// One OAuth application at one provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its id in providers.toml.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Authorization endpoint (RFC 6749 section 3.1).
    pub authorize_url: Url,
    /// Token endpoint (RFC 6749 section 3.2).
    pub token_url: Url,
    /// Revocation endpoint (RFC 7009), where there is one.
    pub revoke_url: Option<Url>,
    /// What the authorization request carries besides the standard's parameters.
    pub authorize_params: BTreeMap<String, String>,
    /// Whether to send an S256 challenge (RFC 7636).
    pub pkce: bool,
    /// What becomes of a refresh token that is used.
    pub refresh_tokens: RefreshTokens,
    /// How the client authenticates at the token endpoint.
    pub client_authentication: ClientAuthentication,
    /// Where the administrator makes the client id.
    pub console_url: Option<Url>,
}

/// What becomes of a refresh token that is used.
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
    /// What the button says.
    pub name: String,
    /// The scope to ask for, blanks between (RFC 6749 section 3.3).
    pub scope: String,
    /// The service's own site.
    pub link: Option<Url>,
    /// Where its user withdraws what was granted.
    pub manage_url: Option<Url>,
    /// Other ids by which clients ask for it.
    pub aliases: Vec<String>,
    /// Whether it has no button, though a link to it works.
    pub hidden: bool,
    /// The application's credentials.
    pub credentials: Credentials,
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
