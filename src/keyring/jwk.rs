//! One key as RFC 7517 writes it: read, checked, made, written.

use std::{fmt, time::Duration};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    aead::{AES_256_GCM, LessSafeKey, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use serde_json::{Value, json};
use thiserror::Error;
use zeroize::Zeroizing;

use super::protection::{Passphrase, ProtectionError, is_protected, json_of};
use crate::{clock::UnixTime, secret::Secret};

/// A 256-bit symmetric key for `alg=dir`, `enc=A256GCM` (RFC 7518 sections 4.5
/// and 5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Jwk {
    /// The key's id, which is also its file's name.
    pub kid: String,
    /// When it was made.
    pub iat: UnixTime,
    /// When it starts to seal; it opens from the moment it is seen.
    pub nbf: UnixTime,
    /// When it stops to open; never, if absent.
    pub exp: Option<UnixTime>,
    /// The ids of leaked keys that this one was made instead of. They open nothing
    /// wherever this key is seen, so that one file is the whole change.
    pub replaces: Vec<String>,
    /// The key that says so of this one. It is not written into this one's file.
    pub replaced: Option<Replaced>,
    k: Key,
    protected_header: String,
}

/// The end of a key that leaked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The id of the key that was made instead.
    pub by: String,
    /// When that one was made.
    pub at: UnixTime,
}

/// The 256 bits, which are wiped, and the cipher that follows from them, which ring does
/// not wipe.
#[derive(Clone)]
struct Key {
    bytes: Zeroizing<[u8; 32]>,
    cipher: LessSafeKey,
}

impl Key {
    fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, bytes.as_ref());
        let cipher = LessSafeKey::new(key.expect("256 bits fit AES-256-GCM"));
        Self { bytes, cipher }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Key {}

/// What is wrong with a JWK. Never holds any of its content.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum JwkError {
    /// Not JSON; with the place.
    #[error("is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// JSON, but neither an object nor, where a set is expected, a set.
    #[error("is not a JSON object in the form of RFC 7517")]
    NotAnObject,
    /// A member is missing or has a value that cannot be used.
    #[error("has a wrong \"{member}\": it must be {expected}")]
    Member {
        /// The member's name.
        member: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// It is encrypted, and cannot be decrypted.
    #[error(transparent)]
    Protected(#[from] ProtectionError),
}

const KID: &str = "1 to 64 letters, digits, - or _";
const KTY: &str = "\"oct\", a symmetric key";
const K: &str = "256 bits (43 characters) in base64url";
const ALG: &str = "\"dir\", or absent";
const ENC: &str = "\"A256GCM\", or absent";
const REPLACES: &str = "a list of other keys' ids, or absent";
const TIME: &str = "whole seconds since 1970, or absent";

/// 40 random bits: two servers' folders that are put together do not hold two keys of one
/// id. Not more, because every AuthID carries it.
const NEW_KID_CHARACTERS: usize = 8;
const KID_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

impl Jwk {
    /// Makes a key that opens at once and seals after `activate_in`.
    pub fn generate(now: UnixTime, activate_in: Duration) -> Self {
        let random = SystemRandom::new();
        let mut k = Zeroizing::new([0; 32]);
        let mut kid = [0; NEW_KID_CHARACTERS];
        random
            .fill(k.as_mut())
            .and_then(|()| random.fill(&mut kid))
            .expect("the operating system gives random bytes");
        let kid = kid.map(|byte| char::from(KID_ALPHABET[usize::from(byte) % KID_ALPHABET.len()]));
        let kid: String = kid.iter().collect();
        Self {
            protected_header: protected_header(&kid),
            kid,
            iat: now,
            nbf: now.plus(activate_in),
            exp: None,
            replaces: Vec::new(),
            replaced: None,
            k: Key::new(k),
        }
    }

    /// Reads one JWK.
    pub fn parse(json: &[u8]) -> Result<Self, JwkError> {
        Self::from_value(&parse_json(json)?)
    }

    fn from_value(value: &Value) -> Result<Self, JwkError> {
        let members = value.as_object().ok_or(JwkError::NotAnObject)?;
        let wrong = |member, expected| JwkError::Member { member, expected };
        let is = |member, text| members.get(member).is_none_or(|value| value == text);
        let time = |member| match members.get(member) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(seconds) => Ok(Some(UnixTime(seconds))),
                None => Err(wrong(member, TIME)),
            },
        };

        if members.get("kty").is_none_or(|kty| kty != "oct") {
            return Err(wrong("kty", KTY));
        }
        let kid = members.get("kid").and_then(Value::as_str).unwrap_or("");
        if !is_kid(kid) {
            return Err(wrong("kid", KID));
        }
        if !is("alg", "dir") {
            return Err(wrong("alg", ALG));
        }
        if !is("enc", "A256GCM") {
            return Err(wrong("enc", ENC));
        }
        let k = members.get("k").and_then(Value::as_str).and_then(|text| {
            let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
            Some(Zeroizing::new(<[u8; 32]>::try_from(&bytes[..]).ok()?))
        });
        let replaces = match members.get("replaces") {
            None => Vec::new(),
            Some(kids) => other_kids(kids, kid).ok_or(wrong("replaces", REPLACES))?,
        };
        let iat = time("iat")?.unwrap_or_default();
        Ok(Self {
            kid: kid.to_owned(),
            iat,
            nbf: time("nbf")?.unwrap_or(iat),
            exp: time("exp")?,
            replaces,
            replaced: None,
            k: Key::new(k.ok_or(wrong("k", K))?),
            protected_header: protected_header(kid),
        })
    }

    /// The JWK as JSON, the secret `k` included.
    pub fn to_json(&self) -> Secret {
        let mut jwk = json!({
            "kty": "oct",
            "kid": self.kid,
            "alg": "dir",
            "enc": "A256GCM",
            "iat": self.iat,
            "nbf": self.nbf,
            "k": URL_SAFE_NO_PAD.encode(*self.k.bytes),
        });
        if let Some(exp) = self.exp {
            jwk["exp"] = json!(exp);
        }
        if !self.replaces.is_empty() {
            jwk["replaces"] = json!(self.replaces);
        }
        Secret::new(jwk.to_string())
    }

    /// Whether the key still opens what it sealed.
    pub fn opens_at(&self, now: UnixTime) -> bool {
        self.replaced.is_none() && self.exp.is_none_or(|exp| now < exp)
    }

    /// When it stops to open, or stopped: its `exp`, or when a leaked key was replaced.
    pub fn end(&self) -> Option<UnixTime> {
        let replaced = self.replaced.as_ref().map(|replaced| replaced.at);
        replaced.into_iter().chain(self.exp).min()
    }

    /// Whether the key may seal.
    pub fn seals_at(&self, now: UnixTime) -> bool {
        self.nbf <= now && self.opens_at(now)
    }

    /// The key itself, for `seal` alone.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.k.bytes
    }

    /// The key, ready for AES-256-GCM.
    pub fn cipher(&self) -> &LessSafeKey {
        &self.k.cipher
    }

    /// What a JWE of this key begins with, if it is not compressed: its protected header
    /// (RFC 7516 section 4.1) in base64url, member for member as josekit writes it.
    pub fn protected_header(&self) -> &str {
        &self.protected_header
    }
}

