//! Failures at a provider, distinguished by whose fault they are.

use std::time::Duration;

use http::{
    HeaderMap, Response, StatusCode,
    header::{DATE, HeaderName, RETRY_AFTER},
};
use oauth2::{RequestTokenError, basic::BasicErrorResponse};
use thiserror::Error;

use super::{
    CallPhase, Cure, Provider, Refusal, error_answer::ErrorAnswer, error_code::is_of_the_client,
};
use crate::outbound::OutboundError;

/// Longest `Retry-After` that a refresh waits for.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A provider gave no tokens.
///
/// The error never holds the provider's body, which can hold tokens, but only a checked
/// error code.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProviderError {
    /// The grant is dead (`invalid_grant`); at a login, its code or login token is. Log in
    /// again.
    #[error("the provider does not accept this grant ({0})")]
    GrantRefused(Refusal),
    /// This server's client id or secret is wrong. Tell the administrator.
    #[error("the provider rejects this server's client id or secret ({0})")]
    ClientRejected(Refusal),
    /// The provider refuses the request for another reason. The refusal says whose turn it
    /// is; if it does not, tell the administrator.
    #[error("the provider refuses the request ({0})")]
    RequestRefused(Refusal),
    /// The provider asks for fewer requests, for example by status 429. Try again later.
    #[error("the provider asks to slow down (HTTP {status})")]
    Busy {
        /// Its HTTP status.
        status: u16,
        /// Its `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The provider's servers fail. Try again later.
    #[error("the provider fails (HTTP {status}{})", with_comma(refusal.as_deref()))]
    Failing {
        /// Its HTTP status.
        status: u16,
        /// Its `Retry-After`.
        retry_after: Option<Duration>,
        /// Its error codes, if it sent any.
        refusal: Option<Box<Refusal>>,
    },
    /// The answer is not that of a token endpoint. Try again later; if it stays, the URL in
    /// the provider's table may be wrong.
    #[error("the provider's answer is no token response: {what}")]
    Nonsense {
        /// Description of the answer; never its body.
        what: String,
    },
    /// The provider cannot be reached, and nothing was sent. Try again later.
    #[error("{cause}")]
    Unreachable {
        /// Host and cause.
        cause: String,
    },
    /// The connection broke before the answer was complete. The provider may or may not
    /// have carried out the request. Try again later.
    #[error("{cause}")]
    BrokenOff {
        /// The host.
        cause: String,
    },
    /// The provider did not answer before the deadline. Try again later.
    #[error("the provider did not answer in time")]
    TooSlow,
    /// The provider has failed several times in a row and is not called for a while.
    /// Nothing was sent. Try again after that time.
    #[error("the provider has not answered several times in a row")]
    Resting {
        /// Time until the provider is called again.
        retry_after: Duration,
    },
    /// The queue for the provider is full. Nothing was sent. Try again at once.
    #[error("too many calls wait for the provider")]
    Crowded,
    /// The permit to send the refresh token was refused at the last moment. Nothing was
    /// sent. Try again later.
    #[error("the refresh token was not sent, because another server may be using it")]
    Withheld,
    /// The account is in a region that providers.toml does not list. Nothing was sent. Tell
    /// the administrator.
    #[error("the account is in a region that providers.toml does not list")]
    UnknownRegion,
}

fn with_comma(refusal: Option<&Refusal>) -> String {
    refusal.map_or(String::new(), |refusal| format!(", {refusal}"))
}

impl From<OutboundError> for ProviderError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Connect { .. } => Self::Unreachable {
                cause: error.to_string(),
            },
            OutboundError::Broken { .. } => Self::BrokenOff {
                cause: error.to_string(),
            },
            OutboundError::TooLarge { .. } | OutboundError::NotHttp { .. } => Self::Nonsense {
                what: error.to_string(),
            },
            OutboundError::Withheld => Self::Withheld,
        }
    }
}

impl ProviderError {
    /// True if the provider may have used up the refresh token, and its replacement did not
    /// arrive.
    pub fn leaves_open_what_was_done(&self) -> bool {
        match self {
            Self::BrokenOff { .. }
            | Self::TooSlow
            | Self::Failing { .. }
            | Self::Nonsense { .. } => true,
            Self::GrantRefused(_)
            | Self::ClientRejected(_)
            | Self::RequestRefused(_)
            | Self::Busy { .. }
            | Self::Unreachable { .. }
            | Self::Resting { .. }
            | Self::Crowded
            | Self::Withheld
            | Self::UnknownRegion => false,
        }
    }

