//! Sealing of everything that is not an AuthID.
//!
//! The key is derived for each purpose and context (HKDF, RFC 5869), so that a sealed
//! value can't be opened as an AuthID, for another purpose, or in another context.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroizing;

use super::{NoSealingKey, OpenError};
use crate::{
    clock::UnixTime,
    keyring::{Jwk, KeySet},
    secret::Secret,
};

/// Purpose of an envelope. Each purpose has its own derived key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Cookie that carries a login from `/login` to `/logged-in`. Its context is the
    /// nonce of the login.
    Login,
    /// Cookie that carries the recipients of a visit from the start page to `/login`. Its
    /// context is the nonce of the visit.
    Visit,
    /// Session cookie of a browser in which the login password was entered. Its context
    /// is the password, so that changing the password ends every session.
    Session,
    /// Cookie of a browser in which the login password was entered before. Its context is
    /// also the password.
    KnownBrowser,
    /// Form that asks the person to confirm before an AuthID is handed over. Its context
    /// is a nonce.
    HandOverForm,
    /// Cookie that names the program that receives the AuthID. Its context is the nonce
    /// of that form.
    HandOverCookie,
    /// Form that makes a one-time code for an AuthID. Its context is a nonce.
    OneTimeForm,
    /// AuthID that waits to be fetched. Its context is the hand-over token, so that the
    /// store and the server's keys together can't open it without that token.
    HandOver,
    /// Newest AuthID of a login. Its context is the lineage, so that the server can open
    /// it only for a request that brings an AuthID of that login.
    Lineage,
}

impl Purpose {
    /// Returns the label used in key derivation. Changing a label makes everything sealed
    /// before unreadable.
    fn label(self) -> &'static [u8] {
        match self {
            Self::Login => b"login cookie",
            Self::Visit => b"visit cookie",
            Self::Session => b"session cookie",
            Self::KnownBrowser => b"known browser cookie",
            Self::HandOverForm => b"hand-over form",
            Self::HandOverCookie => b"hand-over cookie",
            Self::OneTimeForm => b"one-time form",
            Self::HandOver => b"hand-over",
            Self::Lineage => b"lineage",
        }
    }
}

/// Seals `plaintext` under the newest active key, as `<kid>.<base64url>`.
pub fn seal_envelope(
    keys: &KeySet,
    now: UnixTime,
    purpose: Purpose,
    context: &[u8],
    plaintext: &[u8],
) -> Result<Secret, NoSealingKey> {
    let key = keys.sealing(now).ok_or(NoSealingKey)?;
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new()
        .fill(&mut nonce)
        .expect("the operating system gives random bytes");
    let mut content = Zeroizing::new(plaintext.to_vec());
    let tag = derive(key, purpose, context)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::empty(),
            &mut content,
        )
        .expect("the content is far below the limit of AES-GCM");
    let sealed = [&nonce, content.as_slice(), tag.as_ref()].concat();
    Ok(Secret::new(format!(
        "{}.{}",
        key.kid,
        URL_SAFE_NO_PAD.encode(sealed)
    )))
}

/// Opens an envelope made by [`seal_envelope`] for the same purpose and context. Anything
/// else is an error.
pub fn open_envelope(
    keys: &KeySet,
    now: UnixTime,
    purpose: Purpose,
    context: &[u8],
    envelope: &str,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (kid, sealed) = envelope.split_once('.').ok_or(OpenError::Tampered)?;
    let key = keys.opening(kid, now)?;
    let opened = decode_and_open(&derive(key, purpose, context), sealed);
    opened.ok_or(OpenError::Tampered)
}

fn decode_and_open(key: &LessSafeKey, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut sealed = Zeroizing::new(URL_SAFE_NO_PAD.decode(sealed).ok()?);
    let (nonce, content) = sealed.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let plaintext = key.open_in_place(nonce, Aad::empty(), content).ok()?;
    Some(Zeroizing::new(plaintext.to_vec()))
}

fn derive(key: &Jwk, purpose: Purpose, context: &[u8]) -> LessSafeKey {
    let info = [purpose.label(), b"\0", context];
    let derived = Salt::new(HKDF_SHA256, b"authseal")
        .extract(key.bytes())
        .expand(&info, &AES_256_GCM)
        .map(UnboundKey::from)
        .expect("HKDF gives up to 255 hashes, this is one");
    LessSafeKey::new(derived)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::keyring::{CurrentKeys, KeySource, Keyring};

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn keys() -> CurrentKeys {
        let key = Jwk::generate(NOW, Duration::ZERO).to_json();
        let set = Secret::new(format!("{{\"keys\":[{}]}}", key.expose()));
        Keyring::load(KeySource::Inline(set)).unwrap().current()
    }

    #[test]
    fn it_opens_only_with_its_key_purpose_and_context() {
        let keys_here = keys();
        let sealed = seal_envelope(&keys_here, NOW, Purpose::Login, b"nonce", b"content").unwrap();
        let open = |keys: &KeySet, context: &[u8], text: &str| {
            let opened = open_envelope(keys, NOW, Purpose::Login, context, text);
            opened.map(|bytes| bytes.to_vec()).ok()
        };
        let text = sealed.expose();
        assert_eq!(open(&keys_here, b"nonce", text), Some(b"content".to_vec()));
        assert_eq!(open(&keys_here, b"other", text), None);
        assert_eq!(open(&keys(), b"nonce", text), None);
        for index in 0..text.len() {
            let mut changed = text.to_owned();
            let letter = if &text[index..=index] == "A" {
                "B"
            } else {
                "A"
            };
            changed.replace_range(index..=index, letter);
            assert_eq!(open(&keys_here, b"nonce", &changed), None, "at {index}");
        }
    }

    #[test]
    fn an_envelope_is_no_authid() {
        let keys = keys();
        let sealed = seal_envelope(&keys, NOW, Purpose::Login, b"", b"content").unwrap();
        assert!(super::super::open(&keys, NOW, sealed.expose()).is_err());
    }
}
