//! Error responses for Duplicati and for scripts. Only statuses that installed clients
//! handle well are used (docs/endpoints.md): never 404, 409, 429, 504 or 507.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use super::{
    REMOVE_THERE,
    reason::{MAX_REASON_CHARACTERS, one_line},
};
use crate::{
    pages::{Language, Markup, PageTexts},
    server::{Reply, reply},
};

/// Fault behind an error, by who or what can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The request has no AuthID. The user must send one.
    NoAuthId,
    /// The text is no AuthID. The user must copy it again, or log in.
    NotAnAuthId,
    /// The login is over. The user must log in again.
    LoginOver,
    /// The AuthID may not be used from where the client is. The user must use it elsewhere, or
    /// log in again.
    OutsideNetworks,
    /// The AuthID was made with another client id. The user must log in again, or the
    /// administrator must put the old client id back.
    OtherClient,
    /// The AuthID was perhaps made with another client id. A new login can help, or the
    /// administrator.
    PerhapsOtherClient,
    /// The settings of this server, or at the provider, are wrong. The administrator can
    /// help.
    Administrator,
    /// This server lacks keys that it should have. The administrator can help, and the login
    /// is still good.
    KeysMissing,
    /// The provider or the store is away, or the client must wait. Time can help.
    Unavailable,
    /// Too many clients ask at once. The next second can help.
    Overloaded,
    /// The provider has no call that revokes. The user can do it there.
    NoRevocation,
}

impl Fault {
    /// Returns the status, and the error code of RFC 6749 section 5.2.
    ///
    /// Every version of Duplicati shows the reason of a 503 and stops; it asks twice after
    /// a 401, and six times within 31 seconds after a 502.
    fn row(self) -> (StatusCode, &'static str) {
        match self {
            Self::NoAuthId | Self::NotAnAuthId => (StatusCode::UNAUTHORIZED, "invalid_request"),
            Self::LoginOver | Self::OutsideNetworks | Self::OtherClient => {
                (StatusCode::UNAUTHORIZED, "invalid_grant")
            }
            Self::Administrator | Self::PerhapsOtherClient => {
                (StatusCode::SERVICE_UNAVAILABLE, "server_error")
            }
            Self::KeysMissing | Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
            Self::Overloaded => (StatusCode::BAD_GATEWAY, "temporarily_unavailable"),
            Self::NoRevocation => (StatusCode::NOT_IMPLEMENTED, "unsupported_token_type"),
        }
    }

    /// Returns the advice that follows the description of what happened.
    fn advice(self, login_url: &str) -> String {
        match self {
            Self::NoAuthId => format!("Send one, or log in at {login_url} to get one"),
            Self::NotAnAuthId => format!("Copy the whole AuthID, or log in at {login_url}"),
            Self::LoginOver => format!("Log in again at {login_url}"),
            Self::OutsideNetworks => {
                format!("Use it from one of them, or log in again at {login_url}")
            }
            Self::OtherClient => format!(
                "Log in again at {login_url}, or ask the administrator to put the old client id \
                 back"
            ),
            Self::PerhapsOtherClient => {
                format!("Log in again at {login_url}. If that fails too, tell the administrator")
            }
            Self::Administrator | Self::KeysMissing => {
                "Tell the administrator of this OAuth server".into()
            }
            Self::Unavailable | Self::Overloaded => "Try again later".into(),
            Self::NoRevocation => REMOVE_THERE.into(),
        }
    }
}

/// An error for the user: what happened, and what to do.
#[derive(Debug)]
pub(in crate::server) struct ApiError {
    fault: Fault,
    /// One or two sentences, without a full stop at the end.
    happened: String,
    /// Advice in place of the usual one of the fault; empty if `happened` has it.
    advice: Option<String>,
    /// Time after which the client should try again, if it is known.
    pub(super) retry_after: Option<Duration>,
}

impl ApiError {
    pub(super) fn new(fault: Fault, happened: impl Into<String>) -> Self {
        Self {
            fault,
            happened: happened.into(),
            advice: None,
            retry_after: None,
        }
    }

    /// Makes an error for a client that may retry at once.
    pub(super) fn overloaded(happened: impl Into<String>) -> Self {
        Self::new(Fault::Overloaded, happened).after(Duration::from_secs(1))
    }

    /// Adds a sentence to the description of what happened.
    pub(super) fn add(mut self, sentence: &str) -> Self {
        self.happened = format!("{}. {sentence}", self.happened.trim_end_matches('.'));
        self
    }

    pub(super) fn advise(self, advice: impl Into<String>) -> Self {
        Self {
            advice: Some(advice.into()),
            ..self
        }
    }

