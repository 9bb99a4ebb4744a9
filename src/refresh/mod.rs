//! Trading an AuthID for an access token:
//! open → revoked? → cache → one flight per lineage → provider → reseal.

mod cache;
mod engine;
mod flight;
mod known;
mod lineages;
mod marks;
mod news;
mod opening;
mod provider_call;
mod reseal;
mod revocations;
mod revoke;
mod rotation;
mod saving;

use thiserror::Error;

pub use cache::TokenCache;
pub use engine::{EngineParts, RefreshEngine, Refreshed};
pub use lineages::{Lineages, NewestUnknown};
pub use opening::Holder;
pub use revoke::RevokeError;

use crate::{
    keyring::Unusable,
    limit::TooOften,
    oauth_server::OldAuthIdError,
    provider::{ProviderError, Refusal, Service},
    seal::OpenError,
};

/// Why an AuthID gave no access token, and with whom it lies.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RefreshError {
    /// It does not open: the holder has the wrong string, or must log in again.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It is one of another server, and does not open.
    #[error(transparent)]
    Old(#[from] OldAuthIdError),
    /// It was presented more often than may be. Wait.
    #[error("too many requests with this AuthID from this address")]
    TooOften(TooOften),
    /// It is an old one that is not known to be good, and more of those came from the same
    /// network than are tried. Wait.
    #[error("too many old AuthIDs from this network that are not known to be good")]
    TooManyOld(TooOften),
    /// Its login was revoked here. Log in again.
    #[error("the AuthID has been revoked")]
    Revoked,
    /// Its service is not offered any more. Tell the administrator.
    #[error("this server no longer offers {service}")]
    NotOffered {
        /// Id of the service.
        service: String,
    },
    /// The provider gave no token.
    #[error("{provider}: {error}")]
    Provider {
        /// The provider's name.
        provider: String,
        /// The failure.
        error: ProviderError,
    },
    /// It is not known which refresh token is the login's newest, and an older one
    /// must not be tried. Nothing was asked of the provider.
    #[error("{why}")]
    NewestUnknown {
        /// The provider's name.
        provider: String,
        /// Why not.
        why: NewestUnknown,
    },
    /// The provider accepts each refresh token once, and refuses this one; a newer
    /// one may have been known before this process was started.
    #[error("{provider} refuses the refresh token ({}), which may have been used up before this server was restarted", .refusal.code)]
    Forgotten {
        /// The provider's name.
        provider: String,
        /// The answer of the provider.
        refusal: Refusal,
    },
    /// The provider accepts each refresh token once, and refuses this one, which this
    /// process has sent before without an answer. Log in again.
    #[error("{provider} refuses the refresh token ({}), which was sent before and never answered", .refusal.code)]
    AnswerLost {
        /// The provider's name.
        provider: String,
        /// The answer of the provider.
        refusal: Refusal,
    },
    /// The task that asked the provider died: a bug. Try again.
    #[error("the refresh ended without a result")]
    Lost,
}

impl RefreshError {
    /// A word for metrics.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Open(OpenError::NotAnAuthId(_)) => "not_an_authid",
            Self::Open(OpenError::Key(Unusable::Unknown)) => "unknown_key",
            Self::Open(OpenError::Key(Unusable::Retired)) => "retired_key",
            Self::Open(OpenError::Key(Unusable::Missing)) => "missing_key",
            Self::Open(OpenError::Tampered | OpenError::WrongService) => "tampered",
            Self::Old(OldAuthIdError::Busy) => "overloaded",
            Self::Old(_) => "old_refused",
            Self::TooOften(_) | Self::TooManyOld(_) => "rate_limited",
            Self::Revoked => "revoked",
            Self::NotOffered { .. } => "not_offered",
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

    /// True if the provider says that the grant is dead, or that the token is used up.
    fn is_of_a_dead_grant(&self) -> bool {
        let Self::Provider { error, .. } = self else {
            return false;
        };
        matches!(error, ProviderError::GrantRefused(_))
    }

    fn of_provider(service: &Service, error: ProviderError) -> Self {
        Self::Provider {
            provider: service.provider.name.clone(),
            error,
        }
    }
}

impl From<TooOften> for RefreshError {
    fn from(too_often: TooOften) -> Self {
        Self::TooOften(too_often)
    }
}
