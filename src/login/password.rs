//! The one password that may stand before the login pages (LOGIN_PASSWORD).

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use ring::{hmac, rand::SystemRandom};
use thiserror::Error;

use super::{
    SealedCookie,
    carried::{open_carried, seal_carried},
};
use crate::{
    clock::Clock,
    keyring::Keyring,
    limit::{Limit, TooOften},
    public_url::PublicUrl,
    seal::{NoSealingKey, Purpose},
    secret::Secret,
};

/// For how long a browser is not asked again.
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
const SHORTEST: usize = 8;
/// From one address: five at once, then one every 15 seconds.
const GUESSES: (NonZeroU32, Duration) = (NonZeroU32::new(5).unwrap(), Duration::from_secs(15));
/// From all addresses together, because some have thousands: a million of the most
/// used passwords take two weeks. Who gave the password before is not asked meanwhile.
const ALL_GUESSES: (NonZeroU32, Duration) = (NonZeroU32::new(100).unwrap(), Duration::from_secs(1));

/// A shared password.
#[derive(Clone, Debug)]
pub struct Password(Secret);

/// The text will not do as a password.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("has fewer than {SHORTEST} characters; take a longer one")]
pub struct NotAPassword;

impl Password {
    /// Any text that is long enough.
    pub fn parse(text: &str) -> Result<Self, NotAPassword> {
        match text.chars().count() >= SHORTEST {
            true => Ok(Self(Secret::new(text))),
            false => Err(NotAPassword),
        }
    }
}

/// Asks for the password, and knows who has given it.
#[derive(Debug)]
pub struct PasswordGate {
    password: Password,
    cookie: SealedCookie,
    keyring: Arc<Keyring>,
    guesses: Limit<Option<IpAddr>>,
    all_guesses: Limit<()>,
    clock: Clock,
}

/// Why somebody is not let in.
#[derive(Debug, Error)]
pub enum WrongPassword {
    /// It is another one.
    #[error("a wrong password")]
    Wrong,
    /// It was not even looked at. Wait.
    #[error("too many passwords were tried")]
    TooOften(TooOften),
    /// Tell the administrator.
    #[error(transparent)]
    NoSealingKey(#[from] NoSealingKey),
}

impl PasswordGate {
    /// A gate that this password opens.
    pub fn new(
        password: Password,
        public_url: &PublicUrl,
        keyring: Arc<Keyring>,
        clock: Clock,
    ) -> Self {
        Self {
            password,
            cookie: SealedCookie::of_session(public_url),
            keyring,
            guesses: Limit::first_then_every(GUESSES.0, GUESSES.1, clock.clone()),
            all_guesses: Limit::first_then_every(ALL_GUESSES.0, ALL_GUESSES.1, clock.clone()),
            clock,
        }
    }

    /// Whether the browser with these cookies has given the password.
    pub fn is_open<'a>(&self, cookies: impl IntoIterator<Item = &'a str>) -> bool {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let Password(password) = &self.password;
        let sealed = self.cookie.find(cookies);
        let opened = sealed.and_then(|sealed| {
            let purpose = Purpose::Session;
            open_carried(&keys, now, LIFETIME, purpose, password.expose(), &sealed)
        });
        opened == Some(())
    }

    /// Lets in who knows the password: the `Set-Cookie` value to give him. Whoever
    /// tries from the same address again and again has to wait.
    pub fn enter(&self, guess: &Secret, from: Option<IpAddr>) -> Result<String, WrongPassword> {
        let counted = self.guesses.check(&from);
        let counted = counted.and_then(|()| self.all_guesses.check(&()));
        counted.map_err(WrongPassword::TooOften)?;
        let Password(password) = &self.password;
        if !is_same(password, guess) {
            return Err(WrongPassword::Wrong);
        }
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let sealed = seal_carried(&keys, now, Purpose::Session, password.expose(), ())?;
        Ok(self.cookie.set(&sealed))
    }
}

/// Takes as long whatever the guess has in common with the password.
fn is_same(password: &Secret, guess: &Secret) -> bool {
    let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
        .expect("the operating system gives random bytes");
    let tag = hmac::sign(&key, password.expose().as_bytes());
    hmac::verify(&key, guess.expose().as_bytes(), tag.as_ref()).is_ok()
}
