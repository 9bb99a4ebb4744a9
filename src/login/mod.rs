//! Logging in: the browser's two visits, with nothing kept in between.
//!
//! `state` is a nonce; everything else travels in a sealed cookie named after
//! it. So any replica can finish what another began, two tabs don't collide, and
//! a callback in a browser that did not begin the login is refused (login CSRF,
//! RFC 9700 section 4.7).

mod carried;
mod cookie;
mod error;
mod hand_over;
mod login_token;
mod opener;

use std::sync::Arc;

pub use carried::{LIFETIME, Recipients};
pub use cookie::NonceCookie;
pub use error::LoginError;
pub use hand_over::{HandOverToken, HandOvers, Progress};
pub use login_token::{LoginToken, NotALoginToken};
pub use opener::{NotAnOrigin, Origin, TrustedOpeners};

use crate::{
    clock::Clock,
    keyring::Keyring,
    provider::{
        Catalog, CodeExchange, LoginMethod, ProviderClient, ProviderError, RefreshTokens, Service,
        Tokens,
    },
    public_url::PublicUrl,
    seal::{self, Grant, Lineage, Purpose},
    secret::Secret,
};
use carried::{Attempt, open_carried, seal_carried};

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
    /// AuthIDs on their way to the program that asked for them.
    pub hand_overs: HandOvers,
    /// Who gets an AuthID without being named on a button.
    pub openers: TrustedOpeners,
    /// The time.
    pub clock: Clock,
}

/// A start page that somebody opened for somebody else.
#[derive(Debug)]
pub struct Visit {
    /// What its links carry.
    pub nonce: String,
    /// The whole `Set-Cookie` value.
    pub cookie: String,
}

/// What the provider's redirect carried (RFC 6749 section 4.1.2).
#[derive(Debug, Default)]
pub struct Callback {
    /// The nonce that the login began with; empty if none came.
    pub state: String,
    /// The authorization code.
    pub code: Option<Secret>,
    /// The error code, if the login failed at the provider.
    pub error: Option<String>,
    /// The provider's words about the error.
    pub error_description: Option<String>,
    /// What else it carried, by name.
    pub others: Vec<(String, String)>,
}

impl Callback {
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.others.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A login that has led to something to hand over.
#[derive(Debug)]
pub struct Finished {
    /// What was logged in to.
    pub service: Arc<Service>,
    /// What its user gets.
    pub credential: Credential,
    /// What the callback said that its user must know, by the parameter's name.
    /// Foreign text.
    pub facts: Vec<(String, String)>,
    /// The page that opened ours.
    pub opener: Option<Opener>,
    /// Whether the AuthID now waits for whoever has the hand-over token.
    pub handed_over: bool,
}

/// The page that opened ours.
#[derive(Debug)]
pub struct Opener {
    /// Its origin: the only one that the AuthID may be posted to.
    pub origin: Origin,
    /// Whether it may be posted there without asking.
    pub is_trusted: bool,
}

/// What a login gives.
#[derive(Debug)]
pub enum Credential {
    /// The sealed grant.
    AuthId(Secret),
    /// The access token itself, from a provider without refresh tokens. It is
    /// used as it is, and never seen here again.
    AccessToken(Secret),
}

/// How a login goes on.
#[derive(Debug)]
pub enum Begun {
    /// At the provider's authorization endpoint.
    Redirect {
        /// With all parameters.
        location: String,
        /// The whole `Set-Cookie` value.
        cookie: String,
    },
    /// On our own page, where a login token is pasted.
    LoginToken {
        /// What is logged in to.
        service: Arc<Service>,
        /// Comes back with the form.
        nonce: String,
        /// The whole `Set-Cookie` value.
        cookie: String,
    },
}

impl Login {
    /// The start page was opened for these recipients.
    pub fn visit(&self, recipients: Recipients) -> Result<Visit, LoginError> {
        if let Some(token) = &recipients.hand_over {
            self.hand_overs.begin(token);
        }
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let nonce = carried::nonce();
        let sealed = seal_carried(&keys, now, Purpose::Visit, &nonce, recipients)?;
        Ok(Visit {
            cookie: NonceCookie::of_visit(&self.public_url, &nonce).set(&sealed),
            nonce,
        })
    }

    /// For whom the start page was opened from which a link with this nonce was
    /// followed; nobody, if it was not our page or not this browser.
    pub fn recipients<'a>(
        &self,
        nonce: &str,
        cookies: impl IntoIterator<Item = &'a str>,
    ) -> Recipients {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        NonceCookie::of_visit(&self.public_url, nonce)
            .find(cookies)
            .and_then(|sealed| open_carried(&keys, now, Purpose::Visit, nonce, &sealed))
            .unwrap_or_default()
    }

    /// Begins a login at the service of that id or alias.
    pub fn begin(&self, id: &str, recipients: Recipients) -> Result<Begun, LoginError> {
        let service = self.find(id)?;
        let nonce = carried::nonce();
        let redirect_uri = self.public_url.redirect_uri();
        match self.provider.authorization(service, &redirect_uri, &nonce) {
            Some(authorization) => Ok(Begun::Redirect {
                cookie: self.cookie(service, &nonce, authorization.verifier, recipients)?,
                location: authorization.url.into(),
            }),
            None => Ok(Begun::LoginToken {
                cookie: self.cookie(service, &nonce, None, recipients)?,
                service: service.clone(),
                nonce,
            }),
        }
    }

