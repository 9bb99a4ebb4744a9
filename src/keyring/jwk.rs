//! A key as a JWK (RFC 7517): making, parsing, checking and writing.

use std::{fmt, hint::black_box, sync::Arc, time::Duration};

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
use crate::{
    clock::UnixTime,
    secret::{Secret, wipe},
};

/// A 256-bit symmetric key for `alg=dir`, `enc=A256GCM` (RFC 7518 sections 4.5 and 5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Jwk {
    /// Id of the key, and the name of its file without `.jwk`.
    pub kid: String,
    /// Time at which the key was made.
    pub iat: UnixTime,
    /// Time at which the key starts to seal. It can open from the moment that it is
    /// loaded.
    pub nbf: UnixTime,
    /// Time at which the key stops to open; `None` means never.
    pub exp: Option<UnixTime>,
    /// Ids of the leaked keys that this key replaces. They open nothing on any server
    /// that has this key, so that adding one file is the whole change.
    pub replaces: Vec<String>,
    /// The key that replaces this one. It is not written to the file of this key.
    pub replaced: Option<Replacement>,
    k: Key,
    protected_header: String,
}

/// Replacement of a key that leaked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Id of the new key.
    pub by: String,
    /// Time at which the new key was made.
    pub at: UnixTime,
}

/// The key in memory. Clones share it: a move would leave a copy behind.
#[derive(Clone, PartialEq, Eq)]
struct Key(Arc<Material>);

/// The 256 bits, and the cipher made from them, which begins with the same bits. Both are
/// wiped.
struct Material {
    bytes: Zeroizing<[u8; 32]>,
    cipher: LessSafeKey,
}

impl Key {
    fn new(bytes: &[u8; 32]) -> Self {
        let mut material = Arc::new(Material {
            bytes: Zeroizing::new([0; 32]),
            cipher: cipher(bytes),
        });
        let only = Arc::get_mut(&mut material).expect("nobody else has it yet");
        only.bytes.copy_from_slice(bytes);
        Self(material)
    }
}

fn cipher(bytes: &[u8; 32]) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, bytes);
    LessSafeKey::new(key.expect("256 bits fit AES-256-GCM"))
}

impl Drop for Material {
    /// Overwrites the cipher, which ring does not wipe.
    fn drop(&mut self) {
        self.cipher = cipher(&[0; 32]);
        // Without this, the compiler may leave out a write that nothing reads.
        black_box(&self.cipher);
    }
}

impl PartialEq for Material {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Material {}

/// Reasons why a JWK is refused. They never contain any of its content.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum JwkError {
    /// The text is not JSON; with the position of the error.
    #[error("is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The JSON is not an object, or not a JWK Set if one is expected.
    #[error("is not a JSON object in the form of RFC 7517")]
    NotAnObject,
    /// A member is missing or has a value that cannot be used.
    #[error("has a wrong \"{member}\": it must be {expected}")]
    Member {
        /// Name of the member.
        member: &'static str,
        /// Values that the member may have.
        expected: &'static str,
    },
    /// The JWK is encrypted, and cannot be decrypted.
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

/// Room for the JSON of a key that replaces a few others.
const JSON_BYTES: usize = 1024;

/// Length of a new id: 40 random bits, so that two folders that are merged do not hold
/// two keys with the same id. It is not longer because every AuthID contains it.
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
            k: Key::new(&k),
        }
    }

    /// Parses one JWK.
    pub fn parse(json: &[u8]) -> Result<Self, JwkError> {
        let mut value = parse_json(json)?;
        let key = Self::from_value(&value);
        wipe(&mut value);
        key
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
            Some(Key::new(bytes.as_slice().try_into().ok()?))
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
            k: k.ok_or(wrong("k", K))?,
            protected_header: protected_header(kid),
        })
    }

    /// Returns the JWK as JSON, including the secret `k`.
    pub fn to_json(&self) -> Secret {
        let mut jwk = json!({
            "kty": "oct",
            "kid": self.kid,
            "alg": "dir",
            "enc": "A256GCM",
            "iat": self.iat,
            "nbf": self.nbf,
            "k": URL_SAFE_NO_PAD.encode(self.bytes()),
        });
        if let Some(exp) = self.exp {
            jwk["exp"] = json!(exp);
        }
        if !self.replaces.is_empty() {
            jwk["replaces"] = json!(self.replaces);
        }
        // Growing would leave parts of the text behind.
        let mut json = Vec::with_capacity(JSON_BYTES);
        serde_json::to_writer(&mut json, &jwk).expect("writing to memory");
        wipe(&mut jwk);
        Secret::new(String::from_utf8(json).expect("JSON is text"))
    }

    /// True if the key still opens what it sealed.
    pub fn opens_at(&self, now: UnixTime) -> bool {
        self.replaced.is_none() && self.exp.is_none_or(|exp| now < exp)
    }

    /// Returns the time at which the key stops or stopped to open: its `exp`, or the time
    /// at which it was replaced because it leaked, if that is earlier.
    pub fn end(&self) -> Option<UnixTime> {
        let replaced = self.replaced.as_ref().map(|replaced| replaced.at);
        replaced.into_iter().chain(self.exp).min()
    }

    /// True if the key may seal.
    pub fn seals_at(&self, now: UnixTime) -> bool {
        self.nbf <= now && self.opens_at(now)
    }

    /// Returns the key bytes, for `seal` only.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.k.0.bytes
    }

    /// Returns the AES-256-GCM cipher of this key.
    pub fn cipher(&self) -> &LessSafeKey {
        &self.k.0.cipher
    }

    /// Returns the start of every uncompressed JWE of this key: its protected header (RFC
    /// 7516 section 4.1) in base64url, with the members in the order in which josekit
    /// writes them.
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

/// True if the text can be the id of a key: it is used as a file name, and as a JSON
/// string without escapes.
pub(super) fn is_kid(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Parses a JWK Set (RFC 7517 section 5), as JSON or encrypted, or as base64 of either.
/// The `bool` is true if it is encrypted.
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
    let mut set = parse_json(&json_of(content, passphrase)?)?;
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or(JwkError::NotAnObject);
    let keys: Result<Vec<Jwk>, JwkError> =
        keys.and_then(|keys| keys.iter().map(Jwk::from_value).collect());
    wipe(&mut set);
    Ok((keys?, is_protected))
}

/// Parses JSON. Errors keep only the position, because the messages of serde_json can
/// quote the text.
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
