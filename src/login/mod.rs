//! Logins: the browser makes two requests, and the server keeps no state in between.
//!
//! `state` is a nonce; everything else travels in a sealed cookie named after it. So any
//! replica can finish a login that another one began, two tabs don't collide, and a
//! callback in a browser that did not begin the login is refused (login CSRF, RFC 9700
//! section 4.7).

mod attempts;
mod begin;
mod carried;
mod confirm;
mod cookie;
mod elsewhere;
mod error;
mod finish;
mod hand_over;
mod login_token;
mod mixed_content;
mod names;
mod opener;
mod other_realm;
mod password;
mod refused;
mod slow_hash;

use std::sync::Arc;

pub(crate) use attempts::Attempts;
pub(crate) use begin::{Begun, Receives, Visit};
pub(crate) use carried::{LIFETIME, Recipients, Waiting};
pub(crate) use confirm::HandOver;
pub(crate) use cookie::SealedCookie;
pub(crate) use elsewhere::{CODE_LIFETIME, Collected, NoCode, NotCollected};
pub(crate) use error::LoginError;
pub(crate) use finish::{Callback, Credential, Failed, Finished, Opener};
pub(crate) use hand_over::{Delivery, Fetcher, HandOverToken, HandOvers, Progress};
pub use login_token::{LoginToken, NotALoginToken};
pub(crate) use mixed_content::Fetching;
pub(crate) use names::LoginNames;
pub(crate) use opener::NotAnOrigin;
pub use opener::{Origin, TrustedOpeners};
pub(crate) use other_realm::{OtherRealm, RealmOwnerHere};
pub(crate) use password::{Password, PasswordGate, WrongPassword};

use crate::{
    clock::Clock,
    keyring::Keyring,
    provider::{Catalog, ProviderClient, Service},
    public_url::PublicUrl,
    seal::LimitPolicy,
};

/// Begins and finishes logins.
#[derive(Debug)]
pub struct Login {
    /// Base of the redirect URIs.
    pub public_url: PublicUrl,
    /// The services that can be logged in to.
    pub catalog: Arc<Catalog>,
    /// Keys that seal AuthIDs and cookies.
    pub keyring: Arc<Keyring>,
    /// Client for requests to the providers.
    pub provider: ProviderClient,
    /// AuthIDs that wait for the program that asked for them.
    pub hand_overs: HandOvers,
    /// Origins that get an AuthID without a button that names them.
    pub openers: TrustedOpeners,
    /// Rate limits for requests to providers, and used nonces.
    pub attempts: Attempts,
    /// Limits of every new AuthID.
    pub new_limits: LimitPolicy,
    /// Source of the current time.
    pub clock: Clock,
}

impl Login {
    fn find(&self, id: &str) -> Result<&Arc<Service>, LoginError> {
        let service = self.catalog.find(id);
        service.ok_or_else(|| LoginError::UnknownService { id: id.to_owned() })
    }
}
