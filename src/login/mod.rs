//! Logging in: the browser's two visits, with nothing kept in between.
//!
//! `state` is a nonce; everything else travels in a sealed cookie named after
//! it. So any replica can finish what another began, two tabs don't collide, and
//! a callback in a browser that did not begin the login is refused (login CSRF,
//! RFC 9700 section 4.7).

mod attempt;
mod cookie;

use std::sync::Arc;

use thiserror::Error;

pub use attempt::{Attempt, LIFETIME};
pub use cookie::LoginCookie;

use crate::{
    clock::Clock,
    keyring::Keyring,
    provider::{Catalog, ProviderClient, ProviderError, Service, Tokens},
    public_url::PublicUrl,
    seal::{self, Grant, Lineage, NoSealingKey},
    secret::Secret,
};

/// Begins and finishes logins.
#[derive(Debug)]
pub struct Login {
    /// What redirect URIs are made from.
    pub public_url: PublicUrl,
    /// What can be logged in to.
    pub catalog: Arc<Catalog>,
    /// What AuthIDs and cookies are sealed under.
    pub keyring: Arc<Keyring>,
    /// The way to the providers.
    pub provider: ProviderClient,
    /// The time.
    pub clock: Clock,
}

/// Where to send the browser, and the cookie that it brings back.
#[derive(Debug)]
pub struct Begun {
    /// The provider's authorization endpoint with all parameters.
    pub redirect: String,
    /// The whole `Set-Cookie` value.
    pub cookie: String,
}

/// What the provider's redirect carried (RFC 6749 section 4.1.2).
#[derive(Debug, Default)]
pub struct Callback {
    /// The nonce that the login began with.
    pub state: Option<String>,
    /// The authorization code.
    pub code: Option<Secret>,
    /// The error code, if the login failed at the provider.
    pub error: Option<String>,
    /// The provider's words about the error.
    pub error_description: Option<String>,
}

/// A login that led to an AuthID.
#[derive(Debug)]
pub struct Finished {
    /// What was logged in to.
    pub service: Arc<Service>,
    /// The sealed grant.
    pub authid: Secret,
}

/// Why there is no AuthID, and with whom it lies.
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
    /// The code could not be exchanged.
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

impl Login {
    /// Begins a login at the service of that id or alias.
    pub fn begin(&self, id: &str) -> Result<Begun, LoginError> {
        let service = self
            .catalog
            .find(id)
            .ok_or_else(|| LoginError::UnknownService { id: id.to_owned() })?;
        let nonce = attempt::nonce();
        let authorization =
            self.provider
                .authorization(service, &self.public_url.redirect_uri(), &nonce);
        let now = self.clock.now();
        let attempt = Attempt {
            service: service.id.clone(),
            verifier: authorization.verifier,
            begun_at: now,
        };
        let sealed = attempt.seal(&self.keyring.current(), now, &nonce)?;
        let cookie = LoginCookie::new(&self.public_url, &nonce);
        Ok(Begun {
            redirect: authorization.url.into(),
            cookie: cookie.set(&sealed),
        })
    }

    /// Finishes the login whose cookie stands in `cookies`, the request's
    /// `Cookie` headers.
    pub async fn finish<'a>(
        &self,
        callback: Callback,
        cookies: impl IntoIterator<Item = &'a str>,
    ) -> Result<Finished, LoginError> {
        let nonce = callback.state.unwrap_or_default();
        let attempt = LoginCookie::new(&self.public_url, &nonce)
            .find(cookies)
            .and_then(|sealed| {
                Attempt::open(&self.keyring.current(), self.clock.now(), &nonce, &sealed)
            })
            .ok_or(LoginError::NotBegun)?;
        let service = self.catalog.by_id(&attempt.service).cloned();
        let service = service.ok_or(LoginError::UnknownService {
            id: attempt.service,
        })?;
        let Some(code) = callback.code else {
            return Err(LoginError::RefusedAtProvider {
                service,
                error: callback.error.unwrap_or_else(|| "no code".into()),
                description: callback.error_description,
            });
        };
        let tokens = self
            .provider
            .exchange_code(
                &service,
                &self.public_url.redirect_uri(),
                &code,
                attempt.verifier.as_ref(),
            )
            .await
            .map_err(|error| LoginError::Provider {
                service: service.clone(),
                error,
            })?;
        self.seal(service, tokens)
    }

    fn seal(&self, service: Arc<Service>, tokens: Tokens) -> Result<Finished, LoginError> {
        let Some(refresh_token) = tokens.refresh_token else {
            return Err(LoginError::NoRefreshToken { service });
        };
        let now = self.clock.now();
        let grant = Grant {
            service: service.id.clone(),
            refresh_token,
            issued_at: now,
            lineage: Lineage::random(),
            generation: 0,
        };
        let authid = seal::seal(&self.keyring.current(), now, &grant)?;
        tracing::info!(
            service = %grant.service,
            lineage = %grant.lineage.short_hash(),
            "logged in"
        );
        Ok(Finished { service, authid })
    }
}
