//! Failures at a provider, distinguished by whose fault they are.

use std::time::Duration;

use thiserror::Error;

use super::{Cure, Refusal};
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
    #[error("the provider asks to slow down (HTTP {status}{})", with_comma(refusal.as_deref()))]
    Busy {
        /// Its HTTP status.
        status: u16,
        /// Its `Retry-After`.
        retry_after: Option<Duration>,
        /// Its error codes, if it sent any.
        refusal: Option<Box<Refusal>>,
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
    /// The provider cannot be reached, and nothing was sent. Try again later; with a remedy,
    /// tell the administrator.
    #[error("{cause}")]
    Unreachable {
        /// Host and cause.
        cause: String,
        /// The administrator's remedy for a cause that time does not cure: a sentence without a
        /// full stop.
        remedy: Option<String>,
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
            OutboundError::Connect { ref remedy, .. } => Self::Unreachable {
                cause: error.to_string(),
                remedy: remedy.clone(),
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
            Self::Busy { refusal, .. } | Self::Failing { refusal, .. } => refusal.as_deref(),
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
            refusal: None,
        };
        let broken = ProviderError::BrokenOff {
            cause: String::new(),
        };
        let unreachable = ProviderError::Unreachable {
            cause: String::new(),
            remedy: None,
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
}
