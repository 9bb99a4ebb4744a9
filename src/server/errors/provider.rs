//! Errors of a provider that gave no token.

use super::api_error::{ApiError, Fault};
use crate::provider::{ProviderError, Refusal};

impl ApiError {
    /// Makes the error of a provider that gave no token.
    pub(super) fn of_provider(provider: &str, error: &ProviderError) -> Self {
        match error {
            ProviderError::GrantRefused(refusal) => Self::refused(
                Fault::LoginOver,
                refusal,
                &format!(
                    "{provider} no longer accepts this login: it has expired, was used up, or \
                     access was withdrawn"
                ),
            ),
            ProviderError::ClientRejected(refusal) => Self::refused(
                Fault::Administrator,
                refusal,
                &format!("{provider} rejects this OAuth server's client id or secret"),
            ),
            ProviderError::RequestRefused(refusal) => Self::refused(
                Fault::Administrator,
                refusal,
                &format!("{provider} refused the request"),
            ),
            ProviderError::UnknownRegion => {
                Self::new(Fault::Administrator, format!("{provider}: {error}"))
            }
            ProviderError::Busy {
                retry_after: Some(retry_after),
                ..
            } => Self::new(
                Fault::Unavailable,
                format!("{provider} gave no token: {error}"),
            )
            .after(*retry_after),
            ProviderError::Busy {
                retry_after: None, ..
            }
            | ProviderError::Failing { .. }
            | ProviderError::Nonsense { .. }
            | ProviderError::Unreachable { .. }
            | ProviderError::BrokenOff { .. }
            | ProviderError::Withheld => Self::new(
                Fault::Unavailable,
                format!("{provider} gave no token: {error}"),
            ),
            ProviderError::Resting { retry_after } => Self::new(
                Fault::Unavailable,
                format!("{provider} has not answered several logins in a row"),
            )
            .after(*retry_after),
            ProviderError::Crowded => {
                Self::overloaded(format!("Too many refreshes wait for {provider}"))
            }
            ProviderError::TooSlow => Self::new(
                Fault::Unavailable,
                format!("{provider} did not answer in time"),
            ),
        }
    }

    /// Makes an error that says the advice from providers.toml, or else the general
    /// sentence, with the provider's error code.
    pub(super) fn refused(fault: Fault, refusal: &Refusal, general: &str) -> Self {
        let (sentence, is_advice) = match &refusal.advice {
            Some(advice) => (advice.trim_end_matches('.'), true),
            None => (general, false),
        };
        let error = Self::new(fault, format!("{sentence} ({})", refusal.code));
        match is_advice && fault != Fault::LoginOver {
            true => error.advise(""),
            false => error,
        }
    }
}
