//! The last page of a login, which shows the AuthID.

use askama::Template;

use super::{FAVICON_PATH, Frame, SCRIPT_PATH, STYLE_PATH};

/// A page that shows an AuthID or access token and says how to use it. Serve it with
/// `Cache-Control: no-store`.
#[derive(Template)]
#[template(path = "result.html")]
pub struct ResultPage<'a> {
    /// Text and links that all pages share.
    pub frame: Frame<'a>,
    /// Name of the service of the login.
    pub service_name: &'a str,
    /// URL of the service's own site.
    pub service_link: Option<&'a str>,
    /// Name of the provider.
    pub provider_name: &'a str,
    /// Validity of the AuthID.
    pub validity: Validity,
    /// URL of the provider's page that lists the programs with access, and removes them.
    pub manage_url: Option<&'a str>,
    /// The AuthID or access token of the login.
    pub credential: ShownCredential<'a>,
    /// Commands for other programs; none if the login gave no AuthID.
    pub other_programs: Option<OtherPrograms>,
    /// Other values to enter in the program, as name and value; both are untrusted text.
    pub facts: &'a [(String, String)],
    /// The page that opened this one.
    pub opener: Option<OpenerPage<'a>>,
    /// State of the hand-over to the program that opened the start page with a token.
    pub hand_over: HandOverState<'a>,
}

impl ResultPage<'_> {
    /// True if the page asks the user to confirm the hand-over with a button.
    fn asks(&self) -> bool {
        matches!(self.hand_over, HandOverState::Asks(_))
    }
}

/// State of the hand-over to a program that polls for the AuthID.
#[derive(Clone, Copy, Debug)]
pub enum HandOverState<'a> {
    /// No program polls: the script may post the AuthID to the opener.
    Nobody,
    /// The program gets nothing until the user presses a button.
    Asks(HandOverForm<'a>),
    /// The program can fetch the AuthID now.
    Done,
    /// The program has received an AuthID before, or has stopped waiting.
    TooLate,
}

/// Contents of the form that asks for confirmation.
#[derive(Clone, Copy, Debug)]
pub struct HandOverForm<'a> {
    /// Random value that ties the form to its cookie; the form sends it back.
    pub nonce: &'a str,
    /// Sealed AuthID to hand over; the form sends it back.
    pub sealed: &'a str,
    /// True if an attempt has failed and another may succeed.
    pub failed: bool,
}

/// Commands for a POSIX shell.
pub struct OtherPrograms {
    /// Command that makes an rclone remote, if rclone knows the service.
    pub rclone: Option<String>,
    /// Command that gets an access token.
    pub curl: String,
    /// True if the provider replaces refresh tokens, so that the newest AuthID must be
    /// kept.
    pub are_replaced: bool,
}

/// The page that opened this one.
#[derive(Clone, Copy, Debug)]
pub struct OpenerPage<'a> {
    /// Origin of that page, the only one that the script posts to.
    pub origin: &'a str,
    /// True if the script posts there without asking the user.
    pub is_trusted: bool,
}

/// The validity of an AuthID, unless the access is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Unlimited, as far as is known.
    Unlimited,
    /// Limited by disuse: the provider ends a login that is not used for so many days.
    WhileUsed {
        /// Number of days.
        days: u32,
    },
    /// Limited from the time it is made, however often it is used.
    FromIssue {
        /// Number of days.
        days: u32,
        /// Date of the last day, such as 2026-11-24.
        until: String,
    },
    /// Limited by this server's memory: a restart loses the newer refresh tokens of this
    /// login.
    UntilRestart,
}

/// The result of a login. It has no `Debug`, because it holds a secret.
#[derive(Clone, Copy)]
pub enum ShownCredential<'a> {
    /// An AuthID.
    AuthId(&'a str),
    /// An access token, which is used in place of an AuthID.
    AccessToken(&'a str),
}

impl<'a> ShownCredential<'a> {
    /// Returns the secret itself.
    fn value(&self) -> &'a str {
        match *self {
            Self::AuthId(value) | Self::AccessToken(value) => value,
        }
    }

    /// Returns the name with a capital, for the start of a label.
    fn title(&self) -> &'static str {
        match self {
            Self::AuthId(_) => "AuthID",
            Self::AccessToken(_) => "Access token",
        }
    }

    /// Returns the name of the kind, for text.
    fn name(&self) -> &'static str {
        match self {
            Self::AuthId(_) => "AuthID",
            Self::AccessToken(_) => "access token",
        }
    }
}
