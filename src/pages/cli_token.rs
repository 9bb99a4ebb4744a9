//! The page on which a login token is pasted.

use askama::Template;

use super::{FAVICON_PATH, Frame, STYLE_PATH};

/// Asks for a login token that the provider's own site makes.
#[derive(Debug, Template)]
#[template(path = "cli_token.html")]
pub struct CliTokenPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// Name of the service that is logged in to.
    pub service_name: &'a str,
    /// Where such a token is made.
    pub token_page: Option<&'a str>,
    /// Ties the form to this browser's login.
    pub state: &'a str,
    /// What was wrong with the last paste.
    pub problem: Option<&'a str>,
}
