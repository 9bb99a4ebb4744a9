//! Errors of a refresh, distinguished by who can do something about them.

use std::net::IpAddr;

use thiserror::Error;

use super::ClientFault;
use crate::{
    clock::UnixTime,
    keyring::Unusable,
    limit::TooOften,
    oauth_server::OldAuthIdError,
    provider::{ProviderError, Refusal, Service},
    seal::{Grant, OpenError},
    store::StoreError,
};

/// An AuthID gave no access token.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RefreshError {
    /// The AuthID does not open. The client has the wrong string, or the key is gone:
    /// correct the string, or log in again.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The AuthID is one of oauth-server and does not open. The client has the wrong
    /// string, or the file is gone: correct the string, or log in again.
    #[error(transparent)]
    Old(#[from] OldAuthIdError),
    /// The client presented AuthIDs of this login more often than RATE_LIMIT allows. Try
    /// again later.
    #[error("too many requests with this AuthID from this address")]
    TooOften(TooOften),
    /// The client's network presented too many AuthIDs of oauth-server that no provider has
    /// accepted yet. Try again later.
    #[error("too many old AuthIDs from this network that are not known to be good")]
    TooManyOld(TooOften),
    /// The AuthID was good until a time that is past. Log in again.
    #[error("the AuthID was good until {until}")]
    Expired {
        /// The time from which it is refused.
        until: UnixTime,
    },
    /// The AuthID was good until a time that was reached, before the clock was set back. Tell the
    /// administrator: if the clock was wrong before, restart the server.
    #[error("the AuthID was good until {until}, and the clock of this server has been set back")]
    ClockSetBack {
        /// The time from which it is refused.
        until: UnixTime,
    },
    /// The AuthID may be used from some networks, and the client is in none of them. Use it there,
    /// or log in again. If the address is not known, tell the administrator.
    #[error("the AuthID may be used from some networks only, and {}", not_there(*.address))]
    OutsideNetworks {
        /// Address of the client, if the server knows it.
        address: Option<IpAddr>,
    },
    /// AuthIDs of this login were used as often as this one may be in an hour. Try again later.
    #[error("the AuthID has been used as often as it may be in an hour")]
    UsedTooOften(TooOften),
    /// The administrator or the user revoked the login here. Log in again.
    #[error("the AuthID has been revoked")]
    Revoked,
    /// The administrator no longer offers the service. Tell the administrator.
    #[error("this server no longer offers {service}")]
    NotOffered {
        /// Id of the service.
        service: String,
    },
    /// The provider rejects the client id or secret, or the AuthID was made with another
    /// client id. [`super::ClientFaultKind`] says what helps.
    #[error("{}: {fault}", .0.provider, fault = .0)]
    Client(Box<ClientFault>),
    /// The provider call failed. [`ProviderError`] says who is at fault and what helps.
    #[error("{provider}: {error}")]
    Provider {
        /// Name of the provider.
        provider: String,
        /// The failure.
        error: ProviderError,
    },
    /// The newest refresh token of the login is unknown, and an older one must not be sent:
    /// the store or another server is at fault. Nothing was sent to the provider. Try again
    /// later; if it stays, tell the administrator.
    #[error("{why}")]
    NewestUnknown {
        /// Name of the provider.
        provider: String,
        /// The cause.
        why: NewestUnknown,
    },
    /// The provider accepts each refresh token once, and refuses this one. A process that
    /// ended may have had a newer one. Log in again.
    #[error(
        "{provider} refuses the refresh token ({refusal}), which may have been used up before this server was restarted"
    )]
    Forgotten {
        /// Name of the provider.
        provider: String,
        /// Answer of the provider.
        refusal: Refusal,
    },
    /// The provider accepts each refresh token once, and refuses this one, which this
    /// process has sent before without an answer. Log in again.
    #[error(
        "{provider} refuses the refresh token ({refusal}), which was sent before and never answered"
    )]
    AnswerLost {
        /// Name of the provider.
        provider: String,
        /// Answer of the provider.
        refusal: Refusal,
    },
    /// The provider call panicked: a bug of authseal. Try again.
    #[error("the refresh ended without a result")]
    Lost,
}

