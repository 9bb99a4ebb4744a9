//! Failures at a provider, distinguished by whose fault they are.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use oauth2::{RequestTokenError, basic::BasicErrorResponse};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::Provider;
use crate::outbound::OutboundError;

/// Longest `Retry-After` that a refresh waits for.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Error codes for a client id or secret that the provider does not accept: those of RFC
/// 6749 section 5.2, Google's for an application that was deleted, disabled or restricted
/// in its console, and Zoho's and GitHub's for a wrong id or secret.
const CLIENT_ERRORS: [&str; 8] = [
    "invalid_client",
    "unauthorized_client",
    "deleted_client",
    "disabled_client",
    "restricted_client",
    "invalid_client_id",
    "invalid_client_secret",
    "incorrect_client_credentials",
];

/// A provider gave no tokens.
///
/// The error never holds the provider's body, which can hold tokens, but only a checked
/// error code.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProviderError {
    /// The grant is dead (`invalid_grant`). Log in again.
    #[error("the provider no longer accepts this grant ({})", .0.code)]
    GrantRefused(Refusal),
    /// This server's client id or secret is wrong. Tell the administrator.
    #[error("the provider rejects this server's client id or secret ({})", .0.code)]
    ClientRejected(Refusal),
    /// The provider refuses the request for another reason of RFC 6749. Tell the
    /// administrator.
    #[error("the provider refuses the request ({})", .0.code)]
    RequestRefused(Refusal),
    /// The provider asks for fewer requests, for example by status 429. Try again later.
    #[error("the provider asks to slow down (HTTP {status})")]
    Busy {
        /// Its HTTP status.
        status: u16,
        /// Its `Retry-After`, if that is a number of seconds.
        retry_after: Option<Duration>,
    },
    /// The provider's servers fail. Try again later.
    #[error("the provider fails (HTTP {status})")]
    Failing {
        /// Its HTTP status.
        status: u16,
    },
    /// The answer is not that of a token endpoint. Try again later; if it stays, the URL in
    /// the provider's table may be wrong.
    #[error("the provider's answer makes no sense: {what}")]
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
    #[error("the account is at a place that providers.toml does not allow")]
    UnknownRegion,
}

/// An error answer of RFC 6749 section 5.2, reduced to what may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error code.
    pub code: String,
    /// Advice from providers.toml.
    pub advice: Option<String>,
    /// True if the provider says by this error, as providers.toml knows, that the refresh
    /// token was issued to another client id.
    pub of_another_client: bool,
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

    /// For a status that no token answer has.
    pub(super) fn from_status(status: StatusCode, headers: &HeaderMap) -> Self {
        let number = status.as_u16();
        match status {
            StatusCode::TOO_MANY_REQUESTS => Self::Busy {
                status: number,
                retry_after: retry_after(headers),
            },
            _ if status.is_server_error() => Self::Failing { status: number },
            _ => Self::Nonsense {
                what: format!("HTTP {number}"),
            },
        }
    }

    /// Converts an error of the `oauth2` crate, which can hold a raw body.
    pub(super) fn from_token_call(
        error: RequestTokenError<Self, BasicErrorResponse>,
        provider: &Provider,
    ) -> Self {
        match error {
            RequestTokenError::Request(error) => error,
            RequestTokenError::ServerResponse(response) => {
                let words = response.error_description().map_or("", String::as_str);
                Self::refused(response.error().as_ref(), words, provider)
            }
            RequestTokenError::Parse(_, body) => Self::from_body(&body, provider),
            RequestTokenError::Other(_) => Self::Nonsense {
                what: "an empty answer".into(),
            },
        }
    }

    /// Reads the error in a body: some providers send it with status 200, or with members
    /// of their own.
    pub(super) fn from_body(body: &[u8], provider: &Provider) -> Self {
        match serde_json::from_slice::<ErrorBody>(body) {
            Ok(body) => {
                let number = body.result.as_i64();
                let number = number.map_or(String::new(), |result| result.to_string());
                Self::refused(&body.code(), &number, provider)
            }
            Err(_) => Self::Nonsense {
                what: "not the JSON of a token endpoint".into(),
            },
        }
    }

    fn refused(code: &str, words: &str, provider: &Provider) -> Self {
        let advice = provider.advice_on(code, words);
        let code = checked_code(code);
        let of_another_client = provider.speaks_of_another_client(&code, words);
        let refusal = |code| Refusal {
            code,
            advice,
            of_another_client,
        };
        let is = |codes: &[&str]| codes.contains(&code.as_str());
        // The codes after `invalid_grant` are Microsoft's and OpenID Connect's, for a grant
        // that works again only after its user has acted at the provider.
        if is(&[
            "invalid_grant",
            "interaction_required",
            "login_required",
            "consent_required",
        ]) || provider.grant_errors.contains(&code)
        {
            Self::GrantRefused(refusal(code))
        } else if is(&CLIENT_ERRORS) {
            Self::ClientRejected(refusal(code))
        } else if is(&["slow_down"]) {
            Self::Busy {
                status: 400,
                retry_after: None,
            }
        } else if is(&["temporarily_unavailable", "server_error"]) {
            Self::Failing { status: 400 }
        } else {
            Self::RequestRefused(refusal(code))
        }
    }
}