    pub(super) fn after(self, retry_after: impl Into<Option<Duration>>) -> Self {
        Self {
            retry_after: retry_after.into(),
            ..self
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.fault.row().0
    }

    pub(super) fn code(&self) -> &'static str {
        self.fault.row().1
    }

    /// Returns what happened and what to do, in one line of ASCII without a full stop at
    /// its end: Duplicati adds one. `login_url` is where a new AuthID is to be had.
    pub(in crate::server) fn reason(&self, login_url: &str) -> String {
        let advice = match &self.advice {
            Some(advice) => advice.clone(),
            None => self.fault.advice(login_url),
        };
        let advice = one_line(&advice, MAX_REASON_CHARACTERS);
        if advice.is_empty() {
            return one_line(&self.happened, MAX_REASON_CHARACTERS);
        }
        // The address in the advice must not be cut.
        let left = MAX_REASON_CHARACTERS.saturating_sub(advice.len() + ". ".len());
        match one_line(&self.happened, left) {
            happened if happened.is_empty() => advice,
            happened => format!("{happened}. {advice}"),
        }
    }

    /// Returns what happened and what to do, as a page says it: in the language of the page by
    /// who can help, and in the words of the reason, which are English.
    pub(super) fn on_page(&self, language: Language, login_url: &str) -> Markup {
        let t = language.texts();
        let say = match self.fault {
            // At a revocation, a new login would leave this one as it is.
            Fault::LoginOver | Fault::OtherClient | Fault::PerhapsOtherClient
                if self.advice.is_some() =>
            {
                PageTexts::reason_remove_there
            }
            Fault::NoAuthId => PageTexts::reason_no_authid,
            Fault::NotAnAuthId => PageTexts::reason_not_an_authid,
            Fault::LoginOver => PageTexts::reason_login_over,
            Fault::OutsideNetworks => PageTexts::reason_outside_networks,
            Fault::OtherClient => PageTexts::reason_other_client,
            Fault::PerhapsOtherClient => PageTexts::reason_perhaps_other_client,
            Fault::Administrator => PageTexts::reason_administrator,
            Fault::KeysMissing => PageTexts::reason_keys_missing,
            Fault::Unavailable => PageTexts::reason_unavailable,
            Fault::Overloaded => PageTexts::reason_overloaded,
            Fault::NoRevocation => PageTexts::reason_no_revocation,
        };
        say(t, &self.words_on_page(language, login_url))
    }

    /// Returns the reason alone, as a page shows it.
    pub(super) fn words_on_page(&self, language: Language, login_url: &str) -> Markup {
        language.english(&(self.reason(login_url) + "."))
    }

    /// Makes a response for a client that shows its body to people: the reason as text.
    pub(in crate::server) fn into_text(self, login_url: &str) -> Reply {
        let reason = self.reason(login_url);
        let reply = reply::plain(self.status(), reason.clone());
        self.finish(reply, &reason)
    }

    /// Makes a JSON response with the members that scripts and OAuth libraries read.
    pub(in crate::server) fn into_json(self, login_url: &str) -> Reply {
        let (status, code) = self.fault.row();
        let reason = self.reason(login_url);
        let body = ApiErrorBody {
            error: code,
            error_description: &reason,
            status: status.as_u16(),
            code,
            message: &reason,
        };
        let reply = reply::json(status, &body);
        self.finish(reply, &reason)
    }

    fn finish(self, reply: Reply, reason: &str) -> Reply {
        let reply = reply::set_reason(reply, reason);
        reply::set_retry_after(reply, self.retry_after)
    }
}

/// JSON body of an error response. `status`, `code` and `message` are Box's names, `error`
/// and `error_description` those of RFC 6749.
#[derive(Serialize)]
struct ApiErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
    status: u16,
    code: &'a str,
    message: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN_URL: &str = "https://auth.example.com/?type=box.com";

    #[test]
    fn a_long_description_is_cut_and_the_address_stays_whole() {
        let error = ApiError::new(Fault::LoginOver, "x".repeat(1000));
        let reason = error.reason(LOGIN_URL);
        assert_eq!(reason.len(), MAX_REASON_CHARACTERS);
        assert!(reason.ends_with(LOGIN_URL), "{reason}");
    }

    #[test]
    fn a_reason_ends_without_a_full_stop_whatever_its_parts_end_with() {
        for (happened, advice) in [
            ("It failed.", "Wait."),
            ("It failed..", ""),
            ("It failed", "Wait"),
        ] {
            let error = ApiError::new(Fault::Unavailable, happened).advise(advice);
            let reason = error.reason(LOGIN_URL);
            assert!(!reason.ends_with('.') && !reason.contains(".."), "{reason}");
        }
    }
}
