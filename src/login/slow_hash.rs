//! A hash of the password that takes long to compute, so that guesses are few.

use std::num::NonZeroU32;

use ring::{
    pbkdf2::{self, PBKDF2_HMAC_SHA256},
    rand::{SecureRandom, SystemRandom},
};

use crate::secret::Secret;

/// What OWASP advises for this hash: some 0.15 s of one core. ring's PBKDF2 is here and
/// not Argon2, because the hash is never stored: nobody can try guesses elsewhere, on
/// hardware that memory would slow down, while 19 MiB for each guess would be this
/// server's.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(600_000).unwrap();

/// The hash of one password, with a salt of this process.
#[derive(Clone)]
pub(super) struct SlowHash {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl SlowHash {
    /// Takes as long as one guess.
    pub(super) fn of(password: &Secret) -> Self {
        let mut slow = Self {
            salt: [0; 16],
            hash: [0; 32],
        };
        SystemRandom::new()
            .fill(&mut slow.salt)
            .expect("the operating system gives random bytes");
        let password = password.expose().as_bytes();
        pbkdf2::derive(
            PBKDF2_HMAC_SHA256,
            ITERATIONS,
            &slow.salt,
            password,
            &mut slow.hash,
        );
        slow
    }

    /// True if the guess is the password. It takes as long whatever both have in common.
    pub(super) fn is_of(&self, guess: &Secret) -> bool {
        let guess = guess.expose().as_bytes();
        pbkdf2::verify(
            PBKDF2_HMAC_SHA256,
            ITERATIONS,
            &self.salt,
            guess,
            &self.hash,
        )
        .is_ok()
    }
}
