//! What goes wrong at a provider, told by whose fault it is.

use oauth2::{RequestTokenError, basic::BasicErrorResponse};
use thiserror::Error;

use crate::outbound::OutboundError;

/// Why a provider gave no tokens.
///
/// It never holds what the provider's body said, save for a checked error code:
/// a body can hold tokens.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProviderError {
    /// The grant is dead (`invalid_grant`). Log in again.
    #[error("the provider no longer accepts this grant ({code})")]
    GrantRefused {
        /// RFC 6749 section 5.2 or the provider's own.
        code: String,
    },
    /// Our client id or secret is wrong. Tell the administrator.
    #[error("the provider rejects this server's client id or secret ({code})")]
    ClientRejected {
        /// RFC 6749 section 5.2 or the provider's own.
        code: String,
    },
    /// Another refusal by the rules of RFC 6749. Tell the administrator.
    #[error("the provider refuses the request ({code})")]
    RequestRefused {
        /// RFC 6749 section 5.2 or the provider's own.
        code: String,
    },
    /// 429, or the like. Try again later.
    #[error("the provider asks to slow down (HTTP {status})")]
    Busy {
        /// Its HTTP status.
        status: u16,
    },
    /// Its servers fail. Try again later.
    #[error("the provider fails (HTTP {status})")]
    Failing {
        /// Its HTTP status.
        status: u16,
    },
    /// The answer is not that of a token endpoint. Try again later; if it stays,
    /// the table's URL may be wrong.
    #[error("the provider's answer makes no sense: {what}")]
    Nonsense {
        /// What came instead; never the body.
        what: String,
    },
    /// It cannot be reached. Try again later.
    #[error("{cause}")]
    Unreachable {
        /// Host and cause.
        cause: String,
    },
    /// It took longer than the whole deadline. Try again later.
    #[error("the provider did not answer in time")]
    TooSlow,
}

impl From<OutboundError> for ProviderError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Connect { .. } | OutboundError::Broken { .. } => Self::Unreachable {
                cause: error.to_string(),
            },
            OutboundError::TooLarge { .. } => Self::Nonsense {
                what: error.to_string(),
            },
        }
    }
}

/// The border: beyond it the crate's errors can hold a raw body.
impl From<RequestTokenError<ProviderError, BasicErrorResponse>> for ProviderError {
    fn from(error: RequestTokenError<ProviderError, BasicErrorResponse>) -> Self {
        match error {
            RequestTokenError::Request(error) => error,
            RequestTokenError::ServerResponse(response) => refused(response.error().as_ref()),
            RequestTokenError::Parse(_, _) => Self::Nonsense {
                what: "not the JSON of a token endpoint".into(),
            },
            RequestTokenError::Other(_) => Self::Nonsense {
                what: "an empty answer".into(),
            },
        }
    }
}

fn refused(code: &str) -> ProviderError {
    let code = checked_code(code);
    match code.as_str() {
        // The last three: what Microsoft and OpenID Connect say of a grant that
        // only its user can bring back to life.
        "invalid_grant" | "interaction_required" | "login_required" | "consent_required" => {
            ProviderError::GrantRefused { code }
        }
        "invalid_client" | "unauthorized_client" => ProviderError::ClientRejected { code },
        "slow_down" => ProviderError::Busy { status: 400 },
        "temporarily_unavailable" | "server_error" => ProviderError::Failing { status: 400 },
        _ => ProviderError::RequestRefused { code },
    }
}

/// An error code is a short word (RFC 6749 section 5.2 allows more); anything
/// else could be a token that the provider echoes.
fn checked_code(code: &str) -> String {
    let is_word = (1..=40).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_word { code } else { "unknown error code" }.to_owned()
}
