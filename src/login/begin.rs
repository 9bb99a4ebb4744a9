//! The browser's first visits: the start page, and off to the provider.

use std::sync::Arc;

use super::{
    Login, LoginError, Opener, Origin, Recipients, SealedCookie,
    carried::{self, Attempt, open_carried, seal_carried},
};
use crate::{provider::Service, seal::Purpose, secret::Secret};

/// A start page that somebody opened for somebody else.
#[derive(Debug)]
pub struct Visit {
    /// What its links carry.
    pub nonce: String,
    /// The whole `Set-Cookie` value.
    pub cookie: String,
}

/// Ways in which somebody else receives an AuthID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receives {
    /// As soon as there is one.
    Unasked,
    /// When the person has clicked on the page that asks.
    AfterAClick,
}

/// How a login goes on.
#[derive(Debug)]
pub enum Begun {
    /// At the provider's authorization endpoint.
    Redirect {
        /// What is logged in to.
        service: Arc<Service>,
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
    /// Also a visit that goes on: after a login that failed, the next attempt is for the
    /// same recipients.
    pub fn visit(&self, recipients: Recipients) -> Result<Visit, LoginError> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let nonce = carried::nonce();
        let sealed = seal_carried(&keys, now, Purpose::Visit, &nonce, recipients)?;
        Ok(Visit {
            cookie: SealedCookie::of_visit(&self.public_url, &nonce).set(&sealed),
            nonce,
        })
    }

    /// The page that opened ours, and what it may have.
    pub(super) fn opener(&self, origin: Origin) -> Opener {
        Opener {
            is_trusted: self.openers.include(&origin, &self.public_url),
            origin,
        }
    }

    /// The receiver that the start page must name: a program that waits, or a page that gets the AuthID
    /// without another click.
    pub fn receives(&self, recipients: &Recipients) -> Option<Receives> {
        let opener = recipients.opener.as_ref();
        let is_trusted = |opener| self.openers.include(opener, &self.public_url);
        match &recipients.waiting {
            Some(_) => Some(Receives::AfterAClick),
            None if opener.is_some_and(is_trusted) => Some(Receives::Unasked),
            None => None,
        }
    }

    /// For whom the start page was opened from which a link with this nonce was
    /// followed; nobody, if it was not our page or not this browser.
    pub fn recipients<'a>(
        &self,
        nonce: &str,
        cookies: impl IntoIterator<Item = &'a str>,
    ) -> Recipients {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        SealedCookie::of_visit(&self.public_url, nonce)
            .find(cookies)
            .and_then(|sealed| {
                open_carried(
                    &keys,
                    now,
                    carried::LIFETIME,
                    Purpose::Visit,
                    nonce,
                    &sealed,
                )
            })
            .unwrap_or_default()
    }

    /// Begins a login at the service of that id or alias.
    pub fn begin(&self, id: &str, recipients: Recipients) -> Result<Begun, LoginError> {
        let service = self.find(id)?;
        let nonce = carried::nonce();
        let redirect_uri = service.provider.redirect_path();
        let redirect_uri = redirect_uri.map(|path| self.public_url.join(path.as_str()));
        let authorization = redirect_uri
            .and_then(|redirect_uri| self.provider.authorization(service, &redirect_uri, &nonce));
        match authorization {
            Some(authorization) => Ok(Begun::Redirect {
                cookie: self.cookie(service, &nonce, authorization.verifier, recipients)?,
                location: authorization.url.into(),
                service: service.clone(),
            }),
            None => Ok(Begun::LoginToken {
                cookie: self.cookie(service, &nonce, None, recipients)?,
                service: service.clone(),
                nonce,
            }),
        }
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
        Ok(SealedCookie::of_login(&self.public_url, nonce).set(&sealed))
    }
}
