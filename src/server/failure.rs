//! Error responses for clients that get no token: one exhaustive match from error to
//! status. Only statuses that installed clients handle correctly are used
//! (docs/endpoints.md): never 404, 409, 429 or 507.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use super::{Reply, reply};
use crate::{
    keyring::Unusable,
    limit::TooOften,
    oauth_server::OldAuthIdError,
    provider::{ProviderError, Refusal},
    refresh::{NewestUnknown, RefreshError, RevokeError},
    seal::{NotAnAuthId, OpenError},
    store::StoreError,
};

/// Maximum length of `X-Reason`: Duplicati shows it in one line of a message.
const MAX_REASON_CHARACTERS: usize = 300;

const LOG_IN_AGAIN: &str = "Log in again to get a new AuthID.";
const TRY_LATER: &str = "Try again later.";
pub(super) const TELL_ADMINISTRATOR: &str = "Tell the administrator of this OAuth server.";

/// A status, an error code of RFC 6749 section 5.2, and a reason with a remedy.
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) reason: String,
    /// Time after which the client should try again, if it is known.
    pub(super) retry_after: Option<Duration>,
    /// True if the response has `X-Reason`: the client shows it and stops. Without it,
    /// the client retries a 503 several times.
    has_reason: bool,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, reason: String) -> Self {
        Self {
            status,
            code,
            reason,
            retry_after: None,
            has_reason: true,
        }
    }

    fn after(self, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..self
        }
    }

    /// Makes a failure for a client that may retry at once.
    fn overloaded(reason: String) -> Self {
        let code = "temporarily_unavailable";
        Self {
            has_reason: false,
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, reason).after(Duration::from_secs(1))
        }
    }

    /// Makes a failure for AuthIDs that can't be opened because keys are missing on this
    /// server. A new login does not help, and every client tries again.
    fn without_keys(reason: String) -> Self {
        let code = "temporarily_unavailable";
        Self::new(StatusCode::BAD_GATEWAY, code, reason).after(Duration::from_secs(5))
    }

    /// Makes the failure of a server that waits for keys or revocations.
    pub(super) fn of_waiting() -> Self {
        Self::without_keys(format!(
            "This server waits for its keys, which are not there. {TELL_ADMINISTRATOR}"
        ))
    }

    /// Makes the failure of a refresh.
    pub(super) fn of_refresh(error: &RefreshError) -> Self {
        let unauthorized = |helps| {
            let reason = format!("{}. {helps}", capitalised(&error.to_string()));
            Self::new(StatusCode::UNAUTHORIZED, "invalid_grant", reason)
        };
        match error {
            RefreshError::Open(OpenError::NotAnAuthId(why)) => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_request", not_one(*why))
            }
            RefreshError::Open(
                OpenError::Key(Unusable::Unknown | Unusable::Retired)
                | OpenError::Tampered
                | OpenError::WrongService,
            )
            | RefreshError::Old(OldAuthIdError::Unknown | OldAuthIdError::Useless)
            | RefreshError::Revoked => unauthorized(LOG_IN_AGAIN),
            RefreshError::Open(OpenError::Key(Unusable::Missing)) => Self::without_keys(format!(
                "{}. {TELL_ADMINISTRATOR}",
                capitalised(&error.to_string())
            )),
            RefreshError::Old(OldAuthIdError::Busy) => {
                Self::overloaded(format!("{}.", capitalised(&error.to_string())))
            }
            RefreshError::Old(OldAuthIdError::Unreadable) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                format!("{}. {TELL_ADMINISTRATOR}", capitalised(&error.to_string())),
            ),
            RefreshError::TooOften(TooOften { retry_after })
            | RefreshError::TooManyOld(TooOften { retry_after }) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                format!(
                    "{}. Wait {} minutes.",
                    capitalised(&error.to_string()),
                    retry_after.as_secs().div_ceil(60)
                ),
            )
            .after(*retry_after),
            RefreshError::NotOffered { .. } => unauthorized(TELL_ADMINISTRATOR),
            RefreshError::Provider { provider, error } => Self::of_provider(provider, error),
            RefreshError::NewestUnknown { provider, why } => newest_unknown(provider, why),
            RefreshError::Forgotten { provider, refusal } => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_grant",
                refused(refusal, || {
                    format!(
                        "{provider} no longer accepts this login. It takes each refresh token \
                         once, and this server forgets newer ones when it is restarted, for it \
                         has no AUTHSEAL_STORE_URL. {LOG_IN_AGAIN}"
                    )
                }),
            ),
            RefreshError::AnswerLost { provider, refusal } => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_grant",
                refused(refusal, || {
                    format!(
                        "{provider} no longer accepts this login. It takes each refresh token \
                         once, and an earlier refresh brought no usable answer. {LOG_IN_AGAIN}"
                    )
                }),
            ),
            RefreshError::Lost => Self::new(
                StatusCode::BAD_GATEWAY,
                "server_error",
                format!("The refresh was lost by a fault of this server. {TRY_LATER}"),
            ),
        }
    }

    /// Makes the failure of a revocation.
    pub(super) fn of_revocation(error: &RevokeError) -> Self {
        match error {
            RevokeError::Refresh(error) => Self::of_refresh(error),
            RevokeError::OnlyAtProvider { service } => Self::new(
                StatusCode::NOT_IMPLEMENTED,
                "unsupported_token_type",
                format!(
                    "{} has no call that revokes: remove the access in the settings of your \
                     account there.",
                    service.provider.name
                ),
            ),
        }
    }

    /// Makes the failure of a provider that gave no token.
    pub(super) fn of_provider(provider: &str, error: &ProviderError) -> Self {
        match error {
            ProviderError::GrantRefused(refusal) => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_grant",
                refused(refusal, || {
                    format!(
                        "{provider} no longer accepts this login: it has expired, was used up, or \
                         access was withdrawn. {LOG_IN_AGAIN}"
                    )
                }),
            ),
            ProviderError::ClientRejected(refusal) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                refused(refusal, || {
                    format!(
                        "{provider} rejects this OAuth server's client id or secret. \
                         {TELL_ADMINISTRATOR}"
                    )
                }),
            ),
            ProviderError::RequestRefused(refusal) => Self::new(
                StatusCode::BAD_GATEWAY,
                "server_error",
                refused(refusal, || {
                    format!("{provider} refused the request. {TELL_ADMINISTRATOR}")
                }),
            ),
            ProviderError::UnknownRegion => Self::new(
                StatusCode::BAD_GATEWAY,
                "server_error",
                format!("{provider}: {error}. {TELL_ADMINISTRATOR}"),
            ),
            ProviderError::Busy { .. }
            | ProviderError::Failing { .. }
            | ProviderError::Nonsense { .. }
            | ProviderError::Unreachable { .. }
            | ProviderError::BrokenOff { .. }
            | ProviderError::Withheld => Self::new(
                StatusCode::BAD_GATEWAY,
                "temporarily_unavailable",
                format!("{provider} gave no token: {error}. {TRY_LATER}"),
            ),
            ProviderError::Resting { retry_after } => Self::new(
                StatusCode::BAD_GATEWAY,
                "temporarily_unavailable",
                format!("{provider} has not answered several times in a row. {TRY_LATER}"),
            )
            .after(*retry_after),
            ProviderError::Crowded => {
                Self::overloaded(format!("Too many refreshes wait for {provider}."))
            }
            ProviderError::TooSlow => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "temporarily_unavailable",
                format!("{provider} did not answer in time. {TRY_LATER}"),
            ),
        }
    }

    /// Returns a JSON response with the members that every backend reads, and `X-Reason`.
    pub(super) fn into_json(self) -> Reply {
        let reason = one_line(&self.reason);
        let body = Body {
            error: self.code,
            error_description: &reason,
            status: self.status.as_u16(),
            code: self.code,
            message: &reason,
        };
        let mut reply = reply::json(self.status, &body);
        if self.has_reason {
            reply = reply::set_reason(reply, &reason);
        }
        match self.retry_after {
            Some(retry_after) => reply::set_retry_after(reply, retry_after),
            None => reply,
        }
    }
}

