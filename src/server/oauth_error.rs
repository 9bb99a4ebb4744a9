//! Error responses for OAuth libraries: RFC 6749 section 5.2, with its statuses. Those
//! for Duplicati are in `failure`.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::{
    Reply,
    failure::{Failure, one_line},
    input::{Form, Repeated},
    reply,
};
use crate::{
    listen::Body,
    refresh::{RefreshError, RevokeError},
    seal::{NotAnAuthId, OpenError},
};

/// An error code, and a description for people.
pub(super) struct OAuthError {
    code: &'static str,
    description: String,
    /// Time after which the client should try again, if it is known.
    retry_after: Option<Duration>,
}

impl OAuthError {
    /// Makes an error with this code.
    pub(super) fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
            retry_after: None,
        }
    }

    /// Makes an error for a request that does not follow RFC 6749.
    pub(super) fn invalid_request(description: impl Into<String>) -> Self {
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

    /// Makes the response of section 5.2.
    pub(super) fn into_reply(self) -> Reply {
        let status = self.status();
        // Neither character is allowed in an error_description.
        let description = one_line(&self.description)
            .replace('"', "'")
            .replace('\\', "/");
        let body = ErrorResponse {
            error: self.code,
            error_description: &description,
        };
        let reply = reply::oauth(status, &body);
        match self.retry_after {
            Some(retry_after) => reply::set_retry_after(reply, retry_after),
            None => reply,
        }
    }
}

#[derive(Serialize)]
struct ErrorResponse<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl From<Failure> for OAuthError {
    fn from(failure: Failure) -> Self {
        Self {
            code: failure.code,
            description: failure.reason,
            retry_after: failure.retry_after,
        }
    }
}

impl From<RefreshError> for OAuthError {
    fn from(error: RefreshError) -> Self {
        let failure = Failure::of_refresh(&error);
        match error {
            // The client sent it as a refresh token, so the grant is invalid, whatever
            // its form.
            RefreshError::Open(OpenError::NotAnAuthId(_)) => {
                Self::new("invalid_grant", failure.reason)
            }
            _ => failure.into(),
        }
    }
}

impl From<RevokeError> for OAuthError {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::Refresh(error) => error.into(),
            error => Failure::of_revocation(&error).into(),
        }
    }
}

impl From<Repeated> for OAuthError {
    fn from(Repeated(name): Repeated) -> Self {
        Self::invalid_request(format!("{name} stands in the request twice."))
    }
}

/// Reads the form of an OAuth request. Parameters in the query are ignored (section 3.2).
pub(super) fn form(headers: &HeaderMap, body: &Body) -> Result<Form, OAuthError> {
    Form::read(headers, body).map_err(|why| {
        OAuthError::invalid_request(match why {
            NotAnAuthId::TooLong => "The request is too long.",
            NotAnAuthId::Missing | NotAnAuthId::Form(_) => "The request was cut short.",
        })
    })
}
