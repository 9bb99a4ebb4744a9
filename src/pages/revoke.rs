//! The page that takes an AuthID to revoke it, and the page that says it is done.

use askama::Template;

use super::{FAVICON_PATH, Frame, STYLE_PATH};

/// Asks for the AuthID to revoke.
#[derive(Debug, Template)]
#[template(path = "revoke.html")]
pub struct RevokePage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
}

/// Says that the provider has confirmed.
#[derive(Debug, Template)]
#[template(path = "revoked.html")]
pub struct RevokedPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// Name of the service.
    pub service_name: &'a str,
    /// Name of its provider.
    pub provider_name: &'a str,
}
