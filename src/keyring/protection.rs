//! Encryption of keys at rest: a JWK, or a JWK Set, encrypted under a passphrase (RFC
//! 7517 section 7).
//!
//! The form is a compact JWE with PBES2 (RFC 7518 section 4.8), which any JOSE library
//! can open with the passphrase alone.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::jwe::{
    JweHeader, PBES2_HS256_A128KW, PBES2_HS384_A192KW, PBES2_HS512_A256KW,
    alg::pbes2_hmac_aeskw::Pbes2HmacAeskwJweAlgorithm, deserialize_compact, serialize_compact,
};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use serde_json::Value;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The `cty` of one key.
pub(super) const JWK: &str = "jwk+json";
/// The `cty` of a set of keys.
pub(super) const JWK_SET: &str = "jwk-set+json";

/// Iterations for new files: OWASP's figure of 2025 for PBKDF2 with HMAC-SHA-512.
const ITERATIONS: usize = 220_000;
const SALT_BYTES: usize = 16;
/// Iterations that are accepted. RFC 7518 section 4.8.1.2 asks for at least 1,000. A
/// hostile file could ask for hours of work; josekit has the same upper limit.
const ACCEPTED_ITERATIONS: std::ops::RangeInclusive<u64> = 1_000..=1_000_000;
/// Maximum size of an encrypted file; far above a set of a hundred keys.
const MAX_BYTES: usize = 256 * 1024;
/// Number of bytes that AES key wrap adds (RFC 3394).
const KEY_WRAP_BYTES: usize = 8;
/// Number of decrypted files that are cached. If there are more, some are decrypted again
/// at each load.
const MOST_REMEMBERED: usize = 1_000;

/// Passphrase that encrypts keys at rest.
///
/// Deriving the key takes about a tenth of a second, so results are cached by the file's
/// content, failures too: an unchanged file is not derived again.
#[derive(Clone)]
pub struct Passphrase {
    text: Secret,
    // Held only to look up and insert, never while deriving.
    remembered: Arc<Mutex<Remembered>>,
}

type Remembered = HashMap<[u8; SHA256_OUTPUT_LEN], RememberedKey>;

struct RememberedKey {
    opened: OpenedKey,
    /// False if no load needed it since [`Passphrase::forget_unused`].
    is_used: bool,
}

type OpenedKey = Result<Arc<Zeroizing<Vec<u8>>>, ProtectionError>;

/// Reasons why an encrypted key cannot be read. They never contain any of its content.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProtectionError {
    /// No passphrase is set.
    #[error(
        "is protected: set AUTHSEAL_KEYS_PASSPHRASE, or AUTHSEAL_KEYS_PASSPHRASE_FILE, to its \
         passphrase"
    )]
    NoPassphrase,
    /// The passphrase is wrong, or the file is damaged.
    #[error(
        "does not open with AUTHSEAL_KEYS_PASSPHRASE: it was protected with another passphrase, \
         or is damaged"
    )]
    WrongPassphrase,
    /// The text is cut off, or is not an encrypted JWK.
    #[error("is not a whole encrypted JWK (RFC 7517 section 7): {0}")]
    Form(&'static str),
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passphrase").finish_non_exhaustive()
    }
}

impl Passphrase {
    /// Makes a passphrase from `text`, which must not be empty.
    pub fn new(text: Secret) -> Self {
        Self {
            text,
            remembered: Arc::default(),
        }
    }

    /// Encrypts the JSON of a key or of a set; `content_type` says which.
    pub(super) fn protect(&self, json: &[u8], content_type: &str) -> Secret {
        let mut header = JweHeader::new();
        header.set_content_encryption("A256GCM");
        header.set_content_type(content_type);
        let passphrase = self.text.expose();
        let mut encrypter = PBES2_HS512_A256KW
            .encrypter_from_bytes(passphrase)
            .expect("the passphrase is not empty");
        encrypter.set_iter_count(ITERATIONS);
        encrypter.set_salt_len(SALT_BYTES);
        let jwe = serialize_compact(json, &header, &encrypter);
        Secret::new(jwe.expect("PBES2 wraps a key of A256GCM"))
    }

