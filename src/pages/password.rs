//! The page that asks for the password of the login pages.

use askama::Template;

use super::{FAVICON_PATH, Frame, STYLE_PATH};

/// Asks for the password.
#[derive(Debug, Template)]
#[template(path = "password.html")]
pub struct PasswordPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// Where the browser wanted to go, prefix not included.
    pub next: &'a str,
    /// What was wrong with the last try.
    pub problem: Option<&'a str>,
}
