//! The browser's last visit: from what it brings back to an AuthID.

use std::sync::Arc;

use super::{
    LIFETIME, Login, LoginError, LoginToken, Origin, Recipients, SealedCookie, Visit,
    carried::{Attempt, open_carried},
};
use crate::{
    provider::{CodeExchange, LoginMethod, ProviderError, RefreshTokens, Service, Tokens},
    seal::{self, Ancestry, Grant, Lineage, Purpose},
    secret::Secret,
};

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

/// A login that has led to nothing.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: LoginError,
    /// What a link to another attempt carries, if the AuthID is for somebody.
    pub visit: Option<Visit>,
}

impl From<LoginError> for Failed {
    fn from(error: LoginError) -> Self {
        Self { error, visit: None }
    }
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

impl Login {
    /// Finishes the login whose cookie stands in `cookies`, the request's
    /// `Cookie` headers.
    pub async fn finish<'a>(
        &self,
        callback: Callback,
        cookies: impl IntoIterator<Item = &'a str>,
    ) -> Result<Finished, Failed> {
        let (service, attempt) = self.attempt(&callback.state, cookies)?;
        let recipients = attempt.recipients.clone();
        let finished = self.finish_attempt(service, attempt, callback).await;
        finished.map_err(|error| Failed {
            visit: match recipients.is_nobody() {
                true => None,
                false => self.carry(recipients).ok(),
            },
            error,
        })
    }

    async fn finish_attempt(
        &self,
        service: Arc<Service>,
        attempt: Attempt,
        callback: Callback,
    ) -> Result<Finished, LoginError> {
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
            .await
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
            .await
    }

    /// Lets the recipients have it.
    async fn finished(
        &self,
        service: Arc<Service>,
        recipients: Recipients,
        credential: Credential,
        facts: Vec<(String, String)>,
    ) -> Result<Finished, LoginError> {
        let (Credential::AuthId(secret) | Credential::AccessToken(secret)) = &credential;
        let handed_over = match &recipients.hand_over {
            Some(token) => self.hand_overs.deliver(token, secret).await?,
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

    /// The attempt that this browser began with this nonce.
    fn attempt<'a>(
        &self,
        nonce: &str,
        cookies: impl IntoIterator<Item = &'a str>,
    ) -> Result<(Arc<Service>, Attempt), LoginError> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let attempt: Attempt = SealedCookie::of_login(&self.public_url, nonce)
            .find(cookies)
            .and_then(|sealed| open_carried(&keys, now, LIFETIME, Purpose::Login, nonce, &sealed))
            .ok_or(LoginError::NotBegun)?;
        Ok((self.find(&attempt.service)?.clone(), attempt))
    }

    fn seal(
        &self,
        service: &Arc<Service>,
        region: Option<&str>,
        tokens: Result<Tokens, ProviderError>,
    ) -> Result<Credential, LoginError> {
        let tokens = tokens.map_err(|error| {
            tracing::warn!(service = %service.id, "not logged in: {error}");
            LoginError::Provider {
                service: service.clone(),
                error,
            }
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
            ancestry: Ancestry::default(),
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
