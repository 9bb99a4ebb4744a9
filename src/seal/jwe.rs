//! JWE in compact serialisation (RFC 7516) with `alg=dir` and `enc=A256GCM`, made and opened
//! by ring.
//!
//! josekit would do both, but sets up OpenSSL for each AuthID, which costs more than
//! decrypting (docs/performance.md), and leaves a copy of the key in memory.

use std::{borrow::Cow, sync::LazyLock};

use base64::{
    Engine as _,
    engine::{Simd, general_purpose::NO_PAD},
};
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec_with_limit};
use ring::{
    aead::{Aad, NONCE_LEN, Nonce},
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use zeroize::Zeroizing;

use super::base64url;
use crate::keyring::{Jwk, KeySet};

static BASE64URL: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));

const KEY_MANAGEMENT: &str = "dir";
const CONTENT_ENCRYPTION: &str = "A256GCM";
const COMPRESSION: &str = "DEF";
/// The usual level of DEFLATE, from 0 to 10.
const COMPRESSION_LEVEL: u8 = 6;

/// Minimum plaintext length in bytes for compression. Below it, DEFLATE's tables and the
/// longer header cost about as much as they save on a token, and inflating costs more
/// than the rest of opening, at every refresh. Google's tokens are shorter than this.
const WORTH_COMPRESSING_BYTES: usize = 208;
/// Maximum length in bytes of the decompressed plaintext: the most that DEFLATE can make
/// of the longest AuthID.
const MAX_PLAINTEXT_BYTES: usize = 16 * 1024 * 1024;

/// Length of the IV: 96 bits in base64url (RFC 7518 section 5.3).
pub(super) const IV_CHARACTERS: usize = 16;
/// Length of the authentication tag: 128 bits in base64url. A shorter tag could be
/// guessed.
pub(super) const TAG_CHARACTERS: usize = 22;

/// Seals under this key, compressed if that makes the JWE shorter.
pub(super) fn seal(key: &Jwk, plaintext: &[u8]) -> String {
    if plaintext.len() >= WORTH_COMPRESSING_BYTES {
        let compressed = Zeroizing::new(compress_to_vec(plaintext, COMPRESSION_LEVEL));
        let header = compressed_header(&key.kid);
        let longer_by = header.len() - key.protected_header().len();
        // Four characters of base64url for three bytes.
        if compressed.len() + longer_by * 3 / 4 < plaintext.len() {
            return encrypt(key, &header, &compressed);
        }
    }
    encrypt(key, key.protected_header(), plaintext)
}

/// Returns the protected header of a compressed JWE in base64url.
fn compressed_header(kid: &str) -> String {
    BASE64URL.encode(format!(
        r#"{{"enc":"{CONTENT_ENCRYPTION}","kid":"{kid}","zip":"{COMPRESSION}","alg":"{KEY_MANAGEMENT}"}}"#
    ))
}

/// Encrypts under a random IV, which RFC 7518 section 5.3 and NIST SP 800-38D section 8.3
/// allow for 2^32 AuthIDs of one key.
fn encrypt(key: &Jwk, header: &str, content: &[u8]) -> String {
    let mut iv = [0; NONCE_LEN];
    SystemRandom::new()
        .fill(&mut iv)
        .expect("the operating system gives random bytes");
    let mut ciphertext = Zeroizing::new(content.to_vec());
    let tag = key
        .cipher()
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(iv),
            Aad::from(header.as_bytes()),
            &mut ciphertext,
        )
        .expect("the content is far below the limit of AES-GCM");
    let [iv, ciphertext, tag] =
        [&iv[..], &ciphertext, tag.as_ref()].map(|part| BASE64URL.encode(part));
    // With `dir`, the encrypted key between header and IV is empty.
    format!("{header}..{iv}.{ciphertext}.{tag}")
}

