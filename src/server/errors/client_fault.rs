//! Errors of a client id or secret that the provider does not accept, and of AuthIDs that
//! were made with another client id.

use super::api_error::{ApiError, Fault};
use crate::{
    provider::{ProviderError, Refusal},
    refresh::{ClientFault, ClientFaultKind},
};

impl ApiError {
    /// Makes the error of a refresh that was refused because of the client id.
    pub(super) fn of_client_fault(fault: &ClientFault) -> Self {
        let ClientFault {
            kind,
            provider,
            credentials,
            variables,
            refusal,
        } = fault;
        let refuses = format!("{provider} refuses this AuthID ({refusal})");
        let other = format!("made with another client id than the one in {credentials}_CLIENT_ID");
        let changed = format!("{credentials}_CLIENT_ID has changed since that login");
        match kind {
            ClientFaultKind::OtherClient => {
                Self::new(Fault::OtherClient, format!("{refuses}: it was {other}"))
            }
            ClientFaultKind::PerhapsOtherClient => Self::new(
                Fault::PerhapsOtherClient,
                format!("{refuses}: it was probably {other}"),
            ),
            ClientFaultKind::OverAfterAChange => {
                let over = ProviderError::GrantRefused(refusal.clone());
                Self::of_provider(provider, &over).add(&changed)
            }
            ClientFaultKind::RefusedAfterAChange => {
                let refused = ProviderError::RequestRefused(refusal.clone());
                Self::of_provider(provider, &refused).add(&changed)
            }
            ClientFaultKind::Rejected => Self::client_rejected(provider, variables, refusal),
            ClientFaultKind::RejectedAfterAChange => {
                let error = Self::client_rejected(provider, variables, refusal);
                error.add("The client id has changed since this AuthID was made")
            }
        }
    }

    /// Makes the error of a client id or secret that the provider rejects. It names the
    /// `variables` that have them.
    pub(super) fn client_rejected(provider: &str, variables: &str, refusal: &Refusal) -> Self {
        let general = format!("{provider} rejects this OAuth server's client id or secret");
        let error = Self::refused(Fault::Administrator, refusal, &general);
        let names_a_variable = |advice: &String| advice.contains("_CLIENT_");
        match refusal.advice.as_ref().is_some_and(names_a_variable) {
            true => error,
            false => error.advise(format!("Tell the administrator to check {variables}")),
        }
    }
}
