//! The last page of a login, which shows the AuthID.

use askama::Template;

use super::{FAVICON_PATH, Frame, SCRIPT_PATH, STYLE_PATH, ShownLimits};

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
    /// Limits of the AuthID; `None` if there are none.
    pub limits: Option<ShownLimits>,
    /// True if this server can revoke the login at the provider.
    pub is_revocable: bool,
    /// URL of the provider's page that lists the programs with access, and removes them.
    pub manage_url: Option<&'a str>,
    /// The AuthID or access token of the login.
    pub credential: ShownCredential<'a>,
    /// The account that the credential gives access to.
    pub account: ShownAccount<'a>,
    /// Commands for other programs; none if the login gave no AuthID.
    pub other_programs: Option<OtherPrograms>,
    /// Form by which another machine gets the AuthID.
    pub elsewhere: Option<ElsewhereForm>,
    /// Other values to enter in the program, as name and value; both are untrusted text.
    pub facts: &'a [(String, String)],
    /// The page that opened this one.
    pub opener: Option<OpenerPage<'a>>,
    /// State of the hand-over to the program that opened the start page with a token.
    pub hand_over: HandOverState<'a>,
    /// True if browsers let no page on https fetch from this server, and the program that
    /// waits may be on one.
    pub may_be_blocked: bool,
}

impl ResultPage<'_> {
    /// True if the page first asks the user to confirm the hand-over with a button.
    fn asks_first(&self) -> bool {
        matches!(self.hand_over, HandOverState::Asks(_)) && !self.may_be_blocked
    }

    /// True if the program can fetch the AuthID now.
    fn is_done(&self) -> bool {
        matches!(self.hand_over, HandOverState::Done) && !self.may_be_blocked
    }

    /// True if the program can fetch the AuthID now unless its page is on https.
    fn is_perhaps_done(&self) -> bool {
        matches!(self.hand_over, HandOverState::Done) && self.may_be_blocked
    }

    /// True if nothing can be handed over any more.
    fn is_too_late(&self) -> bool {
        matches!(self.hand_over, HandOverState::TooLate)
    }

    /// True if a hand-over was tried and failed.
    fn has_failed(&self) -> bool {
        matches!(self.hand_over, HandOverState::Asks(form) if form.failed)
    }

    /// True if the AuthID is folded away once it has arrived where it is needed.
    fn is_folded(&self) -> bool {
        self.is_done() || (matches!(self.hand_over, HandOverState::Nobody) && self.opener.is_some())
    }

    /// True if the opener closes the page while the user may have something else to read.
    fn closes_early(&self) -> bool {
        let is_received = match self.hand_over {
            HandOverState::Nobody => self.opener.is_some(),
            _ => self.asks_first(),
        };
        is_received && !self.facts.is_empty()
    }

    /// True if the script posts the AuthID without waiting for a button. The opener closes
    /// the page then, so it must have nothing else to read.
    fn is_sent_unasked(&self, opener: &OpenerPage<'_>) -> bool {
        opener.is_trusted && self.facts.is_empty()
    }
}

/// The account of a login, and the way to choose another one.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShownAccount<'a> {
    /// Its name, if the provider said it; untrusted text. It may be an id that means nothing
    /// to its user.
    pub name: Option<&'a str>,
    /// URL that begins a login at which the provider asks for the account; `None` if another
    /// login is of no use now.
    pub another: Option<&'a str>,
    /// True if the user must log out at the provider before another login, because the
    /// provider does not ask for the account.
    pub stays: bool,
}

/// State of the hand-over to a program that polls for the AuthID.
#[derive(Clone, Copy, Debug)]
pub enum HandOverState<'a> {
    /// No program polls: the script may post the AuthID to the opener.
    Nobody,
    /// The user wants nobody else to receive it.
    Declined,
    /// A program polls, but the browser blocks its requests: its page is on https, and this
    /// server on http.
    Blocked,
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

/// Contents of the form that makes a one-time code.
#[derive(Clone, Debug)]
pub struct ElsewhereForm {
    /// Random value that the form sends back.
    pub nonce: String,
    /// Sealed AuthID; the form sends it back.
    pub sealed: String,
}

/// Commands for a POSIX shell.
pub struct OtherPrograms {
    /// Command that makes an rclone remote, if rclone knows the service.
    pub rclone: Option<String>,
    /// The same command, which reads the AuthID from a file.
    pub rclone_with_file: Option<String>,
    /// Commands that get an access token.
    pub curl: String,
    /// Command that gets an access token for the AuthID in a file.
    pub curl_with_file: String,
    /// True if the provider replaces refresh tokens, so that the newest AuthID must be
    /// kept.
    pub are_replaced: bool,
}

/// The page that opened this one.
#[derive(Clone, Copy, Debug)]
pub struct OpenerPage<'a> {
    /// Origin of that page, the only one that the script posts to.
    pub origin: &'a str,
    /// True if the script may post there without asking the user.
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
