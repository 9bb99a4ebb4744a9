//! First requests of a login: the start page, and the redirect to the provider.

use std::sync::Arc;

use super::{
    Login, LoginError, LoginNames, Opener, Origin, Recipients, SealedCookie,
    carried::{self, LoginAttempt, open_carried, seal_carried},
};
use crate::{
    provider::{Account, Service},
    seal::Purpose,
    secret::Secret,
};

/// A visit to a start page that was opened for another recipient.
#[derive(Debug)]
pub struct Visit {
    /// Nonce that the links on the start page carry.
    pub nonce: String,
    /// The complete `Set-Cookie` value.
    pub cookie: String,
}

/// Ways in which a program or page receives an AuthID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receives {
    /// It receives the AuthID as soon as there is one.
    Unasked,
    /// It receives the AuthID after the person has confirmed with a click.
    AfterAClick,
}

/// Next step of a login.
#[derive(Debug)]
pub enum Begun {
    /// A redirect to the provider's authorization endpoint.
    Redirect {
        /// The service to log in to.
        service: Arc<Service>,
        /// URL of the authorization endpoint with all parameters.
        location: String,
        /// The complete `Set-Cookie` value.
        cookie: String,
    },
    /// A page of this server, into which a login token is pasted.
    LoginToken {
        /// The service to log in to.
        service: Arc<Service>,
        /// Nonce that comes back with the form.
        nonce: String,
        /// The complete `Set-Cookie` value.
        cookie: String,
    },
}

impl Login {
    /// Makes the nonce and the cookie of a visit for these recipients. It is also called
    /// after a failed login, so that the next attempt is for the same recipients.
    pub fn visit(&self, recipients: Recipients) -> Result<Visit, LoginError> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let nonce = carried::nonce();
        let sealed = seal_carried(&keys, now, Purpose::Visit, &nonce, recipients)?;
        Ok(Visit {
            cookie: SealedCookie::of_visit(&self.public_url, &nonce).set(&sealed),
            nonce,
        })
    }

    /// Returns the opener with this origin, and marks it as trusted or not.
    pub(super) fn opener(&self, origin: Origin) -> Opener {
        Opener {
            is_trusted: self.openers.include(&origin, &self.public_url),
            origin,
        }
    }

    /// Returns the way in which a recipient gets the AuthID, if the start page must name
    /// it: a program that waits, or a page that gets the AuthID without another click.
    pub fn receives(&self, recipients: &Recipients) -> Option<Receives> {
        let opener = recipients.opener.as_ref();
        let is_trusted = |opener| self.openers.include(opener, &self.public_url);
        match &recipients.waiting {
            Some(_) if self.is_blocked(recipients) => None,
            Some(_) => Some(Receives::AfterAClick),
            None if opener.is_some_and(is_trusted) => Some(Receives::Unasked),
            None => None,
        }
    }

    /// Returns the recipients for whom the start page was opened that has links with this
    /// nonce. They are empty if the link was not on our page, or was followed in another
    /// browser.
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

    /// Begins a login at the service with this id or alias.
    pub fn begin(
        &self,
        id: &str,
        account: Account,
        recipients: Recipients,
        names: LoginNames,
    ) -> Result<Begun, LoginError> {
        let service = self.find(id)?;
        if let Some(wish) = &recipients.limits {
            self.limits(service, Some(wish))?;
        }
        let nonce = carried::nonce();
        let redirect_uri = service.provider.redirect_path();
        let redirect_uri = redirect_uri.map(|path| self.public_url.join(path.as_str()));
        let authorization = redirect_uri.and_then(|redirect_uri| {
            let provider = &self.provider;
            provider.authorization(service, account, &redirect_uri, &nonce)
        });
        match authorization {
            Some(authorization) => Ok(Begun::Redirect {
                cookie: self.cookie(service, &nonce, authorization.verifier, recipients, names)?,
                location: authorization.url.into(),
                service: service.clone(),
            }),
            None => Ok(Begun::LoginToken {
                cookie: self.cookie(service, &nonce, None, recipients, names)?,
                service: service.clone(),
                nonce,
            }),
        }
    }

    /// Returns the `Set-Cookie` value of a new attempt.
    fn cookie(
        &self,
        service: &Service,
        nonce: &str,
        verifier: Option<Secret>,
        recipients: Recipients,
        names: LoginNames,
    ) -> Result<String, LoginError> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let attempt = LoginAttempt {
            service: service.id.clone(),
            verifier,
            recipients,
            names,
        };
        let sealed = seal_carried(&keys, now, Purpose::Login, nonce, attempt)?;
        Ok(SealedCookie::of_login(&self.public_url, nonce).set(&sealed))
    }
}
