//! The form for a login token.

use askama::Template;

use super::{FAVICON_PATH, Frame, Markup, SCRIPT_PATH, STYLE_PATH};

/// A form for the login token that a provider's own site makes.
#[derive(Debug, Template)]
#[template(path = "cli_token.html")]
pub struct CliTokenPage<'a> {
    /// Text and links that all pages share.
    pub frame: Frame<'a>,
    /// Name of the service to log in to.
    pub service_name: &'a str,
    /// URL of the provider's page that makes login tokens.
    pub token_page: Option<&'a str>,
    /// State that binds the form to this browser's login.
    pub state: &'a str,
    /// Error of the last attempt.
    pub problem: Option<&'a Markup>,
    /// Tables for AUTHSEAL_PROVIDERS that the administrator could add.
    pub table: Option<&'a str>,
}