    /// Decrypts a JWE made by [`Passphrase::protect`] or by another JOSE library.
    pub(super) fn open(&self, jwe: &[u8]) -> OpenedKey {
        let hash = digest(&SHA256, jwe).as_ref().try_into();
        let hash = hash.expect("SHA-256 gives 32 bytes");
        let known = self.remembered(|remembered| {
            let known = remembered.get_mut(&hash)?;
            known.is_used = true;
            Some(known.opened.clone())
        });
        if let Some(opened) = known {
            return opened;
        }
        let opened = self.derive_and_open(jwe);
        self.remembered(|remembered| {
            if remembered.len() >= MOST_REMEMBERED {
                remembered.clear();
            }
            let known = RememberedKey {
                opened: opened.clone(),
                is_used: true,
            };
            remembered.insert(hash, known);
        });
        opened
    }

    /// Wipes what was opened before and was not needed since the last call: the keys whose
    /// files are gone. Call it after each load of the folder.
    pub(super) fn forget_unused(&self) {
        self.remembered(|remembered| {
            remembered.retain(|_, known| std::mem::take(&mut known.is_used));
        });
    }

    fn remembered<T>(&self, look: impl FnOnce(&mut Remembered) -> T) -> T {
        let remembered = self.remembered.lock();
        look(&mut remembered.expect("nothing panics while holding the lock"))
    }

    fn derive_and_open(&self, jwe: &[u8]) -> OpenedKey {
        let jwe = str::from_utf8(jwe).map_err(|_| ProtectionError::Form("it is no text"))?;
        let jwe = jwe.trim_ascii();
        let algorithm = check_form(jwe)?;
        let wrong = |_| ProtectionError::WrongPassphrase;
        let decrypter = algorithm.decrypter_from_bytes(self.text.expose());
        let decrypter = decrypter.map_err(wrong)?;
        let (json, _) = deserialize_compact(jwe, &decrypter).map_err(wrong)?;
        Ok(Arc::new(Zeroizing::new(json)))
    }
}

/// True for an encrypted JWK, even a damaged one; false for JSON. A JWE begins with the
/// base64url of a brace.
pub(super) fn is_protected(content: &[u8]) -> bool {
    let content = content.trim_ascii();
    let is_of_jwe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (content.starts_with(b"ey") || content.starts_with(b"ew")) && content.iter().all(is_of_jwe)
}

/// Returns the JSON in `content`, which may be encrypted.
pub(super) fn json_of(
    content: Zeroizing<Vec<u8>>,
    passphrase: Option<&Passphrase>,
) -> Result<Arc<Zeroizing<Vec<u8>>>, ProtectionError> {
    if !is_protected(&content) {
        return Ok(Arc::new(content));
    }
    passphrase
        .ok_or(ProtectionError::NoPassphrase)?
        .open(&content)
}