impl Provider {
    /// Finds the advice of providers.toml on an error code and its description.
    pub fn advice_on(&self, code: &str, words: &str) -> Option<String> {
        // The provider's description is more precise than the standard's code.
        advice(&self.advice, words).or_else(|| advice(&self.advice, code))
    }

    /// True if an error code or its description means, by providers.toml, that the refresh
    /// token was issued to another client id.
    fn speaks_of_another_client(&self, code: &str, words: &str) -> bool {
        let signs = &self.other_client_errors;
        signs
            .iter()
            .any(|sign| code == sign || has_word(words, sign))
    }
}

/// Reads a number of seconds (RFC 9110 section 10.2.3); a date is not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// The member that RFC 6749 section 5.2 requires, and pCloud's and Huawei's own.
#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorCode,
    #[serde(default)]
    result: Value,
    /// Huawei's more precise number.
    #[serde(default)]
    sub_error: Value,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorCode {
    Word(String),
    Number(u32),
}

impl ErrorBody {
    fn code(&self) -> String {
        match &self.error {
            ErrorCode::Word(word) => word.clone(),
            ErrorCode::Number(number) => {
                let precise = self.sub_error.as_u64();
                precise.unwrap_or(u64::from(*number)).to_string()
            }
        }
    }
}

/// Returns an error code that is a short word, or a number of at most eight digits. RFC 6749
/// section 5.2 allows more, but any other text could be a token that the provider echoes.
fn checked_code(code: &str) -> String {
    let is_number = (1..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    if is_word(code) || is_number {
        code
    } else {
        "unknown error code"
    }
    .to_owned()
}

/// True for a word such as those of RFC 6749 section 5.2.
fn is_word(code: &str) -> bool {
    let is_of_one = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (1..=40).contains(&code.len()) && code.bytes().all(is_of_one)
}

/// True for the JSON of RFC 6749 section 5.2. Other programs that answer with a 4xx have
/// `error` as well, as "Not Found" or a number.
pub(super) fn has_error_code(body: &[u8]) -> bool {
    let body = serde_json::from_slice::<ErrorBody>(body);
    body.is_ok_and(|body| matches!(body.error, ErrorCode::Word(word) if is_word(&word)))
}

/// Finds the advice whose key is a whole word of the text. The longest key wins.
fn advice(table: &BTreeMap<String, String>, text: &str) -> Option<String> {
    table
        .iter()
        .filter(|(key, _)| has_word(text, key))
        .max_by_key(|(key, _)| key.len())
        .map(|(_, advice)| advice.clone())
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        let is_edge = |char: Option<char>| char.is_none_or(|char| !char.is_alphanumeric());
        is_edge(before) && is_edge(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_found_by_whole_words_only() {
        let table: BTreeMap<String, String> = [
            ("AADSTS70000", "expired"),
            ("AADSTS700016", "no such application"),
            ("invalid_grant", "general"),
        ]
        .map(|(key, advice)| (key.into(), advice.into()))
        .into();
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(advice(&table, text).as_deref(), expected, "{text}");
        };
        check("AADSTS70000: The user", Some("expired"));
        check("x AADSTS700016: App", Some("no such application"));
        check("AADSTS7000001", None);
        check("AADSTS70000 AADSTS700016", Some("no such application"));
        check("invalid_grant", Some("general"));
        check("invalid_grants", None);
    }

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
        check(&ProviderError::Failing { status: 500 }, false, None);
        check(&busy(Some(0)), true, Some(1));
        check(&busy(Some(5)), true, Some(5));
        check(&busy(Some(6)), true, None);
        check(&busy(None), true, None);
        check(&busy(Some(1)), false, None);
        check(&ProviderError::TooSlow, true, None);
    }

    #[test]
    fn what_could_be_a_token_is_no_error_code() {
        for text in [
            "",
            "ya29.A0ARrdaM",
            "Invalid code",
            &"a".repeat(41),
            "123456789",
        ] {
            assert_eq!(checked_code(text), "unknown error code");
        }
        assert_eq!(checked_code("invalid_grant"), "invalid_grant");
        assert_eq!(checked_code("20192"), "20192");
    }
}
