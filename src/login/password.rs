//! Shared password in front of the login pages (LOGIN_PASSWORD).

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use super::{
    SealedCookie,
    carried::{self, open_carried, seal_carried},
    slow_hash::SlowHash,
};
use crate::{
    clock::Clock,
    keyring::Keyring,
    limit::{ClientNetwork, FairQueue, Limit, NetworkLimit, TooOften},
    public_url::PublicUrl,
    seal::{NoSealingKey, Purpose},
    secret::Secret,
};

/// Lifetime of a session: the browser is not asked for the password again.
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// Lifetime of the cookie that marks a browser in which the password was entered.
pub(super) const KNOWN_FOR: Duration = Duration::from_secs(180 * 24 * 60 * 60);
const SHORTEST: usize = 12;
/// Rate limit for guesses from one network: five at once, then one every 15 seconds. Each
/// known browser has the same limit for itself, so that guesses from elsewhere can't lock
/// out a browser in which the password was entered before.
const GUESSES: (NonZeroU32, Duration) = (NonZeroU32::new(5).unwrap(), Duration::from_secs(15));
/// Maximum number of guesses that wait, network by network. They are compared one after
/// the other, which takes one core at most.
const QUEUE: usize = 100;
/// Maximum time that a guess waits; longer than the whole queue takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A shared password.
#[derive(Clone, Debug)]
pub struct Password(Secret);

/// The text is too short for a password.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "has fewer than {SHORTEST} characters; anybody who reaches the form can try shorter ones \
     from many addresses, so take a longer one, such as four random words"
)]
pub struct NotAPassword;

impl Password {
    /// Accepts any text that is long enough.
    pub fn parse(text: &str) -> Result<Self, NotAPassword> {
        match text.chars().count() >= SHORTEST {
            true => Ok(Self(Secret::new(text))),
            false => Err(NotAPassword),
        }
    }
}

/// Asks for the password, and recognises browsers in which it was entered.
pub struct PasswordGate {
    password: Password,
    hash: SlowHash,
    session: SealedCookie,
    known_browser: SealedCookie,
    keyring: Arc<Keyring>,
    guesses: NetworkLimit,
    known_guesses: Limit<String>,
    queue: FairQueue,
    known_queue: FairQueue,
    clock: Clock,
}

impl std::fmt::Debug for PasswordGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordGate").finish_non_exhaustive()
    }
}

/// Reasons why a password was not accepted.
#[derive(Debug, Error)]
pub enum WrongPassword {
    /// The password is wrong.
    #[error("a wrong password")]
    Wrong,
    /// The rate limit was exceeded, and the password was not compared. Wait.
    #[error("too many passwords were tried")]
    TooOften(TooOften),
    /// Too many guesses wait, and the password was not compared. Try again.
    #[error("too many passwords are being tried")]
    Busy,
    /// No key may seal now. Tell the administrator.
    #[error(transparent)]
    NoSealingKey(#[from] NoSealingKey),
}

impl PasswordGate {
    /// Makes a gate that this password opens.
    pub fn new(
        password: Password,
        public_url: &PublicUrl,
        keyring: Arc<Keyring>,
        clock: Clock,
    ) -> Self {
        let (first, period) = GUESSES;
        Self {
            hash: SlowHash::of(&password.0),
            password,
            session: SealedCookie::of_session(public_url),
            known_browser: SealedCookie::of_known_browser(public_url),
            keyring,
            guesses: NetworkLimit::first_then_every(first, period, clock.clone()),
            known_guesses: Limit::first_then_every(first, period, clock.clone()),
            queue: FairQueue::new(1, QUEUE, PATIENCE),
            known_queue: FairQueue::new(1, QUEUE, PATIENCE),
            clock,
        }
    }

    /// True if the password was entered in the browser with these cookies.
    pub fn is_open<'a>(&self, cookies: impl IntoIterator<Item = &'a str>) -> bool {
        let sealed = self.session.find(cookies);
        self.opened::<()>(sealed, Purpose::Session, LIFETIME)
            .is_some()
    }

    /// Checks the password, and returns the `Set-Cookie` values to send back. Guesses are
    /// limited for each network, or for each known browser.
    pub async fn enter<'a>(
        &self,
        guess: Secret,
        cookies: impl IntoIterator<Item = &'a str>,
        client: ClientNetwork,
    ) -> Result<[String; 2], WrongPassword> {
        let sealed = self.known_browser.find(cookies);
        let known: Option<String> = self.opened(sealed, Purpose::KnownBrowser, KNOWN_FOR);
        let (counted, queue) = match &known {
            Some(browser) => (self.known_guesses.check(browser), &self.known_queue),
            None => (self.guesses.check(client), &self.queue),
        };
        counted.map_err(WrongPassword::TooOften)?;
        let place = queue.enter(client).await.ok_or(WrongPassword::Busy)?;
        let hash = self.hash.clone();
        let compared = tokio::task::spawn_blocking(move || {
            // Dropped when the hash is done. A client that disconnects does not end the
            // work.
            let _place = place;
            hash.is_of(&guess)
        });
        match compared.await {
            Ok(true) => self.let_in(known),
            Ok(false) => Err(WrongPassword::Wrong),
            Err(_) => Err(WrongPassword::Busy),
        }
    }

    fn let_in(&self, known: Option<String>) -> Result<[String; 2], WrongPassword> {
        let browser = known.unwrap_or_else(carried::nonce);
        let (session, browser) = (
            self.sealed(Purpose::Session, ())?,
            self.sealed(Purpose::KnownBrowser, browser)?,
        );
        Ok([self.session.set(&session), self.known_browser.set(&browser)])
    }

    fn opened<T: DeserializeOwned>(
        &self,
        sealed: Option<String>,
        purpose: Purpose,
        lifetime: Duration,
    ) -> Option<T> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let password = self.password.0.expose();
        open_carried(&keys, now, lifetime, purpose, password, &sealed?)
    }

    fn sealed<T: Serialize>(&self, purpose: Purpose, content: T) -> Result<Secret, NoSealingKey> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        seal_carried(&keys, now, purpose, self.password.0.expose(), content)
    }
}
