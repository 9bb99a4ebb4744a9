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
    /// The provider's name.
    pub provider_name: &'a str,
    /// How long the AuthID is good.
    pub validity: Validity,
    /// Where the provider lists the programs that have access, and removes them.
    pub manage_url: Option<&'a str>,
    /// What was got.
    pub credential: Credential<'a>,
    /// How other programs use it; none for what is no AuthID.
    pub other_programs: Option<OtherPrograms>,
    /// What else to enter in the program: name and value, foreign text both.
    pub facts: &'a [(String, String)],
    /// The page that opened this one.
    pub opener: Option<Opener<'a>>,
    /// State of the hand-over to the program that opened the start page with a token.
    pub hand_over: HandOver<'a>,
}

impl ResultPage<'_> {
    /// True if one button is what the page is about.
    fn asks(&self) -> bool {
        matches!(self.hand_over, HandOver::Asks(_))
    }
}

/// State of the hand-over to a program that polls for the AuthID.
#[derive(Clone, Copy, Debug)]
pub enum HandOver<'a> {
    /// There is none: the opener may be posted to.
    Nobody,
    /// It gets nothing before the person presses a button.
    Asks(Question<'a>),
    /// It can fetch the AuthID now.
    Done,
    /// It has been handed one before, or has stopped waiting.
    TooLate,
}

/// Contents of the form of that button.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Comes back with the form.
    pub nonce: &'a str,
    /// Comes back with the form.
    pub sealed: &'a str,
    /// True if an attempt has failed, and another may help.
    pub failed: bool,
}

/// Commands for a shell.
pub struct OtherPrograms {
    /// Makes an rclone remote, where rclone knows the service.
    pub rclone: Option<String>,
    /// Gets an access token.
    pub curl: String,
    /// Whether the provider replaces refresh tokens, so that the newest AuthID must be
    /// kept.
    pub are_replaced: bool,
}

/// The page that opened this one.
#[derive(Clone, Copy, Debug)]
pub struct Opener<'a> {
    /// Its origin, the only one that the script posts to.
    pub origin: &'a str,
    /// Whether the script posts there without asking.
    pub is_trusted: bool,
}

/// How long an AuthID is good, if nobody takes access away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validity {
    /// No limit is known.
    Unlimited,
    /// The provider ends a login that nothing uses for so many days.
    WhileUsed {
        /// So many.
        days: u32,
    },
    /// So many days from its making, however often it is used.
    FromIssue {
        /// So many.
        days: u32,
        /// The last of them, such as 2026-11-24.
        until: String,
    },
    /// Until this server forgets what came after it.
    UntilRestart,
}

/// What a login gave. It has no `Debug`, because of what it holds.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// An AuthID.
    AuthId(&'a str),
    /// An access token, which is used in an AuthID's place.
    AccessToken(&'a str),
}

impl<'a> Credential<'a> {
    /// The secret itself.
    fn value(&self) -> &'a str {
        match *self {
            Self::AuthId(value) | Self::AccessToken(value) => value,
        }
    }

    /// The same at the start of a label.
    fn title(&self) -> &'static str {
        match self {
            Self::AuthId(_) => "AuthID",
            Self::AccessToken(_) => "Access token",
        }
    }

    /// What people call it.
    fn name(&self) -> &'static str {
        match self {
            Self::AuthId(_) => "AuthID",
            Self::AccessToken(_) => "access token",
        }
    }
}
