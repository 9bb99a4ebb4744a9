//! What goes wrong while logging in, and with whom it lies.

use std::sync::Arc;

use thiserror::Error;

use super::NotALoginToken;
use crate::{
    limit::TooOften,
    provider::{ProviderError, Service},
    seal::NoSealingKey,
};

/// Why there is no AuthID.
#[derive(Debug, Error)]
pub enum LoginError {
    /// No such service is offered. Follow another link.
    #[error("no service \"{id}\" is offered here")]
    UnknownService {
        /// What was asked for.
        id: String,
    },
    /// The browser did not bring the cookie of this login: it took too long,
    /// was begun elsewhere, or the page was reloaded. Begin again.
    #[error("the login was not begun in this browser, or more than ten minutes ago")]
    NotBegun,
    /// More logins came from that network than are passed on. Nothing was sent, and the
    /// login is not used up: wait, and send the same again.
    #[error("too many logins from this network")]
    TooOften(TooOften),
    /// The provider, or the user there, refused. Begin again.
    #[error("{} refused the login ({error})", .service.provider.name)]
    RefusedAtProvider {
        /// What was to be logged in to.
        service: Arc<Service>,
        /// The error code; foreign text.
        error: String,
        /// The provider's words; foreign text.
        description: Option<String>,
    },
    /// The callback came to the redirect URI of another provider. Nothing was sent
    /// anywhere. Begin again, or tell the administrator.
    #[error("an answer for {} came to another redirect URI", .service.provider.name)]
    AnotherPath {
        /// What was to be logged in to.
        service: Arc<Service>,
    },
    /// The callback names another issuer (RFC 9207). Nothing was sent anywhere. Begin
    /// again, or tell the administrator.
    #[error("an answer for {} named another issuer", .service.provider.name)]
    AnotherIssuer {
        /// What was to be logged in to.
        service: Arc<Service>,
        /// What it named; foreign text.
        issuer: String,
    },
    /// The callback names a place that the table does not list. Nothing was sent
    /// there. Begin again, or tell the administrator.
    #[error("{} named a place that is not allowed", .service.provider.name)]
    UnknownRegion {
        /// What was to be logged in to.
        service: Arc<Service>,
    },
    /// What was pasted is no login token. Paste again.
    #[error("no login token of {}: {why}", .service.provider.name)]
    NotALoginToken {
        /// What was to be logged in to.
        service: Arc<Service>,
        /// What is wrong with it.
        why: NotALoginToken,
    },
    /// The code or login token could not be exchanged.
    #[error("no token came from {}: {error}", .service.provider.name)]
    Provider {
        /// What was to be logged in to.
        service: Arc<Service>,
        /// What went wrong.
        error: ProviderError,
    },
    /// The provider gave an access token but no refresh token, as some do when
    /// the application was granted before. Remove it there and begin again.
    #[error("{} sent no refresh token", .service.provider.name)]
    NoRefreshToken {
        /// What was to be logged in to.
        service: Arc<Service>,
    },
    /// Tell the administrator.
    #[error(transparent)]
    NoSealingKey(#[from] NoSealingKey),
}

impl LoginError {
    /// True if nothing was sent and the login is not used up: the same callback or form may
    /// come again.
    pub fn may_come_again(&self) -> bool {
        let Self::Provider { error, .. } = self else {
            return matches!(self, Self::TooOften(_));
        };
        matches!(
            error,
            ProviderError::Crowded | ProviderError::Resting { .. }
        )
    }
}