/// The parts of a JWE, still in base64url.
#[derive(Clone, Copy)]
pub(super) struct Compact<'a> {
    header: &'a str,
    iv: &'a str,
    ciphertext: &'a str,
    tag: &'a str,
}

/// Members of the protected header that this server checks.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    enc: Cow<'a, str>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    zip: Option<Cow<'a, str>>,
    /// Critical extensions. RFC 7516 section 4.1.13: a recipient that does not understand
    /// one must refuse the JWE. This server understands none.
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

/// Deserialises a member so that it counts as present even if its value is `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A protected header with `alg=dir` and `enc=A256GCM`.
pub(super) struct Header<'k> {
    pub(super) kid: Cow<'k, str>,
    is_compressed: bool,
}

impl<'a> Compact<'a> {
    /// Splits a JWE into its five parts. With `dir`, the second part (the encrypted key)
    /// is empty.
    pub(super) fn split(jwe: &'a str) -> Option<Self> {
        let (header, rest) = jwe.split_at_checked(memchr::memchr(b'.', jwe.as_bytes())?)?;
        let (iv, rest) = rest.strip_prefix("..")?.split_at_checked(IV_CHARACTERS)?;
        let rest = rest.strip_prefix('.')?;
        let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_CHARACTERS)?)?;
        let ciphertext = ciphertext.strip_suffix('.')?;
        (!ciphertext.is_empty()).then_some(Self {
            header,
            iv,
            ciphertext,
            tag,
        })
    }

    /// Reads the protected header; `None` if this server does not write such headers.
    /// Most headers are equal to one that a key has ready, and are not parsed.
    pub(super) fn header<'k>(&self, keys: &'k KeySet) -> Option<Header<'k>> {
        let written = keys
            .iter()
            .find(|key| key.protected_header() == self.header);
        match written {
            Some(key) => Some(Header {
                kid: Cow::Borrowed(&key.kid),
                is_compressed: false,
            }),
            None => self.parse_header(),
        }
    }

    fn parse_header(&self) -> Option<Header<'static>> {
        let json = BASE64URL.decode(self.header).ok()?;
        let members: Members<'_> = serde_json::from_str(str::from_utf8(&json).ok()?).ok()?;
        let is_compressed = match members.zip.as_deref() {
            None => false,
            Some(COMPRESSION) => true,
            Some(_) => return None,
        };
        let is_ours = members.alg == KEY_MANAGEMENT
            && members.enc == CONTENT_ENCRYPTION
            && members.crit.is_none();
        is_ours.then_some(Header {
            kid: Cow::Owned(members.kid.into_owned()),
            is_compressed,
        })
    }

    /// Decrypts the content; `None` if authentication fails, and then nothing is
    /// decompressed. The base64url decoder refuses padding and stray trailing bits, which
    /// would be other spellings of the same AuthID.
    pub(super) fn open(&self, header: &Header<'_>, key: &Jwk) -> Option<Zeroizing<Vec<u8>>> {
        let mut iv = [0; NONCE_LEN];
        base64url::decode(self.iv, &mut iv)?;
        // As long as the text: more than the bytes need.
        let mut sealed = Zeroizing::new(vec![0; self.ciphertext.len() + self.tag.len()]);
        let ciphertext = base64url::decode(self.ciphertext, &mut sealed)?;
        let tag = base64url::decode(self.tag, sealed.get_mut(ciphertext..)?)?;
        sealed.truncate(ciphertext + tag);
        let plaintext = key
            .cipher()
            .open_in_place(
                Nonce::assume_unique_for_key(iv),
                Aad::from(self.header.as_bytes()),
                &mut sealed,
            )
            .ok()?;
        if header.is_compressed {
            let plaintext = decompress_to_vec_with_limit(plaintext, MAX_PLAINTEXT_BYTES);
            return plaintext.ok().map(Zeroizing::new);
        }
        let length = plaintext.len();
        sealed.truncate(length);
        Some(sealed)
    }
}
