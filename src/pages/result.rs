//! The last page of a login, which shows the AuthID.

use askama::Template;

use super::{FAVICON_PATH, Frame, Markup, SCRIPT_PATH, STYLE_PATH, ShownLimits};

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

    /// Returns the text for the kind of the credential.
    fn either(&self, authid: Markup, access_token: Markup) -> Markup {
        match self.credential {
            ShownCredential::AuthId(_) => authid,
            ShownCredential::AccessToken(_) => access_token,
        }
    }

    /// Returns the title of the page.
    fn title(&self) -> Markup {
        let (t, service) = (self.frame.t(), self.service_name);
        self.either(t.your_authid_for(service), t.your_access_token_for(service))
    }

    /// Returns the heading of a page without another recipient.
    fn is_ready(&self) -> Markup {
        let t = self.frame.t();
        self.either(t.authid_is_ready(), t.access_token_is_ready())
    }

    /// Returns the heading of a page that asks first.
    fn asks_to_hand_over(&self) -> Markup {
        let t = self.frame.t();
        self.either(t.hand_over_authid(), t.hand_over_access_token())
    }

    /// Returns the sentence that says who asks.
    fn program_asks(&self) -> Markup {
        let t = self.frame.t();
        let program = match self.opener {
            Some(opener) => Markup::code(opener.origin),
            None => t.a_program_without_address(),
        };
        self.either(
            t.program_asks_for_authid(&program),
            t.program_asks_for_access_token(&program),
        )
    }

    /// Returns the text after a hand-over that failed.
    fn not_stored(&self) -> Markup {
        let (t, app) = (self.frame.t(), self.frame.app_name);
        self.either(t.authid_not_stored(app), t.access_token_not_stored(app))
    }

    /// Returns the text above other values that the program asks for.
    fn first_copy_this(&self) -> Markup {
        let (t, app) = (self.frame.t(), self.frame.app_name);
        self.either(
            t.first_copy_this_then_authid(app),
            t.first_copy_this_then_access_token(app),
        )
    }

    /// Returns the warning beside the button that sends.
    fn send_only_to_your_own(&self) -> Markup {
        let (t, app) = (self.frame.t(), self.frame.app_name);
        self.either(
            t.send_authid_only_to_your_own(app),
            t.send_access_token_only_to_your_own(app),
        )
    }

    /// Returns the hint below the field for the address of an unnamed opener.
    fn unnamed_opener_gets_it(&self) -> Markup {
        let t = self.frame.t();
        self.either(
            t.unnamed_opener_gets_authid(),
            t.unnamed_opener_gets_access_token(),
        )
    }

    /// Returns the label of the part that folds away.
    fn copy_it_yourself(&self) -> Markup {
        let t = self.frame.t();
        self.either(t.copy_authid_yourself(), t.copy_access_token_yourself())
    }

    /// Returns the label of the field with the credential.
    fn credential_label(&self) -> Markup {
        let (t, service) = (self.frame.t(), self.service_name);
        self.either(t.authid_for(service), t.access_token_for(service))
    }

    /// Returns the text of the button that copies the credential.
    fn copy_credential(&self) -> Markup {
        let t = self.frame.t();
        self.either(t.copy_authid(), t.copy_access_token())
    }

    /// Returns the sentence on the connection at the provider.
    fn remove_connection(&self) -> Markup {
        let t = self.frame.t();
        let apps = self
            .manage_url
            .map(|url| self.frame.away(url, &t.connected_apps()));
        match (self.is_revocable, &apps) {
            (true, Some(apps)) => t.or_remove_connection_in_account(apps),
            (false, Some(apps)) => t.remove_connection_in_account(apps),
            (true, None) => t.or_remove_connection_at(self.service_name),
            (false, None) => t.remove_connection_at(self.service_name),
        }
    }

    /// Returns the sentence that follows it.
    fn it_stops_then(&self) -> Markup {
        let t = self.frame.t();
        self.either(t.authid_stops_then(), t.access_token_stops_then())
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
        days: u64,
    },
    /// Limited from the time it is made, however often it is used.
    FromIssue {
        /// Number of days.
        days: u64,
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
}
