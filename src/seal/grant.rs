//! What an AuthID holds.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{Context, SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    clock::UnixTime,
    keyring::{Facts, KeySet, LineageBits},
    secret::Secret,
};

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
    /// Where it comes from: no renewal leads out of a revocation.
    #[serde(rename = "anc", default, skip_serializing_if = "Ancestry::is_plain")]
    pub ancestry: Ancestry,
}

/// What every later AuthID of a login keeps of the earlier ones.
///
/// An AuthID that was made at the login does without it: its `iat` and the key that it is
/// sealed under say the same. [`super::open`] fills it in, and [`super::seal`] leaves out
/// what the AuthID itself says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Ancestry {
    /// When the login was made. `None` means at `iat`.
    #[serde(rename = "iat", default, skip_serializing_if = "Option::is_none")]
    pub logged_in_at: Option<UnixTime>,
    /// The ids of the keys that the login was ever sealed under.
    #[serde(rename = "kid", default, skip_serializing_if = "Vec::is_empty")]
    pub kids: Vec<String>,
}

impl Ancestry {
    /// The ancestry of a login whose time is not known: older than every rule's time, so that
    /// none fails to hold for it.
    pub fn of_unknown_time() -> Self {
        Self {
            logged_in_at: Some(UnixTime(0)),
            kids: Vec::new(),
        }
    }

    fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

impl Grant {
    /// When its login was made.
    pub fn logged_in_at(&self) -> UnixTime {
        self.ancestry.logged_in_at.unwrap_or(self.issued_at)
    }

    /// True if its login is revoked here, by its lineage or by a rule.
    pub fn is_revoked(&self, keys: &KeySet) -> bool {
        keys.revokes(&Facts {
            lineage: self.lineage.as_bytes(),
            service: &self.service,
            kids: &self.ancestry.kids,
            logged_in_at: self.logged_in_at(),
        })
    }

    /// As it is to be sealed under this key: without what the AuthID itself will say.
    pub(super) fn to_seal(&self, kid: &str) -> Self {
        let mut grant = self.clone();
        let at = self.logged_in_at();
        grant.ancestry.logged_in_at = (at != self.issued_at).then_some(at);
        grant.ancestry.kids.retain(|earlier| earlier != kid);
        grant
    }

    /// As it was opened with this key: with what the AuthID itself says.
    pub(super) fn opened_with(mut self, kid: &str) -> Self {
        self.ancestry.logged_in_at = Some(self.logged_in_at());
        if self.ancestry.kids.iter().all(|earlier| earlier != kid) {
            self.ancestry.kids.push(kid.to_owned());
        }
        self
    }
}

/// 128 random bits, made at login and kept by every later AuthID of that login.
///
/// `Display` is the full value, for `revoked.txt`; `Debug` and
/// [`Lineage::short_hash`] are what logs may show.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lineage(LineageBits);

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
    pub fn as_bytes(&self) -> &LineageBits {
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
