//! The built-in privacy page, for a server whose owner does not link to their own.

use askama::Template;

use super::{FAVICON_PATH, Frame, STYLE_PATH};

/// A page that says what this server stores, logs and sets as cookies.
#[derive(Debug, Template)]
#[template(path = "privacy.html")]
pub struct PrivacyPage<'a> {
    /// Text and links that all pages share.
    pub frame: Frame<'a>,
    /// True if the newest AuthIDs outlive the server.
    pub keeps_logins: bool,
    /// True if AuthIDs that wait to be fetched are in a store that other servers read.
    pub shares_hand_overs: bool,
    /// True if the name of the user, as a proxy sends it, is sealed into AuthIDs.
    pub seals_user: bool,
    /// True if a page asks for a name of the AuthID.
    pub asks_label: bool,
    /// True if there is an audit log.
    pub has_audit_log: bool,
}