/// The newest refresh token of a login is unknown.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NewestUnknown {
    /// The store does not answer, or another server has the login's lease.
    #[error("the store {0}")]
    Store(#[from] StoreError),
    /// The stored AuthID is sealed under a key that this server does not have, or was
    /// changed.
    #[error("the stored AuthID of this login does not open: {0}")]
    Sealed(#[from] OpenError),
}

fn not_there(address: Option<IpAddr>) -> String {
    match address {
        Some(address) => format!("not from {address}"),
        None => "this server does not see from which address it is used".into(),
    }
}

impl RefreshError {
    /// Returns the name of the error for metrics.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Open(OpenError::NotAnAuthId(_)) => "not_an_authid",
            Self::Open(OpenError::Key(Unusable::Unknown)) => "unknown_key",
            Self::Open(OpenError::Key(Unusable::Retired)) => "retired_key",
            Self::Open(OpenError::Key(Unusable::Missing)) => "missing_key",
            Self::Open(OpenError::Tampered | OpenError::WrongService) => "tampered",
            Self::Open(OpenError::Unreadable) => "unreadable",
            Self::Old(OldAuthIdError::Busy) => "overloaded",
            Self::Old(_) => "old_refused",
            Self::TooOften(_) | Self::TooManyOld(_) => "rate_limited",
            Self::Expired { .. } => "expired",
            Self::ClockSetBack { .. } => "clock_set_back",
            Self::OutsideNetworks { .. } => "outside_networks",
            Self::UsedTooOften(_) => "used_too_often",
            Self::Revoked => "revoked",
            Self::NotOffered { .. } => "not_offered",
            Self::Client(fault) => fault.outcome(),
            Self::Provider { error, .. } => match error {
                ProviderError::GrantRefused(_) => "grant_refused",
                ProviderError::ClientRejected(_) => "client_rejected",
                ProviderError::TooSlow => "provider_too_slow",
                ProviderError::Resting { .. } => "provider_resting",
                ProviderError::Crowded => "overloaded",
                ProviderError::RequestRefused(_)
                | ProviderError::Busy { .. }
                | ProviderError::Failing { .. }
                | ProviderError::Nonsense { .. }
                | ProviderError::Unreachable { .. }
                | ProviderError::BrokenOff { .. }
                | ProviderError::Withheld
                | ProviderError::UnknownRegion => "provider_failed",
            },
            Self::NewestUnknown { .. } => "newest_unknown",
            Self::Forgotten { .. } => "forgotten",
            Self::AnswerLost { .. } => "answer_lost",
            Self::Lost => "lost",
        }
    }

    /// True if this server or the provider refuses the AuthID; false if a failure alone is the
    /// reason that there is no token now.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Open(OpenError::Key(Unusable::Missing)) | Self::Old(OldAuthIdError::Busy) => {
                false
            }
            Self::Open(_)
            | Self::Old(_)
            | Self::TooOften(_)
            | Self::TooManyOld(_)
            | Self::Expired { .. }
            | Self::ClockSetBack { .. }
            | Self::OutsideNetworks { .. }
            | Self::UsedTooOften(_)
            | Self::Revoked
            | Self::NotOffered { .. }
            | Self::Client(_)
            | Self::Forgotten { .. }
            | Self::AnswerLost { .. } => true,
            Self::Provider { error, .. } => matches!(
                error,
                ProviderError::GrantRefused(_)
                    | ProviderError::ClientRejected(_)
                    | ProviderError::RequestRefused(_)
            ),
            Self::NewestUnknown { .. } | Self::Lost => false,
        }
    }

    /// True if the provider says that the grant is dead or the token used up.
    pub(super) fn is_of_a_dead_grant(&self) -> bool {
        let Self::Provider { error, .. } = self else {
            return false;
        };
        matches!(error, ProviderError::GrantRefused(_))
    }

    /// True if the provider refuses this AuthID, but may accept a newer one of its login.
    pub(super) fn may_have_newer(&self) -> bool {
        match self {
            Self::Client(fault) => fault.may_have_newer(),
            error => error.is_of_a_dead_grant(),
        }
    }

    /// Makes the error of a provider that refuses this grant, or fails.
    pub(super) fn of_call(service: &Service, grant: &Grant, error: ProviderError) -> Self {
        match ClientFault::find(service, grant, error) {
            Ok(fault) => Self::Client(Box::new(fault)),
            Err(error) => Self::of_provider(service, error),
        }
    }

    pub(super) fn of_provider(service: &Service, error: ProviderError) -> Self {
        Self::Provider {
            provider: service.provider.name.clone(),
            error,
        }
    }

    pub(super) fn newest_unknown(service: &Service, why: impl Into<NewestUnknown>) -> Self {
        Self::NewestUnknown {
            provider: service.provider.name.clone(),
            why: why.into(),
        }
    }
}
