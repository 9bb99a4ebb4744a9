//! Errors of a provider that gave no token.

use super::{
    REMOVE_THERE,
    api_error::{ApiError, Fault},
};
use crate::provider::{CallPhase, Cure, ProviderError, Refusal};

/// Advice on an answer of another program than the provider's: a wrong address never passes.
const LASTING: &str = "Try again later. If it stays, this server's administrator must check the \
                       address in the provider's table (token_url, revoke_url), and any firewall \
                       or proxy on the way";

impl ApiError {
    /// Makes the error of a provider that gave no token.
    pub(super) fn of_provider(provider: &str, error: &ProviderError) -> Self {
        Self::of_call(provider, error, "gave no token")
    }

    /// Makes the error of a provider that did not confirm a revocation, or gave no token that
    /// it needs.
    pub(super) fn of_revoking(provider: &str, error: &ProviderError) -> Self {
        let made = Self::of_call(provider, error, "did not confirm the revocation");
        match error {
            // A new login would leave the old one as it is.
            ProviderError::GrantRefused(_) => made.advise(REMOVE_THERE),
            _ => made,
        }
    }

    /// `failed` says what the provider did not do.
    fn of_call(provider: &str, error: &ProviderError, failed: &str) -> Self {
        match error {
            ProviderError::GrantRefused(refusal) if refusal.phase.is_login() => Self::refused(
                Fault::LoginOver,
                refusal,
                &login_refused(provider, refusal.phase),
            )
            .advise(""),
            ProviderError::GrantRefused(refusal) if refusal.phase == CallPhase::Revocation => {
                Self::refused(
                    Fault::LoginOver,
                    refusal,
                    &format!("{provider} {failed}, because it does not accept the token"),
                )
            }
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
            ProviderError::Failing {
                refusal: Some(refusal),
                ..
            }
            | ProviderError::Busy {
                refusal: Some(refusal),
                ..
            } if refusal.advice.is_some() => Self::refused(Fault::Unavailable, refusal, "")
                .advise("Try again later")
                .after(error.retry_after()),
            ProviderError::Nonsense { .. } => {
                Self::new(Fault::Unavailable, format!("{provider} {failed}: {error}"))
                    .advise(LASTING)
            }
            ProviderError::Unreachable {
                remedy: Some(remedy),
                ..
            } => {
                let happened = format!("{provider} {failed}: {error}");
                Self::new(Fault::Administrator, happened).advise(remedy)
            }
            ProviderError::Busy { .. }
            | ProviderError::Failing { .. }
            | ProviderError::Unreachable { .. }
            | ProviderError::BrokenOff { .. }
            | ProviderError::Withheld => {
                Self::new(Fault::Unavailable, format!("{provider} {failed}: {error}"))
                    .after(error.retry_after())
            }
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
        let error = Self::new(fault, format!("{sentence} ({refusal})"));
        // The reader is the user, who can do nothing with advice for an administrator.
        let needs_more = fault == Fault::LoginOver || refusal.cure == Some(Cure::Server);
        match is_advice && !needs_more {
            true => error.advise(""),
            false => error,
        }
    }
}

/// Says why the code of a login, or a login token, was refused. It is never the login itself:
/// there is none yet.
fn login_refused(provider: &str, phase: CallPhase) -> String {
    match phase {
        CallPhase::LoginToken => format!(
            "{provider} did not accept this login token. Each works once, and for a short time. \
             Make a new one and paste it"
        ),
        CallPhase::Code | CallPhase::Refresh | CallPhase::Revocation => format!(
            "{provider} did not accept the code of this login. A code works once and for a few \
             minutes. If the next login fails too, the administrator must compare the redirect \
             URI at {provider} with authseal check, and set this server's clock"
        ),
    }
}
