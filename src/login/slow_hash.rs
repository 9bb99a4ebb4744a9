//! Slow hash of the password, so that an attacker can make few guesses.

use std::num::NonZeroU32;

use ring::{
    pbkdf2::{self, PBKDF2_HMAC_SHA256},
    rand::{SecureRandom, SystemRandom},
};

use crate::secret::Secret;

/// OWASP's advice for PBKDF2 with HMAC-SHA-256: about 0.15 s of one core. It is ring's
/// PBKDF2 and not Argon2 because the hash is never stored. Nobody can try guesses
/// elsewhere, on hardware that memory would slow down, but this server would need 19 MiB
/// for each guess.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(600_000).unwrap();

/// Hash of one password, with a random salt of this process.
#[derive(Clone)]
pub(super) struct SlowHash {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl SlowHash {
    /// Hashes the password; takes as long as one guess.
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

    /// True if the guess is the password. Takes the same time however much of the guess
    /// is right.
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