    /// Returns the pause before the same request may be sent again, at least `pause`.
    /// `None` if it must not be, or if that would not help: after a refusal, and after a
    /// lost answer to a refresh token that may be used up by now.
    ///
    /// `token_stays` says that the provider takes the refresh token again after such an answer.
    pub(super) fn pause_before_retry(
        &self,
        token_stays: bool,
        pause: Duration,
    ) -> Option<Duration> {
        match self {
            Self::Unreachable { .. } => Some(pause),
            Self::Failing {
                retry_after: Some(asked),
                ..
            } => (token_stays && *asked <= LONGEST_PAUSE).then_some(pause.max(*asked)),
            // The provider says that it was asked too often.
            Self::Failing {
                status,
                refusal: Some(refusal),
                ..
            } if *status < 500 && refusal.cure == Some(Cure::Wait) => None,
            Self::Failing { .. } | Self::BrokenOff { .. } | Self::Nonsense { .. } => {
                token_stays.then_some(pause)
            }
            Self::Busy { retry_after, .. } => {
                let asked = retry_after.filter(|asked| token_stays && *asked <= LONGEST_PAUSE)?;
                Some(asked.max(pause))
            }
            Self::GrantRefused(_)
            | Self::ClientRejected(_)
            | Self::RequestRefused(_)
            | Self::TooSlow
            | Self::Resting { .. }
            | Self::Crowded
            | Self::Withheld
            | Self::UnknownRegion => None,
        }
    }

    /// Returns the refusal, if the provider refused.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::GrantRefused(refusal)
            | Self::ClientRejected(refusal)
            | Self::RequestRefused(refusal) => Some(refusal),
            Self::Failing { refusal, .. } => refusal.as_deref(),
            _ => None,
        }
    }

    /// Returns the time after which the provider wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } | Self::Failing { retry_after, .. } => *retry_after,
            Self::Resting { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// Converts an error of the `oauth2` crate, which can hold a raw body.
    pub(super) fn from_token_call(
        error: RequestTokenError<Self, BasicErrorResponse>,
        provider: &Provider,
        phase: CallPhase,
    ) -> Self {
        match error {
            RequestTokenError::Request(error) => error,
            RequestTokenError::Parse(_, body) => {
                Self::from_success_without_tokens(&body, provider, phase)
            }
            // The first never comes: the token endpoint turns every status but 200 into an error.
            RequestTokenError::ServerResponse(_) | RequestTokenError::Other(_) => {
                Self::nonsense(&[])
            }
        }
    }

    /// Reads an answer with status 200 that has no tokens.
    pub(super) fn from_success_without_tokens(
        body: &[u8],
        provider: &Provider,
        phase: CallPhase,
    ) -> Self {
        match ErrorAnswer::read(body) {
            Some(error) => Self::refused(error, 200, None, provider, phase),
            None => Self::nonsense(body),
        }
    }

    /// Reads an answer that is no success. Some providers send the error of RFC 6749 section 5.2
    /// with a status of their own, such as 200 or 403.
    pub(super) fn from_answer<B: AsRef<[u8]>>(
        answer: &Response<B>,
        provider: &Provider,
        phase: CallPhase,
    ) -> Self {
        let (status, body) = (answer.status(), answer.body().as_ref());
        let retry_after = retry_after(answer.headers());
        let number = status.as_u16();
        let error = ErrorAnswer::read(body);
        let of_a_token_endpoint = ErrorAnswer::is_of_a_token_endpoint;
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Self::Busy {
                status: number,
                retry_after,
            };
        }
        if status.is_server_error() {
            let error = error.filter(of_a_token_endpoint);
            return Self::Failing {
                status: number,
                retry_after,
                refusal: error.map(|error| Box::new(error.refusal(provider, phase))),
            };
        }
        let is_usual = matches!(
            status,
            StatusCode::OK | StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED
        );
        let is_read = |error: &ErrorAnswer| {
            let is_its_own = of_a_token_endpoint(error) || error.has_known_words(provider, phase);
            is_usual || (status.is_client_error() && is_its_own)
        };
        match error.filter(is_read) {
            Some(error) => Self::refused(error, number, retry_after, provider, phase),
            None if is_usual => Self::nonsense(body),
            None => Self::Nonsense {
                what: format!("HTTP {number}"),
            },
        }
    }

    fn nonsense(body: &[u8]) -> Self {
        let what = match body.is_empty() {
            true => "an empty answer",
            false => "not the JSON of a token endpoint",
        };
        Self::Nonsense { what: what.into() }
    }

    fn refused(
        answer: ErrorAnswer,
        status: u16,
        retry_after: Option<Duration>,
        provider: &Provider,
        phase: CallPhase,
    ) -> Self {
        let refusal = answer.refusal(provider, phase);
        let is = |codes: &[&str]| codes.contains(&refusal.code.as_str());
        let failing = |refusal: Refusal| Self::Failing {
            status,
            retry_after,
            refusal: Some(Box::new(refusal)),
        };
        let is_client = is_of_the_client(&refusal.code);
        match refusal.cure {
            Some(Cure::Login) => return Self::GrantRefused(refusal),
            Some(Cure::User | Cure::Organisation) => return Self::RequestRefused(refusal),
            Some(Cure::Server) if is_client => return Self::ClientRejected(refusal),
            Some(Cure::Server) => return Self::RequestRefused(refusal),
            Some(Cure::Wait) => return failing(refusal),
            None => {}
        }
        // The codes besides `invalid_grant` are Microsoft's and OpenID Connect's, for a grant
        // that works again only after its user has acted at the provider.
        if refusal.wants_the_user() || provider.is_grant_error(&refusal.code) {
            Self::GrantRefused(refusal)
        } else if is_client {
            Self::ClientRejected(refusal)
        } else if is(&["slow_down"]) {
            Self::Busy {
                status,
                retry_after,
            }
        } else if is(&["temporarily_unavailable", "server_error"]) {
            failing(refusal)
        } else {
            Self::RequestRefused(refusal)
        }
    }
}

