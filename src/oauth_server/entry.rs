//! An entry of config.json.

use serde::Deserialize;

/// One service. Keys may have any letter case, as in oauth-server. The keys for token
/// requests (`noStateForTokenRequest`, `noRedirectUriForRefreshRequest`) and for the kind
/// of AuthIDs (`preferV2`) have no meaning here.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) struct ConfigEntry {
    pub(super) id: String,
    /// Name of the credentials.
    #[serde(rename = "serviceid")]
    pub(super) credentials: String,
    pub(super) name: Option<String>,
    #[serde(rename = "clientid")]
    pub(super) client_id: Option<String>,
    #[serde(rename = "clientsecret")]
    pub(super) client_secret: Option<String>,
    /// URL of the token endpoint, in spite of the key's name.
    #[serde(rename = "authurl")]
    pub(super) token_url: Option<String>,
    #[serde(rename = "loginurl")]
    pub(super) authorize_url: Option<String>,
    pub(super) scope: Option<String>,
    #[serde(rename = "redirecturi")]
    pub(super) redirect_uri: Option<String>,
    /// Additional query parameters of the authorization request.
    #[serde(rename = "extraurl")]
    pub(super) extra_query: Option<String>,
    #[serde(rename = "servicelink")]
    pub(super) link: Option<String>,
    #[serde(rename = "deauthlink")]
    pub(super) manage_url: Option<String>,
    pub(super) hidden: Option<bool>,
    #[serde(rename = "clitoken")]
    pub(super) login_token: Option<bool>,
    #[serde(rename = "accesstokenonly")]
    pub(super) access_token_only: Option<bool>,
    #[serde(rename = "usehostnamefromcallback")]
    pub(super) hostname_from_callback: Option<bool>,
    #[serde(rename = "additionalelements")]
    pub(super) shown: Option<String>,
}
