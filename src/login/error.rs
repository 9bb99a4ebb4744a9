//! Errors of a login, and their remedies.

use std::sync::Arc;

use thiserror::Error;

use super::NotALoginToken;
use crate::{
    limit::TooOften,
    provider::{ProviderError, Refusal, Service},
    seal::{NoSealingKey, NotAName, Wider},
};

/// Reasons why a login gave no AuthID.
#[derive(Debug, Error)]
pub enum LoginError {
    /// No such service is offered. Follow another link.
    #[error("no service \"{id}\" is offered here")]
    UnknownService {
        /// The service id in the request.
        id: String,
    },
    /// The browser did not send the cookie of this login: the login took too long or was
    /// begun elsewhere, or the page was reloaded. Begin again.
    #[error("the login was not begun in this browser, or more than ten minutes ago")]
    NotBegun,
    /// The provider refused a login that was not begun in this browser, or more than ten
    /// minutes ago. Anybody can send such an answer, so it is reduced to a code that is known.
    /// The refusal says what to do.
    #[error("a provider refused a login that was not begun in this browser ({refusal})")]
    RefusedUnknown {
        /// Name of the provider, if no other one can have sent the code.
        provider: Option<String>,
        /// The known code, and the advice on it.
        refusal: Box<Refusal>,
    },
    /// The browser of an administrator who was asked to consent for an organisation came back,
    /// which was no login. Log in.
    #[error("an administrator's consent, which is no login")]
    AdminConsent,
    /// The same, and the consent was not given. Nobody began a login. An administrator of the
    /// organisation consents, or tells this server's administrator.
    #[error("an administrator's consent was not given")]
    AdminConsentRefused {
        /// The part of the answer that is known.
        refusal: Option<Box<Refusal>>,
    },
    /// The rate limit of the client's network was exceeded. Nothing was sent, and the
    /// login is not used up: wait, then send the same request again.
    #[error("too many logins from this network")]
    TooOften(TooOften),
    /// The provider, or the user there, refused the login. Begin again.
    #[error("{} refused the login ({error})", .service.provider.name)]
    RefusedAtProvider {
        /// The service to log in to.
        service: Arc<Service>,
        /// Error code from the provider; foreign text.
        error: String,
        /// Error description from the provider; foreign text.
        description: Option<String>,
        /// The part of it that is known, and the advice on it.
        refusal: Box<Refusal>,
    },
    /// The provider granted less than was asked for, so programs would fail later. Log in
    /// again and allow everything.
    #[error("{} did not grant {}", .service.provider.name, missing.join(" "))]
    ScopesMissing {
        /// The service to log in to.
        service: Arc<Service>,
        /// The scopes that were asked for and not granted.
        missing: Vec<String>,
    },
    /// The callback came to the redirect URI of another provider. Nothing was sent to any
    /// provider. Begin again, or tell the administrator.
    #[error("an answer for {} came to another redirect URI", .service.provider.name)]
    AnotherPath {
        /// The service to log in to.
        service: Arc<Service>,
    },
    /// The callback names another issuer (RFC 9207). Nothing was sent to any provider.
    /// Begin again, or tell the administrator.
    #[error("an answer for {} named another issuer", .service.provider.name)]
    AnotherIssuer {
        /// The service to log in to.
        service: Arc<Service>,
        /// Issuer that the callback named; foreign text.
        issuer: String,
    },
    /// The callback names a region that providers.toml does not list. Nothing was sent
    /// there. Begin again, or tell the administrator.
    #[error("{} named a place that is not allowed", .service.provider.name)]
    UnknownRegion {
        /// The service to log in to.
        service: Arc<Service>,
    },
    /// The pasted text is not a login token. Paste again.
    #[error("no login token of {}: {why}", .service.provider.name)]
    NotALoginToken {
        /// The service to log in to.
        service: Arc<Service>,
        /// Reason why the text is not a login token.
        why: NotALoginToken,
    },
    /// The code or login token could not be exchanged.
    #[error("no token came from {}: {error}", .service.provider.name)]
    Provider {
        /// The service to log in to.
        service: Arc<Service>,
        /// Error of the exchange.
        error: ProviderError,
    },
    /// The provider gave an access token but no refresh token. Some providers do so if
    /// the application was granted access before. Remove it there and begin again.
    #[error("{} sent no refresh token", .service.provider.name)]
    NoRefreshToken {
        /// The service to log in to.
        service: Arc<Service>,
    },
    /// The name of the user, as the proxy sent it, cannot be sealed into an AuthID. Tell the
    /// administrator.
    #[error("the name of the user in the header of the proxy {0}")]
    UserName(NotAName),
    /// The limits that the person set are wider than those of every AuthID here. Set narrower
    /// ones.
    #[error("the limits are wider than this server allows: {0}")]
    WiderLimits(#[from] Wider),
    /// The person set limits, and the provider gives an access token, which has none. Log in
    /// without.
    #[error("{} gives no AuthID that could be limited", .service.provider.name)]
    NothingToLimit {
        /// The service to log in to.
        service: Arc<Service>,
    },
    /// No key may seal now. Tell the administrator.
    #[error(transparent)]
    NoSealingKey(#[from] NoSealingKey),
}

impl LoginError {
    /// Returns the service of the login, if it is known.
    pub fn service(&self) -> Option<&Arc<Service>> {
        match self {
            Self::RefusedAtProvider { service, .. }
            | Self::ScopesMissing { service, .. }
            | Self::AnotherPath { service }
            | Self::AnotherIssuer { service, .. }
            | Self::UnknownRegion { service }
            | Self::NotALoginToken { service, .. }
            | Self::Provider { service, .. }
            | Self::NothingToLimit { service }
            | Self::NoRefreshToken { service } => Some(service),
            Self::UnknownService { .. }
            | Self::NotBegun
            | Self::RefusedUnknown { .. }
            | Self::AdminConsent
            | Self::AdminConsentRefused { .. }
            | Self::TooOften(_)
            | Self::UserName(_)
            | Self::WiderLimits(_)
            | Self::NoSealingKey(_) => None,
        }
    }

    /// Returns the name of the error for the audit log.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UnknownService { .. } => "unknown_service",
            Self::NotBegun => "not_begun",
            Self::RefusedUnknown { .. } => "refused_unknown",
            Self::AdminConsent => "admin_consent",
            Self::AdminConsentRefused { .. } => "admin_consent_refused",
            Self::TooOften(_) => "rate_limited",
            Self::RefusedAtProvider { .. } => "refused_at_provider",
            Self::ScopesMissing { .. } => "scopes_missing",
            Self::AnotherPath { .. } => "another_path",
            Self::AnotherIssuer { .. } => "another_issuer",
            Self::UnknownRegion { .. } => "unknown_region",
            Self::NotALoginToken { .. } => "not_a_login_token",
            Self::Provider { error, .. } => match error {
                ProviderError::GrantRefused(_) => "grant_refused",
                ProviderError::ClientRejected(_) => "client_rejected",
                _ => "provider_failed",
            },
            Self::NoRefreshToken { .. } => "no_refresh_token",
            Self::WiderLimits(_) => "wider_limits",
            Self::NothingToLimit { .. } => "nothing_to_limit",
            Self::UserName(_) => "user_name",
            Self::NoSealingKey(_) => "no_sealing_key",
        }
    }

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
