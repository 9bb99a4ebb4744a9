//! Errors of a provider that gave no token.

use super::{
    LOG_IN_AGAIN, TELL_ADMINISTRATOR, TRY_LATER,
    api_error::{ApiError, Fault},
};
use crate::provider::{ProviderError, Refusal};

impl ApiError {
    /// Makes the error of a provider that gave no token.
    pub(super) fn of_provider(provider: &str, error: &ProviderError) -> Self {
        match error {
            ProviderError::GrantRefused(refusal) => Self::refused(
                Fault::LoginOver,
                refusal,
                format!(
                    "{provider} no longer accepts this login: it has expired, was used up, or \
                     access was withdrawn. {LOG_IN_AGAIN}"
                ),
            ),
            ProviderError::ClientRejected(refusal) => Self::refused(
                Fault::Misconfigured,
                refusal,
                format!(
                    "{provider} rejects this OAuth server's client id or secret. \
                     {TELL_ADMINISTRATOR}"
                ),
            ),
            ProviderError::RequestRefused(refusal) => Self::refused(
                Fault::Failed,
                refusal,
                format!("{provider} refused the request. {TELL_ADMINISTRATOR}"),
            ),
            ProviderError::UnknownRegion => Self::new(
                Fault::Failed,
                format!("{provider}: {error}. {TELL_ADMINISTRATOR}"),
            ),
            ProviderError::Busy { .. }
            | ProviderError::Failing { .. }
            | ProviderError::Nonsense { .. }
            | ProviderError::Unreachable { .. }
            | ProviderError::BrokenOff { .. }
            | ProviderError::Withheld => Self::new(
                Fault::Unavailable,
                format!("{provider} gave no token: {error}. {TRY_LATER}"),
            ),
            ProviderError::Resting { retry_after } => Self::new(
                Fault::Unavailable,
                format!("{provider} has not answered several times in a row. {TRY_LATER}"),
            )
            .after(*retry_after),
            ProviderError::Crowded => {
                Self::overloaded(format!("Too many refreshes wait for {provider}."))
            }
            ProviderError::TooSlow => Self::new(
                Fault::TooSlow,
                format!("{provider} did not answer in time. {TRY_LATER}"),
            ),
        }
    }

    /// Makes an error whose reason is the advice from providers.toml, or else the general
    /// sentence, with the provider's error code.
    pub(super) fn refused(fault: Fault, refusal: &Refusal, general: String) -> Self {
        let sentence = refusal.advice.as_ref().unwrap_or(&general);
        Self::new(fault, format!("{sentence} ({})", refusal.code))
    }
}
