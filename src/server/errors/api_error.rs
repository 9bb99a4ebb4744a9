//! JSON error responses, for Duplicati and for scripts. Only statuses that installed
//! clients handle correctly are used (docs/endpoints.md): never 404, 409, 429 or 507.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use crate::server::{Reply, reply};

/// Maximum length of `X-Reason`: Duplicati shows it in one line of a message.
const MAX_REASON_CHARACTERS: usize = 300;

/// Fault behind an error, by who or what can help. [`Fault::row`] has its status.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The request has no AuthID. The user must send one.
    NotAnAuthId,
    /// The login is over. The user must log in again.
    LoginOver,
    /// The service is no longer offered. The administrator can help.
    NotOffered,
    /// The settings or files of this server are wrong. The administrator can help.
    Misconfigured,
    /// The provider refused the request for good, or this server has a bug.
    Failed,
    /// The provider, the store or the keys are away. Time can help.
    Unavailable,
    /// The provider did not answer in time. Time can help.
    TooSlow,
    /// The client exceeded a rate limit. It must wait.
    TooOften,
    /// Too many clients ask at once. The client may retry within a second.
    Overloaded,
    /// The provider has no call that revokes. The user can do it there.
    NoRevocation,
}

impl Fault {
    /// Returns the status, the error code of RFC 6749 section 5.2, and true if the
    /// response has `X-Reason`. With it, Duplicati shows the reason of a 503 and stops;
    /// without it, Duplicati retries several times.
    fn row(self) -> (StatusCode, &'static str, bool) {
        match self {
            Self::NotAnAuthId => (StatusCode::BAD_REQUEST, "invalid_request", true),
            Self::LoginOver => (StatusCode::UNAUTHORIZED, "invalid_grant", true),
            Self::NotOffered => (StatusCode::UNAUTHORIZED, "invalid_grant", true),
            Self::Misconfigured => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", true),
            Self::Failed => (StatusCode::BAD_GATEWAY, "server_error", true),
            Self::Unavailable => (StatusCode::BAD_GATEWAY, "temporarily_unavailable", true),
            Self::TooSlow => (StatusCode::GATEWAY_TIMEOUT, "temporarily_unavailable", true),
            Self::TooOften => (
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                true,
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                false,
            ),
            Self::NoRevocation => (StatusCode::NOT_IMPLEMENTED, "unsupported_token_type", true),
        }
    }
}

/// An error with a reason for the user, which says what happened and what to do.
#[derive(Debug)]
pub(in crate::server) struct ApiError {
    fault: Fault,
    pub(super) reason: String,
    /// Time after which the client should try again, if it is known.
    pub(super) retry_after: Option<Duration>,
}

impl ApiError {
    pub(super) fn new(fault: Fault, reason: String) -> Self {
        Self {
            fault,
            reason,
            retry_after: None,
        }
    }

    /// Makes an error for a client that may retry at once.
    pub(super) fn overloaded(reason: String) -> Self {
        Self::new(Fault::Overloaded, reason).after(Duration::from_secs(1))
    }

    pub(super) fn after(self, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..self
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.fault.row().0
    }

    pub(super) fn code(&self) -> &'static str {
        self.fault.row().1
    }

    /// Makes a JSON response with the members that every backend reads.
    pub(in crate::server) fn into_json(self) -> Reply {
        let (status, code, has_reason) = self.fault.row();
        let reason = one_line(&self.reason);
        let body = ApiErrorBody {
            error: code,
            error_description: &reason,
            status: status.as_u16(),
            code,
            message: &reason,
        };
        let mut reply = reply::json(status, &body);
        if has_reason {
            reply = reply::set_reason(reply, &reason);
        }
        reply::set_retry_after(reply, self.retry_after)
    }
}

/// JSON body of an error response. Box reads `status`, `code` and `message`; OAuth
/// libraries read `error` and `error_description`.
#[derive(Serialize)]
struct ApiErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
    status: u16,
    code: &'a str,
    message: &'a str,
}

/// Returns one line of printable ASCII, short enough for a message box.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            ' '..='~' => char,
            '\t' | '\r' | '\n' => ' ',
            _ => '?',
        })
        .take(MAX_REASON_CHARACTERS)
        .collect()
}
