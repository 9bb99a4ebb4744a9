//! The form for the name of a new AuthID.

use askama::Template;

use super::{FAVICON_PATH, Frame, Markup, STYLE_PATH};

/// A page that asks for the name before a login.
#[derive(Debug, Template)]
#[template(path = "label.html")]
pub struct LabelPage<'a> {
    /// Text and links that all pages share.
    pub frame: Frame<'a>,
    /// Name of the service to log in to.
    pub service_name: &'a str,
    /// Address of the login, below the prefix.
    pub action: &'a str,
    /// Text that was sent and is no name.
    pub text: &'a str,
    /// Reason why it is none.
    pub problem: Option<Markup>,
}
