//! The page at the end of a login: here is the AuthID.

use askama::Template;

use super::{FAVICON_PATH, Frame, SCRIPT_PATH, STYLE_PATH};

/// Shows an AuthID and says what to do with it. Serve it `no-store`.
#[derive(Template)]
#[template(path = "result.html")]
pub struct ResultPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// Name of the service that was logged in at.
    pub service_name: &'a str,
    /// The service's own site.
    pub service_link: Option<&'a str>,
    /// Where the provider lists the programs that have access, and removes them.
    pub manage_url: Option<&'a str>,
    /// The AuthID. This struct has no `Debug`, because of it.
    pub authid: &'a str,
}
