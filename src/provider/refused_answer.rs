//! Answers that are no success, read into the error that says whose turn it is.

use std::time::Duration;

use http::{
    HeaderMap, Response,
    header::{DATE, HeaderName, RETRY_AFTER},
};
use oauth2::{RequestTokenError, basic::BasicErrorResponse};

use super::{
    CallPhase, Cure, Provider, ProviderError, Refusal, error_answer::ErrorAnswer,
    error_code::is_of_the_client,
};

/// Status and `Retry-After` of an answer.
#[derive(Clone, Copy)]
struct Head {
    status: u16,
    retry_after: Option<Duration>,
}

impl ProviderError {
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
        let head = Head {
            status: 200,
            retry_after: None,
        };
        match ErrorAnswer::read(body) {
            Some(error) => Self::refused(error.refusal(provider, phase), head, provider),
            None => Self::nonsense(body),
        }
    }

    /// Reads an answer that is no success. Some providers send the error of RFC 6749 section 5.2
    /// with a status of their own, such as 200, 403 or 500.
    pub(super) fn from_answer<B: AsRef<[u8]>>(
        answer: &Response<B>,
        provider: &Provider,
        phase: CallPhase,
    ) -> Self {
        let (status, body) = (answer.status(), answer.body().as_ref());
        let error = ErrorAnswer::read(body);
        let asked = error.as_ref().and_then(ErrorAnswer::retry_after);
        let head = Head {
            status: status.as_u16(),
            retry_after: retry_after(answer.headers()).or(asked),
        };
        let is_its_own = |error: &ErrorAnswer| {
            error.is_of_a_token_endpoint() || error.is_known_to(provider, phase)
        };
        let refusal = |error: ErrorAnswer| error.refusal(provider, phase);
        if head.status == 429 || status.is_server_error() {
            return Self::passing(error.filter(is_its_own).map(refusal), head, provider);
        }
        let is_usual = matches!(head.status, 200 | 400 | 401);
        let error =
            error.filter(|error| is_usual || (status.is_client_error() && is_its_own(error)));
        // A page or a text, as some of the providers' own front servers send it.
        let of_text = || {
            let found = ErrorAnswer::of_text(body, provider, phase);
            found.filter(|_| status.is_client_error())
        };
        match error.or_else(of_text) {
            Some(error) => Self::refused(refusal(error), head, provider),
            None if is_usual => Self::nonsense(body),
            None => Self::Nonsense {
                what: format!("HTTP {}", head.status),
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

    /// Reads an answer whose status says that time helps. The provider's own code can say that
    /// it does not; the code of a standard cannot, because servers that fail send any.
    fn passing(refusal: Option<Refusal>, head: Head, provider: &Provider) -> Self {
        let Head {
            status,
            retry_after,
        } = head;
        let is_busy = status == 429;
        let refusal = match refusal {
            Some(refusal) if !is_busy && refusal.is_decided() => {
                return Self::refused(refusal, head, provider);
            }
            Some(refusal) => Some(Box::new(refusal.of_passing_fault())),
            None => None,
        };
        match is_busy {
            true => Self::Busy {
                status,
                retry_after,
                refusal,
            },
            false => Self::Failing {
                status,
                retry_after,
                refusal,
            },
        }
    }

    fn refused(refusal: Refusal, head: Head, provider: &Provider) -> Self {
        let Head {
            status,
            retry_after,
        } = head;
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
                refusal: Some(Box::new(refusal)),
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
