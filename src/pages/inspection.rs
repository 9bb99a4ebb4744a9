//! The page with the facts about an AuthID.

use askama::Template;

use super::{FAVICON_PATH, Frame, STYLE_PATH, ShownLimits, Validity};

/// A page that says what an AuthID is, without a token.
#[derive(Debug, Template)]
#[template(path = "inspection.html")]
pub struct InspectionPage<'a> {
    /// Text and links that all pages share.
    pub frame: Frame<'a>,
    /// Name of the service of the login.
    pub service_name: &'a str,
    /// Id of the service.
    pub service_id: &'a str,
    /// Name of the provider.
    pub provider_name: &'a str,
    /// Date on which the AuthID was sealed.
    pub issued: Option<String>,
    /// Date of the login.
    pub logged_in: Option<String>,
    /// Number of times that the provider had replaced the refresh token.
    pub generation: u64,
    /// A higher generation of the same login that is known.
    pub newer_generation: Option<u64>,
    /// Region in which the provider keeps the account.
    pub region: Option<&'a str>,
    /// Key that sealed the AuthID; `None` for an AuthID of oauth-server.
    pub key: Option<ShownKey<'a>>,
    /// True if the refresh token was issued to another client id.
    pub is_of_another_client: bool,
    /// Name of the user in it.
    pub user: Option<&'a str>,
    /// Its own name.
    pub label: Option<&'a str>,
    /// Limits of its use; `None` if there are none.
    pub limits: Option<ShownLimits>,
    /// The limit for which it is refused to this visitor now, as a sentence.
    pub refused: Option<String>,
    /// True if this server can revoke the login at the provider.
    pub is_revocable: bool,
    /// Validity of the AuthID; `None` if it is not known, or the login is revoked.
    pub validity: Option<Validity>,
    /// State of the login, as far as this server knows.
    pub standing: ShownStanding,
}

/// The key of an AuthID.
#[derive(Clone, Debug)]
pub struct ShownKey<'a> {
    /// Its id.
    pub kid: &'a str,
    /// Date on which it was made.
    pub made: String,
    /// Its age in whole days.
    pub age_in_days: u64,
    /// Date on which it stops opening AuthIDs.
    pub ends: Option<String>,
    /// True if new AuthIDs are sealed under it.
    pub is_newest: bool,
}

/// State of a login, as far as this server knows.
#[derive(Clone, Copy, Debug)]
pub enum ShownStanding {
    /// It is revoked.
    Revoked,
    /// The provider gave an access token lately.
    Refreshed {
        /// Minutes for which that token is still good.
        minutes: u64,
    },
    /// A request to the provider was not answered.
    Unanswered,
    /// The store does not say.
    StoreSilent,
    /// Nothing is known.
    Unknown,
}
