//! The error page.

use askama::Template;

use super::{FAVICON_PATH, Frame, Markup, STYLE_PATH};

/// A page that says what happened and what to do.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// Text and links that all pages share.
    pub frame: Frame<'a>,
    /// The heading: "You didn't allow access".
    pub title: &'a Markup,
    /// Description of the error in one or two plain sentences.
    pub happened: &'a Markup,
    /// Advice: the next step for the reader.
    pub advice: &'a Markup,
    /// Links to continue, the best one first; it becomes the main button.
    pub links: Vec<PageLink<'a>>,
    /// Error of the provider, word for word.
    pub provider_error: Option<ProviderMessage<'a>>,
}

/// A link to continue.
#[derive(Clone, Copy, Debug)]
pub struct PageLink<'a> {
    /// Text of the button: "Try again".
    pub label: &'a Markup,
    /// A path, prefix included, or the URL of another site, which opens in a new tab.
    pub href: &'a str,
}

impl PageLink<'_> {
    fn leaves_this_site(&self) -> bool {
        !self.href.starts_with('/')
    }
}

/// An error of a provider. Both fields are untrusted text.
#[derive(Clone, Copy, Debug)]
pub struct ProviderMessage<'a> {
    /// Value of `error` (RFC 6749 section 4.1.2.1): "access_denied".
    pub code: &'a str,
    /// Value of `error_description`.
    pub description: Option<&'a str>,
}
