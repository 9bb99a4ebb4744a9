//! Refusals that concern the client id: the provider rejects it, or the AuthID was made with
//! another one.

use thiserror::Error;

use crate::{
    provider::{ProviderError, Refusal, Service},
    seal::{ClientMark, Grant},
};

/// A provider refuses a refresh because of the client id or secret.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{kind} ({})", .refusal.code)]
pub struct ClientFault {
    /// What is wrong.
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
        let set_now = ClientMark::of(&service.credentials.client_id);
        let was_set = grant.client.map(|mark| mark == set_now);
        let (kind, refusal) = match (error, was_set) {
            (ProviderError::ClientRejected(refusal), Some(false)) => {
                match refusal.of_another_client {
                    true => (ClientFaultKind::OtherClient, refusal),
                    false => (ClientFaultKind::RejectedAfterAChange, refusal),
                }
            }
            (ProviderError::ClientRejected(refusal), None) if refusal.of_another_client => {
                (ClientFaultKind::PerhapsOtherClient, refusal)
            }
            (ProviderError::ClientRejected(refusal), _) => (ClientFaultKind::Rejected, refusal),
            // Its cause may be another one, and the cure is the same.
            (ProviderError::GrantRefused(refusal), Some(false)) if !wants_the_user(&refusal) => {
                (ClientFaultKind::OtherClient, refusal)
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
            ClientFaultKind::Rejected | ClientFaultKind::RejectedAfterAChange => "client_rejected",
        }
    }

    /// True if a newer AuthID of the same login may be accepted, because its refresh token
    /// was issued to the client id that is set now.
    pub(super) fn may_have_newer(&self) -> bool {
        match self.kind {
            ClientFaultKind::OtherClient | ClientFaultKind::PerhapsOtherClient => true,
            ClientFaultKind::Rejected | ClientFaultKind::RejectedAfterAChange => false,
        }
    }
}

/// True for Microsoft's and OpenID Connect's codes for a grant that the provider knows, and
/// whose user must act there.
fn wants_the_user(refusal: &Refusal) -> bool {
    matches!(
        refusal.code.as_str(),
        "interaction_required" | "login_required" | "consent_required"
    )
}
