//! Last request of a login: makes an AuthID from what the browser brings back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    HandOver, LIFETIME, Login, LoginError, LoginNames, LoginToken, NotALoginToken, Origin,
    OtherRealm, Recipients, SealedCookie, Visit,
    attempts::Use,
    carried::{LoginAttempt, open_carried},
};
use crate::{
    limit::ClientNetwork,
    provider::{CodeExchange, Issuers, LoginMethod, ProviderError, RefreshTokens, Service, Tokens},
    seal::{self, Ancestry, ClientMark, Grant, Lineage, Purpose, UseLimits},
    secret::Secret,
};

/// Parameters of the provider's redirect (RFC 6749 section 4.1.2).
#[derive(Debug, Default)]
pub struct Callback {
    /// Path of the request, below PUBLIC_URL.
    pub path: String,
    /// The nonce of the login; empty if the redirect had no valid `state`.
    pub state: String,
    /// The authorization code.
    pub code: Option<Secret>,
    /// The error code, if the login failed at the provider.
    pub error: Option<String>,
    /// The provider's description of the error.
    pub error_description: Option<String>,
    /// All other parameters: names and values.
    pub others: Vec<(String, String)>,
}

impl Callback {
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.others.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// True if there is a parameter of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.parameter(name).is_some()
    }

    /// Returns an `iss` parameter that does not match. If there are several, each must
    /// match, because the server can't tell which one the provider wrote.
    fn issuer_that_is_not_of(&self, issuers: &Issuers) -> Option<&str> {
        let named = self.others.iter().filter(|(name, _)| name == "iss");
        named
            .map(|(_, value)| value.as_str())
            .find(|iss| !issuers.allow(iss))
    }
}

/// A login that succeeded, with its result.
#[derive(Debug)]
pub struct Finished {
    /// The service that was logged in to.
    pub service: Arc<Service>,
    /// The result that the user gets.
    pub credential: Credential,
    /// Name of the account, if the provider's answer has it. Foreign text, only for the page
    /// of the user who logged in.
    pub account: Option<Secret>,
    /// Visit for a login with another account, for the same recipients; `None` if nothing is
    /// known of recipients.
    pub visit: Option<Visit>,
    /// Parameters of the callback that the user must know: names and values. Foreign
    /// text.
    pub facts: Vec<(String, String)>,
    /// The page that opened ours.
    pub opener: Option<Opener>,
    /// State of the hand-over to the program that waits for the AuthID.
    pub hand_over: HandOver,
}

/// A login that failed.
#[derive(Debug)]
pub struct Failed {
    /// Reason for the failure.
    pub error: LoginError,
    /// Visit for another attempt; `None` if nothing is known of recipients.
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
    /// True if the AuthID may be posted there without asking.
    pub is_trusted: bool,
}

/// Result of a login.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Credential {
    /// The sealed grant.
    AuthId(Secret),
    /// The access token itself, from a provider without refresh tokens. The program uses
    /// it directly, and does not send it back to this server.
    AccessToken(Secret),
}

impl Credential {
    pub(super) fn secret(&self) -> &Secret {
        let (Self::AuthId(secret) | Self::AccessToken(secret)) = self;
        secret
    }
}

