//! The page for whatever went wrong.

use askama::Template;

use super::{FAVICON_PATH, Frame, STYLE_PATH};

/// Says what happened and what helps.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// The heading: "You didn't allow access".
    pub title: &'a str,
    /// What happened, in a plain sentence or two.
    pub happened: &'a str,
    /// What the reader can do about it.
    pub advice: &'a str,
    /// Ways on, the best one first; it is shown as the main button.
    pub links: Vec<Link<'a>>,
    /// What the provider said, word for word.
    pub provider_error: Option<ProviderError<'a>>,
}

/// A way on.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// What the button says: "Try again".
    pub label: &'a str,
    /// A path, prefix included, or the URL of another site, which opens in a new tab.
    pub href: &'a str,
}

impl Link<'_> {
    fn leaves_this_site(&self) -> bool {
        !self.href.starts_with('/')
    }
}

/// A provider's own words, foreign text both.
#[derive(Clone, Copy, Debug)]
pub struct ProviderError<'a> {
    /// `error` of RFC 6749 section 4.1.2.1: "access_denied".
    pub code: &'a str,
    /// `error_description`.
    pub description: Option<&'a str>,
}
