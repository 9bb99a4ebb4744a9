//! Errors of a provider that gave no token.

use super::{
    LOG_IN_AGAIN, TELL_ADMINISTRATOR, TRY_LATER,
    api_error::{ApiError, ApiErrorKind},
};
use crate::provider::{ProviderError, Refusal};

impl ApiError {
    /// Makes the error of a provider that gave no token.
    pub(super) fn of_provider(provider: &str, error: &ProviderError) -> Self {
        match error {
            ProviderError::GrantRefused(refusal) => Self::new(
                ApiErrorKind::LoginOver,
                refused(refusal, || {
                    format!(
                        "{provider} no longer accepts this login: it has expired, was used up, or \
                         access was withdrawn. {LOG_IN_AGAIN}"
                    )
                }),
            ),
            ProviderError::ClientRejected(refusal) => Self::new(
                ApiErrorKind::Misconfigured,
                refused(refusal, || {
                    format!(
                        "{provider} rejects this OAuth server's client id or secret. \
                         {TELL_ADMINISTRATOR}"
                    )
                }),
            ),
            ProviderError::RequestRefused(refusal) => Self::new(
                ApiErrorKind::Failed,
                refused(refusal, || {
                    format!("{provider} refused the request. {TELL_ADMINISTRATOR}")
                }),
            ),
            ProviderError::UnknownRegion => Self::new(
                ApiErrorKind::Failed,
                format!("{provider}: {error}. {TELL_ADMINISTRATOR}"),
            ),
            ProviderError::Busy { .. }
            | ProviderError::Failing { .. }
            | ProviderError::Nonsense { .. }
            | ProviderError::Unreachable { .. }
            | ProviderError::BrokenOff { .. }
            | ProviderError::Withheld => Self::new(
                ApiErrorKind::Unavailable,
                format!("{provider} gave no token: {error}. {TRY_LATER}"),
            ),
            ProviderError::Resting { retry_after } => Self::new(
                ApiErrorKind::Unavailable,
                format!("{provider} has not answered several times in a row. {TRY_LATER}"),
            )
            .after(*retry_after),
            ProviderError::Crowded => {
                Self::overloaded(format!("Too many refreshes wait for {provider}."))
            }
            ProviderError::TooSlow => Self::new(
                ApiErrorKind::TooSlow,
                format!("{provider} did not answer in time. {TRY_LATER}"),
            ),
        }
    }
}

/// Returns the advice from providers.toml, or the general sentence, with the error code.
pub(super) fn refused(refusal: &Refusal, general: impl FnOnce() -> String) -> String {
    let sentence = refusal.advice.clone().unwrap_or_else(general);
    format!("{sentence} ({})", refusal.code)
}
