//! The privacy page, for a server whose owner links to none of their own.

use askama::Template;

use super::{FAVICON_PATH, Frame, STYLE_PATH};

/// Says what this server keeps, logs and sets.
#[derive(Debug, Template)]
#[template(path = "privacy.html")]
pub struct PrivacyPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
}
