//! The one password that may stand before the login pages (LOGIN_PASSWORD).

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
    limit::{ClientNetwork, Limit, NetworkLimit, TooOften, Turns},
    public_url::PublicUrl,
    seal::{NoSealingKey, Purpose},
    secret::Secret,
};

/// For how long a browser is not asked again.
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// For how long a browser is known in which the password was given.
pub(super) const KNOWN_FOR: Duration = Duration::from_secs(180 * 24 * 60 * 60);
const SHORTEST: usize = 12;
/// From one household: five at once, then one every 15 seconds. As many again for each
/// browser that is known, so that whoever guesses elsewhere keeps nobody out who was in
/// before.
const GUESSES: (NonZeroU32, Duration) = (NonZeroU32::new(5).unwrap(), Duration::from_secs(15));
/// Guesses are compared one after the other, which takes one core at most. So many
/// wait, network by network.
const QUEUE: usize = 100;
/// Longer than the whole queue takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A shared password.
#[derive(Clone, Debug)]
pub struct Password(Secret);

/// The text will not do as a password.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "has fewer than {SHORTEST} characters; anybody who reaches the form can try shorter ones \
     from many addresses, so take a longer one, such as four random words"
)]
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
pub struct PasswordGate {
    password: Password,
    hash: SlowHash,
    session: SealedCookie,
    known_browser: SealedCookie,
    keyring: Arc<Keyring>,
    guesses: NetworkLimit,
    known_guesses: Limit<String>,
    turns: Turns,
    known_turns: Turns,
    clock: Clock,
}

impl std::fmt::Debug for PasswordGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordGate").finish_non_exhaustive()
    }
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
    /// The same, because too many others wait. Try again.
    #[error("too many passwords are being tried")]
    Busy,
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
        let (first, period) = GUESSES;
        Self {
            hash: SlowHash::of(&password.0),
            password,
            session: SealedCookie::of_session(public_url),
            known_browser: SealedCookie::of_known_browser(public_url),
            keyring,
            guesses: NetworkLimit::first_then_every(first, period, clock.clone()),
            known_guesses: Limit::first_then_every(first, period, clock.clone()),
            turns: Turns::new(1, QUEUE, PATIENCE),
            known_turns: Turns::new(1, QUEUE, PATIENCE),
            clock,
        }
    }

    /// Whether the browser with these cookies has given the password.
    pub fn is_open<'a>(&self, cookies: impl IntoIterator<Item = &'a str>) -> bool {
        let sealed = self.session.find(cookies);
        self.opened::<()>(sealed, Purpose::Session, LIFETIME)
            .is_some()
    }

    /// Lets in whoever knows the password: the `Set-Cookie` values to send back. Whoever
    /// tries from the same network again and again has to wait; a browser that is known is
    /// counted by itself.
    pub async fn enter<'a>(
        &self,
        guess: Secret,
        cookies: impl IntoIterator<Item = &'a str>,
        client: ClientNetwork,
    ) -> Result<[String; 2], WrongPassword> {
        let sealed = self.known_browser.find(cookies);
        let known: Option<String> = self.opened(sealed, Purpose::KnownBrowser, KNOWN_FOR);
        let (counted, turns) = match &known {
            Some(browser) => (self.known_guesses.check(browser), &self.known_turns),
            None => (self.guesses.check(client), &self.turns),
        };
        counted.map_err(WrongPassword::TooOften)?;
        let turn = turns.enter(client).await.ok_or(WrongPassword::Busy)?;
        let hash = self.hash.clone();
        let compared = tokio::task::spawn_blocking(move || {
            // It ends with the work, which nobody's hanging up ends.
            let _turn = turn;
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
