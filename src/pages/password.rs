//! The form for the password of the login pages.

use askama::Template;

use super::{FAVICON_PATH, Frame, Markup, STYLE_PATH};

/// A form for the password.
#[derive(Debug, Template)]
#[template(path = "password.html")]
pub struct PasswordPage<'a> {
    /// Text and links that all pages share.
    pub frame: Frame<'a>,
    /// Path of the page that the browser requested, without the prefix.
    pub next: &'a str,
    /// Error of the last attempt.
    pub problem: Option<Markup>,
}
