//! What an AuthID holds.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{Context, SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{clock::UnixTime, secret::Secret};

/// The plaintext of an AuthID: one refresh token and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Grant {
    /// Id of the service it was made for.
    #[serde(rename = "svc")]
    pub service: String,
    /// The provider's refresh token (RFC 6749 section 1.5).
    #[serde(rename = "rt")]
    pub refresh_token: Secret,
    /// When this AuthID was sealed.
    #[serde(rename = "iat")]
    pub issued_at: UnixTime,
    /// The login that it descends from.
    #[serde(rename = "lin")]
    pub lineage: Lineage,
    /// 0 at login, one more each time the provider replaces the refresh token.
    #[serde(rename = "gen")]
    pub generation: u32,
    /// Where the provider keeps the account, for those with several places.
    #[serde(rename = "reg", default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// 128 random bits, made at login and kept by every later AuthID of that login.
///
/// `Display` is the full value, for `revoked.txt`; `Debug` and
/// [`Lineage::short_hash`] are what logs may show.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lineage([u8; 16]);

impl Lineage {
    /// A new login's lineage.
    pub fn random() -> Self {
        let mut bits = [0; 16];
        SystemRandom::new()
            .fill(&mut bits)
            .expect("the operating system gives random bytes");
        Self(bits)
    }

    /// The lineage of a login that was made elsewhere, out of what names it.
    pub fn derived(parts: &[&str]) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(b"authseal lineage");
        for part in parts {
            hash.update(&[0]);
            hash.update(part.as_bytes());
        }
        let mut bits = [0; 16];
        bits.copy_from_slice(&hash.finish().as_ref()[..16]);
        Self(bits)
    }

    /// Eight hex digits by which a log tells one login from another.
    pub fn short_hash(&self) -> String {
        let hash = digest(&SHA256, &self.0);
        hash.as_ref()[..4]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The bits themselves.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bits = [0; 16];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bits).ok()?;
        (length == bits.len()).then_some(Self(bits))
    }
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lineage({})", self.short_hash())
    }
}

impl Serialize for Lineage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lineage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("a lineage is 128 bits in base64url"))
    }
}
