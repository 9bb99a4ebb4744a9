//! One-time codes, by which another machine fetches an AuthID.
//!
//! The page with the AuthID has a form with the AuthID and a code, sealed. Only when the form is
//! posted is the AuthID put where the code finds it. So a stranger makes no code without a login
//! of their own, whoever posts one form often occupies one place, and a network makes a limited
//! number of codes. The code is posted, never
//! part of an address: no log, history of pages or `Referer` has it.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use super::{
    Delivery, Fetcher, HandOverToken, LIFETIME, Login, Progress,
    carried::{self, open_carried, seal_carried},
};
use crate::{
    limit::{ClientNetwork, TooOften},
    seal::{self, Lineage, NoSealingKey, Purpose},
    secret::Secret,
    store::StoreError,
};

/// Time in which a code can be used.
pub const CODE_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Letters of a code, without those that look like others (Crockford's base32).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 80 bits: too many to guess in five minutes, few enough to type.
const CODE_LENGTH: usize = 16;
const GROUP: usize = 4;
/// Length with a hyphen between two groups.
const GROUPED_LENGTH: usize = CODE_LENGTH + CODE_LENGTH / GROUP - 1;

/// Form on the page with an AuthID that makes a code for it.
#[derive(Debug)]
pub struct OneTimeForm {
    /// Nonce that comes back with the form.
    pub nonce: String,
    /// Sealed AuthID and code; they come back with the form.
    pub sealed: Secret,
}

#[derive(Deserialize, Serialize)]
struct Promised {
    authid: Secret,
    code: HandOverToken,
}

/// A code by which the AuthID can be fetched now.
#[derive(Debug)]
pub struct OneTimeCode {
    /// The code, in groups.
    pub code: Secret,
    /// The AuthID.
    pub authid: Secret,
}

/// Reasons why no code was made.
#[derive(Debug)]
pub enum NoCode {
    /// The form is not of this server, or too old.
    NotOurForm,
    /// The rate limit of the client's network was exceeded. The form can be posted again.
    TooOften(TooOften),
    /// No key may seal now.
    NoSealingKey(NoSealingKey),
    /// The AuthID of this form was fetched already.
    Used,
    /// The store did not take the AuthID. Try again.
    Store(StoreError),
}

/// An AuthID that was fetched by a code.
#[derive(Debug)]
pub struct Collected {
    /// The AuthID.
    pub authid: Secret,
    /// Lineage of its login, for the log; `None` if its key opens nothing any more.
    pub lineage: Option<Lineage>,
}

/// Reasons why a code gave no AuthID.
#[derive(Debug)]
pub enum NotCollected {
    /// The code is unknown, used or too old.
    Unknown,
    /// The rate limit of the client's network was exceeded. The code is not used up.
    TooOften(TooOften),
    /// The AuthID may not be used from here, for this reason. The code is not used up.
    NotHere(String),
    /// The store does not answer. Try again.
    Store(StoreError),
}

impl Login {
    /// Makes the form for a page with this AuthID.
    pub fn one_time_form(&self, authid: &str) -> Result<OneTimeForm, NoSealingKey> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let nonce = carried::nonce();
        let promised = Promised {
            authid: Secret::new(authid),
            code: new_code(),
        };
        let purpose = Purpose::OneTimeForm;
        Ok(OneTimeForm {
            sealed: seal_carried(&keys, now, purpose, &nonce, promised)?,
            nonce,
        })
    }

    /// Handles the posted form: from now on the AuthID can be fetched, once. The same form
    /// gives the same code.
    pub async fn make_code(
        &self,
        nonce: &str,
        sealed: &Secret,
        client: ClientNetwork,
    ) -> Result<OneTimeCode, NoCode> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let purpose = Purpose::OneTimeForm;
        let promised = open_carried(&keys, now, LIFETIME, purpose, nonce, sealed.expose());
        let Promised { authid, code } = promised.ok_or(NoCode::NotOurForm)?;
        let counted = self.attempts.codes.check(client);
        counted.map_err(NoCode::TooOften)?;
        let delivering = self.hand_overs.deliver(&code, &authid, Fetcher::Machine);
        match delivering.await.map_err(NoCode::NoSealingKey)? {
            Ok(Delivery::Ready) => Ok(OneTimeCode {
                code: code.secret(),
                authid,
            }),
            Ok(Delivery::FetchedBefore) => Err(NoCode::Used),
            Err(error) => Err(NoCode::Store(error)),
        }
    }

    /// Returns the AuthID for this code, once. One that `check` refuses stays where it is.
    pub async fn collect(
        &self,
        typed: &str,
        client: ClientNetwork,
        check: impl FnOnce(&Secret) -> Result<(), String>,
    ) -> Result<Collected, NotCollected> {
        let code = grouped(typed);
        let code = HandOverToken::parse(&code).filter(|_| code.len() == GROUPED_LENGTH);
        let code = code.ok_or(NotCollected::Unknown)?;
        let counted = self.attempts.collections.check(client);
        counted.map_err(NotCollected::TooOften)?;
        let waiting = self.hand_overs.look(&code, Fetcher::Machine).await;
        if let Some(authid) = waiting.map_err(NotCollected::Store)? {
            check(&authid).map_err(NotCollected::NotHere)?;
        }
        match self.hand_overs.fetch(&code, Fetcher::Machine).await {
            Ok(Progress::Ready(authid)) => {
                let (keys, now) = (self.keyring.current(), self.clock.now());
                let opened = seal::open(&keys, now, authid.expose());
                let lineage = opened.ok().map(|opened| opened.grant.lineage);
                Ok(Collected { authid, lineage })
            }
            Ok(Progress::Nothing | Progress::Fetched) => Err(NotCollected::Unknown),
            Err(error) => Err(NotCollected::Store(error)),
        }
    }
}

fn new_code() -> HandOverToken {
    let mut bits = [0; CODE_LENGTH];
    SystemRandom::new()
        .fill(&mut bits)
        .expect("the operating system gives random bytes");
    let letters = bits.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    let code = grouped(&letters.iter().collect::<String>());
    HandOverToken::parse(&code).expect("a code is long enough, and of letters and hyphens")
}

/// Returns a code as it was made from one that was typed: in small letters and groups.
fn grouped(typed: &str) -> String {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric);
    let letters = letters.map(|letter| match letter.to_ascii_lowercase() {
        'i' | 'l' => '1',
        'o' => '0',
        letter => letter,
    });
    let letters: Vec<char> = letters.take(CODE_LENGTH + 1).collect();
    let groups = letters.chunks(GROUP).map(|group| group.iter().collect());
    groups.collect::<Vec<String>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_was_typed() {
        let code = new_code();
        let text = code.secret().expose().to_owned();
        assert_eq!(text.len(), GROUPED_LENGTH, "{text}");
        assert_eq!(grouped(&text), text);
        assert_eq!(grouped(&text.to_uppercase().replace('-', " ")), text);
        assert_eq!(grouped("ILo0-ab"), "1100-ab");
    }
}