fn other_kids(value: &Value, own: &str) -> Option<Vec<String>> {
    let kids = value.as_array()?.iter().map(|kid| {
        let kid = kid.as_str()?;
        (is_kid(kid) && kid != own).then(|| kid.to_owned())
    });
    kids.collect()
}

fn protected_header(kid: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"enc":"A256GCM","kid":"{kid}","alg":"dir"}}"#))
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk")
            .field("kid", &self.kid)
            .field("nbf", &self.nbf)
            .field("exp", &self.exp)
            .finish_non_exhaustive()
    }
}

/// Whether a text can be a key's id: it becomes a file's name and a JSON string
/// without escapes.
pub(super) fn is_kid(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Reads a JWK Set (RFC 7517 section 5), as JSON or encrypted, or as base64 of either.
/// Also returns if it is encrypted.
pub(super) fn parse_set(
    text: &Secret,
    passphrase: Option<&Passphrase>,
) -> Result<(Vec<Jwk>, bool), JwkError> {
    let text = text.expose().trim();
    let mut content = Zeroizing::new(STANDARD.decode(text).unwrap_or_default());
    if content.is_empty() {
        content = Zeroizing::new(text.as_bytes().to_vec());
    }
    let is_protected = is_protected(&content);
    let set = parse_json(&json_of(content, passphrase)?)?;
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or(JwkError::NotAnObject)?.iter();
    let keys: Result<Vec<Jwk>, JwkError> = keys.map(Jwk::from_value).collect();
    Ok((keys?, is_protected))
}

/// serde_json's own messages can quote what they read, so only the place is kept.
fn parse_json(json: &[u8]) -> Result<Value, JwkError> {
    serde_json::from_slice(json).map_err(|error| JwkError::NotJson {
        line: error.line(),
        column: error.column(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_being_written_and_read() {
        let mut key = Jwk::generate(UnixTime(1_000), Duration::from_secs(600));
        key.exp = Some(UnixTime(5_000));
        key.replaces = vec!["leaked".to_owned()];
        assert!(Jwk::parse(key.to_json().expose().as_bytes()).unwrap() == key);
        assert!(!key.seals_at(UnixTime(1_599)) && key.opens_at(UnixTime(1_599)));
        assert!(key.seals_at(UnixTime(1_600)));
        assert!(!key.opens_at(UnixTime(5_000)));
    }

    #[test]
    fn a_key_that_cannot_be_used_is_named_by_its_member() {
        let good = json!({"kty": "oct", "kid": "a", "k": "A".repeat(43)});
        for (member, value) in [
            ("kty", json!("RSA")),
            ("kid", json!("../a")),
            ("kid", json!("")),
            ("alg", json!("A256KW")),
            ("enc", json!("A128CBC-HS256")),
            ("k", json!("AAAA")),
            ("k", json!(7)),
            ("k", json!("A".repeat(44))),
            ("nbf", json!("soon")),
            ("exp", json!(-1)),
            ("replaces", json!("b")),
            ("replaces", json!(["b", "a"])),
            ("replaces", json!(["../b"])),
        ] {
            let mut jwk = good.clone();
            jwk[member] = value;
            let error = Jwk::parse(jwk.to_string().as_bytes()).unwrap_err();
            assert!(
                error.to_string().contains(&format!("\"{member}\"")),
                "{error}"
            );
        }
        Jwk::parse(good.to_string().as_bytes()).unwrap();
    }

    #[test]
    fn a_set_is_read_as_json_and_as_base64() {
        let key = Jwk::generate(UnixTime(0), Duration::ZERO);
        let set = format!("{{\"keys\":[{}]}}", key.to_json().expose());
        let in_base64 = STANDARD.encode(&set);
        for text in [set, in_base64] {
            let (keys, is_protected) = parse_set(&Secret::new(text), None).unwrap();
            assert!(keys == [key.clone()] && !is_protected);
        }
    }
}
