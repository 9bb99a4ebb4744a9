//! Logging in: the browser's two visits, with nothing kept in between.
//!
//! `state` is a nonce; everything else travels in a sealed cookie named after
//! it. So any replica can finish what another began, two tabs don't collide, and
//! a callback in a browser that did not begin the login is refused (login CSRF,
//! RFC 9700 section 4.7).

mod attempts;
mod begin;
mod carried;
mod confirm;
mod cookie;
mod error;
mod finish;
mod hand_over;
mod login_token;
mod opener;
mod password;
mod slow_hash;

use std::sync::Arc;

pub use attempts::Attempts;
pub use begin::{Begun, Receives, Visit};
pub use carried::{LIFETIME, Recipients, Waiting};
pub use confirm::{Confirmed, HandOver, Question};
pub use cookie::SealedCookie;
pub use error::LoginError;
pub use finish::{Callback, Credential, Failed, Finished, Opener};
pub use hand_over::{HandOverToken, HandOvers, Progress};
pub use login_token::{LoginToken, NotALoginToken};
pub use opener::{NotAnOrigin, Origin, TrustedOpeners};
pub use password::{NotAPassword, Password, PasswordGate, WrongPassword};

use crate::{
    clock::Clock,
    keyring::Keyring,
    provider::{Catalog, ProviderClient, Service},
    public_url::PublicUrl,
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
    /// AuthIDs on their way to the program that asked for them.
    pub hand_overs: HandOvers,
    /// Who gets an AuthID without being named on a button.
    pub openers: TrustedOpeners,
    /// What is sent to providers for anybody, and how often.
    pub attempts: Attempts,
    /// The time.
    pub clock: Clock,
}

impl Login {
    fn find(&self, id: &str) -> Result<&Arc<Service>, LoginError> {
        let service = self.catalog.find(id);
        service.ok_or_else(|| LoginError::UnknownService { id: id.to_owned() })
    }
}
