//! Finds the AuthID in a text that carries what surrounded it on its way: quotes, a byte
//! order mark, line breaks, `--authid=`, a JSON response, a target URL of a command line.
//!
//! Anybody can send such a text, so every step reads it once: the time is linear in its
//! length. What is found is opened and authenticated like any AuthID.

mod bare;
mod flaw;
mod letters;
mod tidy;

#[cfg(test)]
mod tests;

pub use bare::{bare, from_url};
pub use flaw::{CharacterKind, Flaw};

use letters::{Broken, Letters};

use super::{
    NotAnAuthId, OpenError, Opened,
    authid::{MAX_AUTHID_BYTES, VERSION, open},
};
use crate::{clock::UnixTime, keyring::KeySet, secret::Secret};

/// Maximum length in bytes of a text that is searched: the longest AuthID with every
/// character percent-encoded, and some text around it. No head and no form of a request
/// can be longer.
const MAX_PASTED_BYTES: usize = 4 * MAX_AUTHID_BYTES;

/// Maximum number of places in a text at which an AuthID is looked for. A person pastes a
/// few at most, and each place costs an allocation.
const MAX_CANDIDATES: usize = 64;

/// An AuthID that was opened, and its spelling if the text held more than that.
#[derive(Debug)]
pub struct Pasted {
    /// The content of the AuthID, and its key.
    pub opened: Opened,
    /// The AuthID as it was sealed; `None` if the text is exactly that.
    pub authid: Option<Secret>,
}

/// Opens a text that is an AuthID, or else the one AuthID in it. An exact AuthID costs
/// nothing more than [`open`].
pub fn open_pasted(keys: &KeySet, now: UnixTime, text: &str) -> Result<Pasted, OpenError> {
    let error = match open(keys, now, text) {
        Ok(opened) => {
            return Ok(Pasted {
                opened,
                authid: None,
            });
        }
        Err(error) => error,
    };
    if let OpenError::Key(_) | OpenError::NotAnAuthId(NotAnAuthId::Missing) = error {
        return Err(error);
    }
    let authid = find(text)?;
    if authid.expose() == text {
        return Err(error);
    }
    Ok(Pasted {
        opened: open(keys, now, authid.expose())?,
        authid: Some(authid),
    })
}

/// Returns the one AuthID in a text, or what is wrong with it. The AuthID is not opened.
pub fn find(text: &str) -> Result<Secret, NotAnAuthId> {
    if text.len() > MAX_PASTED_BYTES {
        return Err(NotAnAuthId::TooLong);
    }
    let tidy = tidy::tidy(text);
    let mut found: Option<Secret> = None;
    let mut furthest: Option<Broken> = None;
    for candidate in candidates(&tidy).take(MAX_CANDIDATES) {
        match candidate.authid() {
            Ok(authid) if found.as_ref().is_some_and(|first| *first != authid) => {
                return Err(NotAnAuthId::Form(Flaw::Several));
            }
            Ok(authid) => found = Some(authid),
            Err(broken) => furthest = furthest.into_iter().chain(broken).max_by_key(Broken::at),
        }
    }
    if let Some(authid) = found {
        return Ok(authid);
    }
    if bare(&tidy).is_empty() {
        return Err(NotAnAuthId::Missing);
    }
    if text.len() > MAX_AUTHID_BYTES {
        return Err(NotAnAuthId::TooLong);
    }
    let flaw = furthest.map(|broken| broken.flaw);
    Err(flaw.unwrap_or_else(|| flaw::of(&tidy)).into())
}

/// A place in a text at which `v2:<service>:` stands.
struct Candidate<'t> {
    service: &'t str,
    /// The text behind, up to the next colon.
    jwe: &'t str,
    has_colon_behind: bool,
}

/// Returns every place at which an AuthID may begin. No AuthID has a third colon, so the
/// JWEs of two candidates never overlap.
fn candidates(tidy: &str) -> impl Iterator<Item = Candidate<'_>> {
    let mut parts = tidy.split(':').peekable();
    let mut before = [parts.next(), parts.next()];
    std::iter::from_fn(move || {
        let jwe = parts.next()?;
        let [version, service] = before;
        before = [service, Some(jwe)];
        Some((version?, service?, jwe, parts.peek().is_some()))
    })
    .filter(|(version, service, ..)| ends_with_version(version) && is_service(service))
    .map(|(_, service, jwe, has_colon_behind)| Candidate {
        service,
        jwe,
        has_colon_behind,
    })
}

/// True if `v2` ends the text; keyboards of phones write `V2`.
fn ends_with_version(text: &str) -> bool {
    let mut backwards = text.bytes().rev().filter(|byte| *byte != tidy::GAP as u8);
    backwards.next() == Some(b'2') && matches!(backwards.next(), Some(b'v' | b'V'))
}

fn is_service(text: &str) -> bool {
    let mut letters = text.bytes().filter(|byte| *byte != tidy::GAP as u8);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    letters.next().is_some_and(is_letter) && letters.all(is_letter)
}

impl Candidate<'_> {
    /// Returns the AuthID without gaps, or what is wrong with it; `None` if what stands
    /// here is not sealed.
    fn authid(&self) -> Result<Secret, Option<Broken>> {
        let mut authid = String::with_capacity(VERSION.len() + self.service.len() + 1);
        authid.push_str(VERSION);
        authid.extend(self.service.chars().filter(|char| *char != tidy::GAP));
        authid.push(':');
        let mut letters = Letters::new(self.jwe, authid);
        match letters.read_jwe(self.has_colon_behind) {
            Ok(()) => Ok(letters.authid()),
            Err(flaw) if letters.look_sealed() => Err(Some(letters.broken(flaw))),
            Err(_) => Err(None),
        }
    }
}
