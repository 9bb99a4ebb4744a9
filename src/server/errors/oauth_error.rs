//! Error responses for OAuth libraries: RFC 6749 section 5.2, with its statuses. Those
//! for Duplicati are in `api_error`.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use super::{
    ApiError,
    reason::{MAX_REASON_CHARACTERS, one_line},
};
use crate::{
    refresh::{RefreshError, RevokeError},
    seal::{NotAnAuthId, OpenError},
    server::{Reply, input::Repeated, reply},
};

/// An error code, and a description for people.
pub(in crate::server) struct OAuthError {
    code: &'static str,
    description: Description,
    /// Time after which the client should try again, if it is known.
    retry_after: Option<Duration>,
}

/// What happened, and what to do.
enum Description {
    Text(String),
    /// Its advice names the page where one logs in.
    Of(ApiError),
}

impl OAuthError {
    /// Makes an error with this code.
    pub(in crate::server) fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self {
            code,
            description: Description::Text(description.into()),
            retry_after: None,
        }
    }

    /// Makes an error for a request that does not follow RFC 6749.
    pub(in crate::server) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    /// Returns the status. RFC 6749 uses 400 for errors of the client or its grant. Its
    /// codes for 500 and 503 exist because a redirect has no status (section 4.1.2.1);
    /// this response has one. 401 is for a client that failed to authenticate, and here
    /// no client has to.
    fn status(&self) -> StatusCode {
        match self.code {
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Makes the response of section 5.2. `login_url` is where a new AuthID is to be had.
    pub(in crate::server) fn into_reply(self, login_url: &str) -> Reply {
        let status = self.status();
        let description = match self.description {
            Description::Text(text) => one_line(&text, MAX_REASON_CHARACTERS),
            Description::Of(error) => error.reason(login_url),
        };
        // Neither character is allowed in an error_description.
        let description = description.replace('"', "'").replace('\\', "/");
        let body = OAuthErrorBody {
            error: self.code,
            error_description: &description,
        };
        let reply = reply::oauth(status, &body);
        reply::set_retry_after(reply, self.retry_after)
    }
}

/// JSON body of section 5.2.
#[derive(Serialize)]
struct OAuthErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl From<ApiError> for OAuthError {
    fn from(error: ApiError) -> Self {
        Self {
            code: error.code(),
            retry_after: error.retry_after,
            description: Description::Of(error),
        }
    }
}

impl From<RefreshError> for OAuthError {
    fn from(error: RefreshError) -> Self {
        let mut oauth_error = Self::from(ApiError::of_refresh(&error));
        if let RefreshError::Open(OpenError::NotAnAuthId(_)) = error {
            // The client sent the text as a refresh token, so the grant is invalid.
            oauth_error.code = "invalid_grant";
        }
        oauth_error
    }
}

impl From<RevokeError> for OAuthError {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::Refresh(error @ RefreshError::Open(_)) => error.into(),
            error => ApiError::of_revocation(&error).into(),
        }
    }
}

impl From<Repeated> for OAuthError {
    fn from(Repeated(name): Repeated) -> Self {
        Self::invalid_request(format!("{name} stands in the request twice. Send it once."))
    }
}

/// Error of a form that can't be read.
impl From<NotAnAuthId> for OAuthError {
    fn from(why: NotAnAuthId) -> Self {
        Self::invalid_request(match why {
            NotAnAuthId::TooLong => "The request is too long. Send nothing but the AuthID.",
            NotAnAuthId::Missing | NotAnAuthId::Form(_) => {
                "The request was cut short. Send it again."
            }
        })
    }
}