impl Login {
    /// Finishes the login whose cookie is in `cookies`, the `Cookie` headers of the
    /// request. The first callback uses the login up, unless its code was never sent to the
    /// provider.
    pub async fn finish<'a>(
        &self,
        callback: Callback,
        cookies: impl IntoIterator<Item = &'a str>,
        client: ClientNetwork,
    ) -> Result<Finished, Failed> {
        let (service, attempt) = self
            .attempt(&callback.state, cookies)
            .map_err(|error| self.known_reason(&callback, error))?;
        let this_use = self
            .attempts
            .callback(&callback.state, callback.code.is_some(), client)?;
        let recipients = attempt.recipients.clone();
        let finished = self
            .finish_attempt(service, attempt, callback, (client, &this_use))
            .await;
        finished.map_err(|error| self.failed(error, recipients))
    }

    /// Returns the failure with a visit for another attempt.
    fn failed(&self, error: LoginError, recipients: Recipients) -> Failed {
        Failed {
            visit: match recipients.is_unknown() {
                true => None,
                false => self.visit(recipients).ok(),
            },
            error,
        }
    }

    async fn finish_attempt(
        &self,
        service: Arc<Service>,
        attempt: LoginAttempt,
        callback: Callback,
        (client, this_use): (ClientNetwork, &Use<'_>),
    ) -> Result<Finished, LoginError> {
        let LoginMethod::Code {
            shown,
            redirect_path,
            issuers,
            ..
        } = &service.provider.login
        else {
            return Err(LoginError::NotBegun);
        };
        // Checked before the code is used: it may belong to another provider.
        if callback.path != redirect_path.as_str() {
            tracing::warn!(service = %service.id, "a callback came to another redirect URI");
            return Err(LoginError::AnotherPath { service });
        }
        if let Some(issuer) = callback.issuer_that_is_not_of(issuers) {
            tracing::warn!(service = %service.id, "a callback named another issuer (iss)");
            let issuer = issuer.to_owned();
            return Err(LoginError::AnotherIssuer { service, issuer });
        }
        let Some(code) = &callback.code else {
            return Err(self.refused_at_provider(service, callback));
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
        let redirect_uri = self.public_url.join(redirect_path.as_str());
        let exchange = CodeExchange {
            redirect_uri: &redirect_uri,
            code,
            verifier: attempt.verifier.as_ref(),
            region,
        };
        this_use.waits();
        let on_sending = || this_use.is_sent();
        let tokens = self
            .provider
            .exchange_code(&service, exchange, client, on_sending)
            .await;
        let account = account(&tokens);
        let limits = attempt.recipients.limits.as_ref();
        let credential = self.seal(&service, region, &attempt.names, tokens, limits)?;
        let facts = shown
            .iter()
            .filter_map(|name| Some((name.clone(), callback.parameter(name)?.to_owned())))
            .collect();
        self.finished(service, attempt.recipients, (credential, account), facts)
    }

    /// Finishes a login with text that was pasted into our page. Text with the form of a
    /// login token of this service uses the page up; other text does not.
    pub async fn finish_with_login_token<'a>(
        &self,
        nonce: &str,
        pasted: &str,
        cookies: impl IntoIterator<Item = &'a str>,
        client: ClientNetwork,
    ) -> Result<Finished, Failed> {
        let (service, attempt) = self.attempt(nonce, cookies)?;
        let recipients = attempt.recipients.clone();
        let finished = self
            .finish_token_attempt(nonce, pasted, (service, attempt), client)
            .await;
        finished.map_err(|error| self.failed(error, recipients))
    }

    async fn finish_token_attempt(
        &self,
        nonce: &str,
        pasted: &str,
        (service, attempt): (Arc<Service>, LoginAttempt),
        client: ClientNetwork,
    ) -> Result<Finished, LoginError> {
        self.attempts.check_unused(nonce)?;
        let LoginMethod::LoginToken { .. } = &service.provider.login else {
            return Err(LoginError::NotBegun);
        };
        let token = match LoginToken::parse(pasted) {
            Ok(token) => token,
            Err(why) => return Err(LoginError::NotALoginToken { service, why }),
        };
        if let Some(other) = OtherRealm::find(&token.realm, &service, &self.catalog) {
            let realm = other.realm();
            tracing::info!(service = %service.id, "a login token of another {realm} was not sent");
            let why = NotALoginToken::OfAnotherRealm(Box::new(other));
            return Err(LoginError::NotALoginToken { service, why });
        }
        let this_use = self.attempts.login_token(nonce, client)?;
        this_use.waits();
        let exchange = self.provider.exchange_login_token(
            &service,
            &token.username,
            &token.auth_token,
            client,
            || this_use.is_sent(),
        );
        let tokens = exchange.await;
        let account = account(&tokens);
        let limits = attempt.recipients.limits.as_ref();
        let credential = self.seal(&service, None, &attempt.names, tokens, limits)?;
        let result = (credential, account);
        self.finished(service, attempt.recipients, result, Vec::new())
    }

    fn finished(
        &self,
        service: Arc<Service>,
        recipients: Recipients,
        (credential, account): (Credential, Option<Secret>),
        facts: Vec<(String, String)>,
    ) -> Result<Finished, LoginError> {
        let finished = Finished {
            service,
            credential,
            account,
            visit: None,
            facts,
            opener: None,
            hand_over: HandOver::Nobody,
        };
        self.offer(finished, recipients)
    }

    /// Returns the attempt that this browser began with this nonce.
    fn attempt<'a>(
        &self,
        nonce: &str,
        cookies: impl IntoIterator<Item = &'a str>,
    ) -> Result<(Arc<Service>, LoginAttempt), LoginError> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let attempt: LoginAttempt = SealedCookie::of_login(&self.public_url, nonce)
            .find(cookies)
            .and_then(|sealed| open_carried(&keys, now, LIFETIME, Purpose::Login, nonce, &sealed))
            .ok_or(LoginError::NotBegun)?;
        Ok((self.find(&attempt.service)?.clone(), attempt))
    }

    fn seal(
        &self,
        service: &Arc<Service>,
        region: Option<&str>,
        names: &LoginNames,
        tokens: Result<Tokens, ProviderError>,
        wish: Option<&UseLimits>,
    ) -> Result<Credential, LoginError> {
        let tokens = tokens.map_err(|error| {
            tracing::warn!(service = %service.id, "not logged in: {error}");
            LoginError::Provider {
                service: service.clone(),
                error,
            }
        })?;
        let missing = service.missing_scopes(&tokens);
        if !missing.is_empty() {
            tracing::warn!(service = %service.id, "not logged in: {} not granted", missing.join(" "));
            // Not revoked at the provider: that could end other logins of the account.
            return Err(LoginError::ScopesMissing {
                service: service.clone(),
                missing,
            });
        }
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
            service: service.id.as_str().into(),
            refresh_token,
            issued_at: now,
            lineage: Lineage::random(),
            generation: 0,
            region: region.map(str::to_owned),
            client: Some(ClientMark::of(&service.credentials.client_id)),
            ancestry: Ancestry::default(),
            terms: names.add_to(self.limits(service, wish)?.into_terms()),
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

impl Login {
    /// Returns the limits of a new AuthID: those of every one here, narrowed as the person wishes.
    pub(super) fn limits(
        &self,
        service: &Arc<Service>,
        wish: Option<&UseLimits>,
    ) -> Result<UseLimits, LoginError> {
        let widest = self.new_limits.at(self.clock.now());
        match wish {
            Some(_) if service.provider.refresh_tokens == RefreshTokens::None => {
                Err(LoginError::NothingToLimit {
                    service: service.clone(),
                })
            }
            Some(wish) => Ok(widest.narrowed(wish)?),
            None => Ok(widest),
        }
    }
}

/// Returns the name of the account, if the answer has it.
fn account(tokens: &Result<Tokens, ProviderError>) -> Option<Secret> {
    tokens.as_ref().ok()?.account.clone()
}
