//! The HTML pages, and the stylesheet and script that belong to them.
//!
//! Everything is compiled in, and a page loads nothing but [`STYLE`],
//! [`SCRIPT`] and [`FAVICON`], so that a Content-Security-Policy with `'self'`
//! for those three and `'none'` for the rest fits every page. The English
//! stands in the templates beside this file; the text that a page is given is
//! escaped by askama. Links are not checked here: an `href` given to a page
//! comes from the configuration or from this program, never from a request.

mod authid_form;
mod cli_token;
mod commands;
mod error;
mod password;
mod privacy;
mod result;
mod start;

pub use authid_form::{AuthIdForm, RevokedPage};
pub use cli_token::CliTokenPage;
pub use commands::Login;
pub use error::{ErrorPage, Link, ProviderError};
pub use password::PasswordPage;
pub use privacy::PrivacyPage;
pub use result::{Credential, HandOver, Opener, OtherPrograms, Question, ResultPage, Validity};
pub use start::{Choice, Receiver, Service, Setup, StartPage};

/// The stylesheet; pages ask for it at prefix + [`STYLE_PATH`].
pub const STYLE: &str = concat!(
    include_str!("style/tokens.css"),
    include_str!("style/page.css"),
    include_str!("style/forms.css"),
    include_str!("style/parts.css"),
    include_str!("style/tabs.css"),
);
/// The script of the copy button; pages ask for it at prefix + [`SCRIPT_PATH`].
pub const SCRIPT: &str = include_str!("authseal.js");
/// The mark of authseal, an SVG; pages ask for it at prefix + [`FAVICON_PATH`].
pub const FAVICON: &str = include_str!("favicon.svg");

/// Where the stylesheet is served, below the prefix.
pub const STYLE_PATH: &str = "/style.css";
/// Where the script is served, below the prefix.
pub const SCRIPT_PATH: &str = "/authseal.js";
/// Where the mark is served, below the prefix.
pub const FAVICON_PATH: &str = "/favicon.svg";

/// What every page says or links to, whatever it is about.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The program that the AuthID is for: "Duplicati".
    pub app_name: &'a str,
    /// What the owner of this server calls it; heads every page.
    pub display_name: &'a str,
    /// Path that every address of this server starts with: "" or "/seal",
    /// without a slash at its end.
    pub prefix: &'a str,
    /// Where the privacy policy is: a path, prefix included, or a URL.
    pub privacy_policy: &'a str,
}

#[cfg(test)]
mod tests;
