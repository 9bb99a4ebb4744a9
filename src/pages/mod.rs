//! The HTML pages, with their stylesheet and script.
//!
//! Everything is compiled in. A page loads nothing but [`STYLE`], [`SCRIPT`] and
//! [`FAVICON`], so that one Content-Security-Policy fits every page: `'self'` for those
//! three and `'none'` for the rest. The English text is in the templates beside this
//! file; askama escapes the text that a page is given. Links are not checked here: an
//! `href` that a page is given comes from the configuration or from this program, never
//! from a request.

mod authid_form;
mod cli_token;
mod commands;
mod elsewhere;
mod error;
mod inspection;
mod label;
mod limits;
mod password;
mod privacy;
mod result;
mod start;

pub use authid_form::{AuthIdForm, RevokedPage};
pub use cli_token::CliTokenPage;
pub use commands::{ClientCommands, collect_command};
pub use elsewhere::{CollectPage, ElsewherePage};
pub use error::{ErrorPage, PageLink, ProviderMessage};
pub use inspection::{InspectionPage, ShownKey, ShownStanding};
pub use label::LabelPage;
pub use limits::{RestrictForm, ShownLimits};
pub use password::PasswordPage;
pub use privacy::PrivacyPage;
pub use result::{
    ElsewhereForm, HandOverForm, HandOverState, OpenerPage, OtherPrograms, ResultPage,
    ShownAccount, ShownCredential, Validity,
};
pub use start::{Choice, OfferedService, Receiver, Setup, StartPage};

/// The stylesheet, which pages load from prefix + [`STYLE_PATH`].
pub const STYLE: &str = concat!(
    include_str!("style/tokens.css"),
    include_str!("style/page.css"),
    include_str!("style/forms.css"),
    include_str!("style/parts.css"),
    include_str!("style/tabs.css"),
);
/// The script of the pages, for example of the copy button; they load it from prefix +
/// [`SCRIPT_PATH`].
pub const SCRIPT: &str = include_str!("authseal.js");
/// The icon of authseal, an SVG, which pages load from prefix + [`FAVICON_PATH`].
pub const FAVICON: &str = include_str!("favicon.svg");

/// Path of the stylesheet, below the prefix.
pub const STYLE_PATH: &str = "/style.css";
/// Path of the script, below the prefix.
pub const SCRIPT_PATH: &str = "/authseal.js";
/// Path of the icon, below the prefix.
pub const FAVICON_PATH: &str = "/favicon.svg";

/// The text and links that all pages share.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Name of the program that uses the AuthID: "Duplicati".
    pub app_name: &'a str,
    /// Name of this server, chosen by its owner; the heading of every page.
    pub display_name: &'a str,
    /// Path prefix of every URL of this server: "" or "/seal", without a slash at its
    /// end.
    pub prefix: &'a str,
    /// Link to the privacy policy: a path, prefix included, or a URL.
    pub privacy_policy: &'a str,
}

#[cfg(test)]
mod tests;