/// JSON body of an error response. Box reads `status`, `code` and `message`; OAuth
/// libraries read `error` and `error_description`.
#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: &'a str,
    status: u16,
    code: &'a str,
    message: &'a str,
}

fn not_one(why: NotAnAuthId) -> String {
    let hint = match why {
        NotAnAuthId::Missing => "send it in the X-AuthID header",
        NotAnAuthId::TooLong | NotAnAuthId::Form(_) => "copy the whole AuthID, or log in again",
    };
    format!("{}: {hint}.", capitalised(&why.to_string()))
}

/// Makes the failure of a login whose newest refresh token can't be read here. The older
/// token is not used, because sending it could end the login.
fn newest_unknown(provider: &str, why: &NewestUnknown) -> Failure {
    let unavailable = |reason| {
        let code = "temporarily_unavailable";
        Failure::new(StatusCode::BAD_GATEWAY, code, reason)
    };
    match why {
        NewestUnknown::Sealed(OpenError::Key(Unusable::Retired)) => Failure::new(
            StatusCode::UNAUTHORIZED,
            "invalid_grant",
            format!("The key that sealed the newest {provider} token was retired. {LOG_IN_AGAIN}"),
        ),
        NewestUnknown::Sealed(_) => unavailable(format!(
            "The newest {provider} token of this login does not open with the keys of this \
             server. {TELL_ADMINISTRATOR}"
        )),
        NewestUnknown::Store(StoreError::Held) => unavailable(format!(
            "Another server takes long to refresh this {provider} login. {TRY_LATER}"
        )),
        NewestUnknown::Store(StoreError::Owed { free_in }) => unavailable(format!(
            "Another server that refreshed this {provider} login has not stored the new token. It \
             is waited for, {} more, because sending the old token could end the login. Try again \
             then.",
            in_words(*free_in)
        ))
        .after(*free_in),
        NewestUnknown::Store(StoreError::Lost) => unavailable(format!(
            "Another server has taken over the refresh of this {provider} login. {TRY_LATER}"
        )),
        NewestUnknown::Store(_) => unavailable(format!(
            "This server's store, which has the newest {provider} token of this login, does not \
             answer. {TRY_LATER}"
        )),
    }
}

fn in_words(duration: Duration) -> String {
    match duration.as_secs().div_ceil(60) {
        0 | 1 => "a minute".into(),
        minutes => format!("{minutes} minutes"),
    }
}

/// Returns the advice from providers.toml, or the general sentence, with the error code.
fn refused(refusal: &Refusal, general: impl FnOnce() -> String) -> String {
    let sentence = refusal.advice.clone().unwrap_or_else(general);
    format!("{sentence} ({})", refusal.code)
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

/// Makes a sentence from the text of an error.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
