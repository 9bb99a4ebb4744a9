//! The HTML pages, with their stylesheet and script.
//!
//! Everything is compiled in. A page loads nothing but [`style`], [`script`] and
//! [`FAVICON`], so that one Content-Security-Policy fits every page: `'self'` for those
//! three and `'none'` for the rest. The templates beside this file have no text of their own:
//! it is in `texts`, in each language. askama escapes the text that a page is given. Links are not checked here: an
//! `href` that a page is given comes from the configuration or from this program, never
//! from a request.

mod assets;
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
mod texts;

use askama::Template;

pub use assets::{script, style};
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
pub use texts::{Language, Markup, PageTexts};

/// The icon of authseal, an SVG, which pages load from prefix + [`FAVICON_PATH`].
pub const FAVICON: &str = include_str!("favicon.svg");

/// Path of the stylesheet, below the prefix.
pub const STYLE_PATH: &str = "/style.css";
/// Path of the script, below the prefix.
pub const SCRIPT_PATH: &str = "/authseal.js";
/// Path of the icon, below the prefix.
pub const FAVICON_PATH: &str = "/favicon.svg";

/// The text and links that all pages share.
#[derive(Clone, Debug)]
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
    /// Language of the page.
    pub language: Language,
    /// Address of this page for links to other languages; `None` if the page can't be loaded
    /// again, and so has no such links.
    pub language_link: Option<LanguageLink>,
}

/// The parts of links to a page in other languages.
#[derive(Clone, Debug)]
pub struct LanguageLink {
    /// Path of the page, prefix included; empty for the address that the browser has.
    pub page: String,
    /// Query parameters that the links keep, each with an `&` in front.
    pub query: String,
}

impl Frame<'_> {
    /// Returns the texts in the language of the page. The name is short, because every line of
    /// a template has it.
    fn t(&self) -> &'static PageTexts {
        self.language.texts()
    }

    /// Returns the languages that the page has links to.
    fn other_languages(&self) -> impl Iterator<Item = Language> {
        let language = self.language;
        Language::ALL
            .into_iter()
            .filter(move |other| *other != language)
    }

    /// Returns a path of this server as browsers see it.
    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Returns a link to another site, for a place in a text.
    fn away(&self, href: &str, label: &Markup) -> Markup {
        let link = LinkAway {
            t: self.t(),
            href,
            label,
        };
        Markup::of(&link)
    }
}

/// A link to another site, which opens in a new tab.
#[derive(Template)]
#[template(
    source = r#"{% import "parts.html" as parts %}{{ parts::away(t, href, label) }}"#,
    ext = "html"
)]
struct LinkAway<'a> {
    t: &'static PageTexts,
    href: &'a str,
    label: &'a Markup,
}

#[cfg(test)]
mod tests;