/// Checks the members that josekit uses before anything is authenticated: the iteration
/// count, the length of the encrypted key, which josekit does not check, and the length
/// of the tag. josekit accepts a shorter tag, which could be guessed.
fn check_form(jwe: &str) -> Result<Pbes2HmacAeskwJweAlgorithm, ProtectionError> {
    let form = ProtectionError::Form;
    if jwe.len() > MAX_BYTES {
        return Err(form("it is too long"));
    }
    let parts: Vec<&str> = jwe.split('.').collect();
    let [header, wrapped_key, _iv, _ciphertext, tag] = parts[..] else {
        return Err(form("it is cut off"));
    };
    let decode = |part| URL_SAFE_NO_PAD.decode(part).ok();
    let header = decode(header).and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    let header = header.ok_or(form("its header is no JSON"))?;
    let algorithm = [PBES2_HS256_A128KW, PBES2_HS384_A192KW, PBES2_HS512_A256KW]
        .into_iter()
        .find(|algorithm| header["alg"] == algorithm.name())
        .ok_or(form("its \"alg\" is not of PBES2 with AES key wrap"))?;
    let iterations = header["p2c"].as_u64();
    if !iterations.is_some_and(|count| ACCEPTED_ITERATIONS.contains(&count)) {
        return Err(form("its \"p2c\" is not between 1,000 and 1,000,000"));
    }
    if header.get("zip").is_some() {
        return Err(form("it is compressed"));
    }
    let (key_bytes, tag_bytes) = match header["enc"].as_str() {
        Some("A128GCM") => (16, 16),
        Some("A192GCM") => (24, 16),
        Some("A256GCM" | "A128CBC-HS256") => (32, 16),
        Some("A192CBC-HS384") => (48, 24),
        Some("A256CBC-HS512") => (64, 32),
        _ => return Err(form("its \"enc\" is not one of RFC 7518")),
    };
    let length = |part| decode(part).map_or(0, |bytes| bytes.len());
    if length(wrapped_key) != key_bytes + KEY_WRAP_BYTES {
        return Err(form("its encrypted key has the wrong length"));
    }
    if length(tag) != tag_bytes {
        return Err(form("its authentication tag has the wrong length"));
    }
    Ok(algorithm)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Secret::new(text))
    }

    /// A key protected by a program with fewer rounds.
    fn protected(header: &Value) -> String {
        let header = JweHeader::from_map(header.as_object().unwrap().clone()).unwrap();
        let mut encrypter = PBES2_HS256_A128KW.encrypter_from_bytes("open").unwrap();
        encrypter.set_iter_count(1_000);
        serialize_compact(b"{}", &header, &encrypter).unwrap()
    }

    #[test]
    fn it_opens_with_its_passphrase_alone_and_says_how_it_was_made() {
        let here = passphrase("correct horse");
        let jwe = here.protect(b"{\"a\":1}", JWK);
        let jwe = jwe.expose().as_bytes();
        assert!(is_protected(jwe));
        // Not from memory.
        let again = passphrase("correct horse");
        assert_eq!(again.open(jwe).unwrap().as_slice(), b"{\"a\":1}");
        let wrong = ProtectionError::WrongPassphrase;
        assert_eq!(passphrase("other").open(jwe).unwrap_err(), wrong);
        let header = jwe.split(|byte| *byte == b'.').next().unwrap();
        let header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        assert_eq!(header["alg"], "PBES2-HS512+A256KW");
        assert_eq!(header["cty"], "jwk+json");
        assert_eq!(header["p2c"], 220_000);
    }

    #[test]
    fn a_file_that_asks_for_hours_of_work_is_refused_at_once() {
        for count in [json!(0), json!(999), json!(1_000_001), json!(1u64 << 31)] {
            let mut parts: Vec<String> = protected(&json!({"enc": "A256GCM"}))
                .split('.')
                .map(str::to_owned)
                .collect();
            let header = json!({"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": count});
            parts[0] = URL_SAFE_NO_PAD.encode(header.to_string());
            let error = passphrase("open").open(parts.join(".").as_bytes());
            let error = error.unwrap_err().to_string();
            assert!(error.contains("\"p2c\""), "{count}: {error}");
        }
    }

    #[test]
    fn what_is_cut_off_or_changed_is_an_error_and_never_a_panic() {
        let here = passphrase("open");
        for enc in ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"] {
            let whole = protected(&json!({"enc": enc}));
            assert_eq!(here.open(whole.as_bytes()).unwrap().as_slice(), b"{}");
            for end in 0..whole.len() {
                assert!(here.open(&whole.as_bytes()[..end]).is_err(), "{enc} {end}");
            }
            for index in 0..whole.len() {
                let mut changed = whole.clone().into_bytes();
                changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
                assert!(here.open(&changed).is_err(), "{enc} {index}");
            }
        }
    }
}