    /// Finishes the login whose cookie stands in `cookies`, the request's
    /// `Cookie` headers.
    pub async fn finish<'a>(
        &self,
        callback: Callback,
        cookies: impl IntoIterator<Item = &'a str>,
    ) -> Result<Finished, LoginError> {
        let (service, attempt) = self.attempt(&callback.state, cookies)?;
        let LoginMethod::Code { shown, .. } = &service.provider.login else {
            return Err(LoginError::NotBegun);
        };
        let Some(code) = &callback.code else {
            return Err(LoginError::RefusedAtProvider {
                error: callback.error.unwrap_or_else(|| "no code".into()),
                description: callback.error_description,
                service,
            });
        };
        let region = match &service.provider.region {
            None => None,
            Some(region) => {
                let named = callback.parameter(&region.parameter);
                Some(
                    region
                        .named(named)
                        .ok_or_else(|| LoginError::UnknownRegion {
                            service: service.clone(),
                        })?,
                )
            }
        };
        let redirect_uri = self.public_url.redirect_uri();
        let exchange = CodeExchange {
            redirect_uri: &redirect_uri,
            code,
            verifier: attempt.verifier.as_ref(),
            region,
        };
        let tokens = self.provider.exchange_code(&service, exchange).await;
        let credential = self.seal(&service, region, tokens)?;
        let facts = shown
            .iter()
            .filter_map(|name| Some((name.clone(), callback.parameter(name)?.to_owned())))
            .collect();
        self.finished(service, attempt.recipients, credential, facts)
    }

    /// Finishes a login with what was pasted into our own page.
    pub async fn finish_with_login_token<'a>(
        &self,
        nonce: &str,
        pasted: &str,
        cookies: impl IntoIterator<Item = &'a str>,
    ) -> Result<Finished, LoginError> {
        let (service, attempt) = self.attempt(nonce, cookies)?;
        let LoginMethod::LoginToken { .. } = &service.provider.login else {
            return Err(LoginError::NotBegun);
        };
        let token = match LoginToken::parse(pasted) {
            Ok(token) => token,
            Err(why) => return Err(LoginError::NotALoginToken { service, why }),
        };
        let exchange =
            self.provider
                .exchange_login_token(&service, &token.username, &token.auth_token);
        let tokens = exchange.await;
        let credential = self.seal(&service, None, tokens)?;
        self.finished(service, attempt.recipients, credential, Vec::new())
    }

    /// Lets the recipients have it.
    fn finished(
        &self,
        service: Arc<Service>,
        recipients: Recipients,
        credential: Credential,
        facts: Vec<(String, String)>,
    ) -> Result<Finished, LoginError> {
        let (Credential::AuthId(secret) | Credential::AccessToken(secret)) = &credential;
        let handed_over = match &recipients.hand_over {
            Some(token) => self.hand_overs.deliver(token, secret)?,
            None => false,
        };
        let opener = recipients.opener.map(|origin| Opener {
            is_trusted: self.openers.include(&origin, &self.public_url),
            origin,
        });
        Ok(Finished {
            service,
            credential,
            facts,
            opener,
            handed_over,
        })
    }

    fn find(&self, id: &str) -> Result<&Arc<Service>, LoginError> {
        let service = self.catalog.find(id);
        service.ok_or_else(|| LoginError::UnknownService { id: id.to_owned() })
    }

    /// The `Set-Cookie` value of a new attempt.
    fn cookie(
        &self,
        service: &Service,
        nonce: &str,
        verifier: Option<Secret>,
        recipients: Recipients,
    ) -> Result<String, LoginError> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let attempt = Attempt {
            service: service.id.clone(),
            verifier,
            recipients,
        };
        let sealed = seal_carried(&keys, now, Purpose::Login, nonce, attempt)?;
        Ok(NonceCookie::of_login(&self.public_url, nonce).set(&sealed))
    }

    /// The attempt that this browser began with this nonce.
    fn attempt<'a>(
        &self,
        nonce: &str,
        cookies: impl IntoIterator<Item = &'a str>,
    ) -> Result<(Arc<Service>, Attempt), LoginError> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let attempt: Attempt = NonceCookie::of_login(&self.public_url, nonce)
            .find(cookies)
            .and_then(|sealed| open_carried(&keys, now, Purpose::Login, nonce, &sealed))
            .ok_or(LoginError::NotBegun)?;
        Ok((self.find(&attempt.service)?.clone(), attempt))
    }

    fn seal(
        &self,
        service: &Arc<Service>,
        region: Option<&str>,
        tokens: Result<Tokens, ProviderError>,
    ) -> Result<Credential, LoginError> {
        let tokens = tokens.map_err(|error| LoginError::Provider {
            service: service.clone(),
            error,
        })?;
        if service.provider.refresh_tokens == RefreshTokens::None {
            tracing::info!(service = %service.id, "logged in; the access token was handed over");
            return Ok(Credential::AccessToken(tokens.access_token));
        }
        let refresh_token = tokens
            .refresh_token
            .ok_or_else(|| LoginError::NoRefreshToken {
                service: service.clone(),
            })?;
        let now = self.clock.now();
        let grant = Grant {
            service: service.id.clone(),
            refresh_token,
            issued_at: now,
            lineage: Lineage::random(),
            generation: 0,
            region: region.map(str::to_owned),
        };
        let authid = seal::seal(&self.keyring.current(), now, &grant)?;
        tracing::info!(
            service = %grant.service,
            lineage = %grant.lineage.short_hash(),
            "logged in"
        );
        Ok(Credential::AuthId(authid))
    }
}
