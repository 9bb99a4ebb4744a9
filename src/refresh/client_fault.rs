//! Refusals that concern the client id: the provider rejects it, or the AuthID was made with
//! another one.

use thiserror::Error;

use crate::{
    provider::{ProviderError, Refusal, Service},
    seal::{ClientMark, Grant},
};

/// A provider refuses a refresh because of the client id or secret.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{kind} ({refusal})")]
pub struct ClientFault {
    /// Kind of the fault.
    pub kind: ClientFaultKind,
    /// Name of the provider.
    pub provider: String,
    /// Prefix of the variables of the client id and secret, such as `GD`.
    pub credentials: String,
    /// Names of the variables of the client id and secret, for a sentence.
    pub variables: String,
    /// Answer of the provider.
    pub refusal: Refusal,
}

/// The kinds of a [`ClientFault`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ClientFaultKind {
    /// The provider accepts the client id, but not this refresh token, and the AuthID was made
    /// with another client id: by its mark, or by the provider's words. Log in again, or put
    /// the old client id back.
    #[error("the AuthID was made with another client id")]
    OtherClient,
    /// The provider's error code is used for this case, and the AuthID has no mark. Log in
    /// again; if that fails, tell the administrator.
    #[error("the AuthID was probably made with another client id")]
    PerhapsOtherClient,
    /// The provider refuses this login for a cause that it names, and the AuthID was made with
    /// another client id. Log in again.
    #[error("the provider no longer accepts this login, and the client id has changed")]
    OverAfterAChange,
    /// The provider refuses the request, and the AuthID was made with another client id. The
    /// refusal says whose turn it is.
    #[error("the provider refuses the request, and the client id has changed")]
    RefusedAfterAChange,
    /// The provider rejects the client id or secret. Tell the administrator.
    #[error("the provider rejects this server's client id or secret")]
    Rejected,
    /// The same, and the AuthID was made with another client id. Tell the administrator.
    #[error("the provider rejects this server's client id or secret, which have changed")]
    RejectedAfterAChange,
}

impl ClientFault {
    /// Finds the fault behind a refusal of this grant; returns other errors as they are.
    pub(super) fn find(
        service: &Service,
        grant: &Grant,
        error: ProviderError,
    ) -> Result<Self, ProviderError> {
        let was_set = is_of_present_client(service, grant);
        let (kind, refusal) = match (error, was_set) {
            (
                ProviderError::ClientRejected(refusal) | ProviderError::RequestRefused(refusal),
                Some(false),
            ) if refusal.of_another_client => (ClientFaultKind::OtherClient, refusal),
            (
                ProviderError::ClientRejected(refusal) | ProviderError::RequestRefused(refusal),
                None,
            ) if refusal.of_another_client => (ClientFaultKind::PerhapsOtherClient, refusal),
            (ProviderError::ClientRejected(refusal), Some(false)) => {
                (ClientFaultKind::RejectedAfterAChange, refusal)
            }
            (ProviderError::ClientRejected(refusal), _) => (ClientFaultKind::Rejected, refusal),
            (ProviderError::GrantRefused(refusal), Some(false)) => {
                match names_another_cause(&refusal) {
                    true => (ClientFaultKind::OverAfterAChange, refusal),
                    // Its cause may be another one, and the cure is the same.
                    false => (ClientFaultKind::OtherClient, refusal),
                }
            }
            (ProviderError::RequestRefused(refusal), Some(false)) => {
                (ClientFaultKind::RefusedAfterAChange, refusal)
            }
            (ProviderError::GrantRefused(refusal), None) if refusal.of_another_client => {
                (ClientFaultKind::OtherClient, refusal)
            }
            (error, _) => return Err(error),
        };
        Ok(Self {
            kind,
            provider: service.provider.name.clone(),
            credentials: service.credentials.name.clone(),
            variables: service.credentials.variables(),
            refusal,
        })
    }

    /// Returns the name of the fault for metrics.
    pub(super) fn outcome(&self) -> &'static str {
        match self.kind {
            ClientFaultKind::OtherClient | ClientFaultKind::PerhapsOtherClient => "other_client",
            ClientFaultKind::OverAfterAChange => "grant_refused",
            ClientFaultKind::RefusedAfterAChange => "provider_failed",
            ClientFaultKind::Rejected | ClientFaultKind::RejectedAfterAChange => "client_rejected",
        }
    }

    /// True if a newer AuthID of the same login may be accepted, because its refresh token
    /// was issued to the client id that is set now.
    pub fn may_have_newer(&self) -> bool {
        match self.kind {
            ClientFaultKind::OtherClient
            | ClientFaultKind::PerhapsOtherClient
            | ClientFaultKind::OverAfterAChange => true,
            ClientFaultKind::RefusedAfterAChange
            | ClientFaultKind::Rejected
            | ClientFaultKind::RejectedAfterAChange => false,
        }
    }
}

/// Returns true if the AuthID was made with the client id that is set now, and `None` if it has
/// no mark.
pub(super) fn is_of_present_client(service: &Service, grant: &Grant) -> Option<bool> {
    let set_now = ClientMark::of(&service.credentials.client_id);
    grant.client.map(|mark| mark == set_now)
}

/// True if the provider names a cause other than the client id: by a code of its own, or by
/// Microsoft's and OpenID Connect's codes for a grant that it knows, and whose user must act.
fn names_another_cause(refusal: &Refusal) -> bool {
    !refusal.of_another_client && (refusal.names_the_cause || refusal.wants_the_user())
}