/// Reads a number of seconds, or a date (RFC 9110 section 10.2.3), which counts from the
/// answer's own `Date`: the two clocks may differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let sent = httpdate::parse_http_date(text(DATE)?).ok()?;
    Some(until.duration_since(sent).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_sent_again_only_where_nothing_can_be_lost() {
        let pause = Duration::from_secs(1);
        let busy = |seconds: Option<u64>| ProviderError::Busy {
            status: 429,
            retry_after: seconds.map(Duration::from_secs),
        };
        let broken = ProviderError::BrokenOff {
            cause: String::new(),
        };
        let unreachable = ProviderError::Unreachable {
            cause: String::new(),
        };
        let check = |error: &ProviderError, token_stays, expected: Option<u64>| {
            let pause = error.pause_before_retry(token_stays, pause);
            assert_eq!(pause.map(|pause| pause.as_secs()), expected, "{error:?}");
        };
        check(&unreachable, true, Some(1));
        check(&unreachable, false, Some(1));
        check(&broken, true, Some(1));
        check(&broken, false, None);
        let failing = |seconds: Option<u64>| ProviderError::Failing {
            status: 503,
            retry_after: seconds.map(Duration::from_secs),
            refusal: None,
        };
        check(&failing(None), false, None);
        check(&failing(None), true, Some(1));
        check(&failing(Some(3)), true, Some(3));
        check(&failing(Some(3)), false, None);
        check(&failing(Some(60)), true, None);
        check(&busy(Some(0)), true, Some(1));
        check(&busy(Some(5)), true, Some(5));
        check(&busy(Some(6)), true, None);
        check(&busy(None), true, None);
        check(&busy(Some(1)), false, None);
        check(&ProviderError::TooSlow, true, None);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let date = "Fri, 27 Nov 2026 12:00:00 GMT";
        for (value, date, expected) in [
            ("120", None, Some(120)),
            (" 7 ", Some(date), Some(7)),
            ("Fri, 27 Nov 2026 12:01:30 GMT", Some(date), Some(90)),
            ("Fri, 27 Nov 2026 11:00:00 GMT", Some(date), Some(0)),
            ("Fri, 27 Nov 2026 12:01:30 GMT", None, None),
            ("soon", Some(date), None),
            ("-1", Some(date), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            let found = retry_after(&headers).map(|after| after.as_secs());
            assert_eq!(found, expected, "{value}");
        }
    }
}
