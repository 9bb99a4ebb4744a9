//! Content of an AuthID.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{Context, SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use smol_str::SmolStr;

use super::{ClientMark, Terms, base64url};
use crate::{
    clock::UnixTime,
    keyring::{Facts, KeySet, LineageBits},
    secret::Secret,
};

/// The plaintext of an AuthID: one refresh token with its service, login and account
/// region. `seal/members.rs` has its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Id of the service that the refresh token is for.
    pub service: SmolStr,
    /// The provider's refresh token (RFC 6749 section 1.5).
    pub refresh_token: Secret,
    /// Time at which this AuthID was sealed.
    pub issued_at: UnixTime,
    /// The login that this AuthID descends from.
    pub lineage: Lineage,
    /// Number of times that the provider has replaced the refresh token since the login;
    /// 0 at login.
    pub generation: u32,
    /// Region in which the provider keeps the account, for providers with several
    /// regions.
    pub region: Option<String>,
    /// The client id that the refresh token was issued to. `None` if it is not known: for
    /// AuthIDs of earlier versions and for imported refresh tokens.
    pub client: Option<ClientMark>,
    /// Origin of this AuthID. It keeps a revocation in force: renewing an AuthID does not
    /// escape it.
    pub ancestry: Ancestry,
    /// Limits of this AuthID and names in it; `None` if there are none.
    pub terms: Option<Arc<Terms>>,
}

/// Facts about earlier AuthIDs of a login that every later AuthID keeps.
///
/// An AuthID made at the login omits them: its `iat` and its key say the same.
/// [`super::open`] fills them in, and [`super::seal`] omits what the AuthID itself says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ancestry {
    /// Time of the login. `None` means `iat`.
    #[serde(rename = "iat", default, skip_serializing_if = "Option::is_none")]
    pub logged_in_at: Option<UnixTime>,
    /// Ids of all keys that AuthIDs of this login were sealed under.
    #[serde(rename = "kid", default, skip_serializing_if = "Vec::is_empty")]
    pub kids: Vec<SmolStr>,
}

impl Ancestry {
    /// Returns the ancestry of a login whose time is unknown. Its time is 0, earlier than
    /// the time of any rule, so that every rule whose scope matches applies to it.
    pub fn of_unknown_time() -> Self {
        Self {
            logged_in_at: Some(UnixTime(0)),
            kids: Vec::new(),
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

impl Grant {
    /// Returns the grant without limits and names.
    pub fn without_terms(&self) -> Self {
        Self {
            terms: None,
            ..self.clone()
        }
    }

    /// Returns the grant with these limits and names.
    pub fn with_terms(self, terms: &Arc<Terms>) -> Self {
        Self {
            terms: Some(terms.clone()),
            ..self
        }
    }

    /// Returns the time of the login.
    pub fn logged_in_at(&self) -> UnixTime {
        self.ancestry.logged_in_at.unwrap_or(self.issued_at)
    }

    /// Returns the time of the login; `None` if it is unknown ([`Ancestry::of_unknown_time`]).
    pub fn known_login_time(&self) -> Option<UnixTime> {
        Some(self.logged_in_at()).filter(|time| *time != UnixTime(0))
    }

    /// True if the login is revoked on this server, by its lineage or by a rule.
    pub fn is_revoked(&self, keys: &KeySet) -> bool {
        let terms = self.terms.as_deref();
        keys.revokes(&Facts {
            lineage: self.lineage.as_bytes(),
            service: &self.service,
            kids: &self.ancestry.kids,
            logged_in_at: self.logged_in_at(),
            user: terms.and_then(Terms::user),
            label: terms.and_then(Terms::label),
        })
    }

    /// Returns the grant to seal under key `kid`: without the facts that the AuthID
    /// itself says.
    pub(super) fn to_seal(&self, kid: &str) -> Self {
        let mut grant = self.clone();
        let at = self.logged_in_at();
        grant.ancestry.logged_in_at = (at != self.issued_at).then_some(at);
        grant.ancestry.kids.retain(|earlier| earlier != kid);
        grant
    }

    /// Returns the grant after opening it with key `kid`: with the facts that the AuthID
    /// itself says.
    pub(super) fn opened_with(mut self, kid: &SmolStr) -> Self {
        self.ancestry.logged_in_at = Some(self.logged_in_at());
        if self.ancestry.kids.iter().all(|earlier| earlier != kid) {
            self.ancestry.kids.push(kid.clone());
        }
        self
    }
}

/// The first bits of the hash of a lineage, by which a log tells logins apart.
pub(crate) type LogName = [u8; 4];

/// Random 128-bit id of a login, made at login and kept by every later AuthID of that
/// login.
///
/// `Display` writes the full value, for `revoked.txt`. Logs may show only `Debug` and
/// [`Lineage::short_hash`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lineage(LineageBits);

impl Lineage {
    /// Makes the lineage of a new login.
    pub fn random() -> Self {
        let mut bits = [0; 16];
        SystemRandom::new()
            .fill(&mut bits)
            .expect("the operating system gives random bytes");
        Self(bits)
    }

    /// Derives the lineage of a login made on the old OAuth server from `parts`, which
    /// identify the login.
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

    /// Returns the first eight hex digits of the SHA-256 hash, by which a log tells
    /// logins apart.
    pub fn short_hash(&self) -> String {
        self.log_name()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Returns the bits of [`Lineage::short_hash`].
    pub(crate) fn log_name(&self) -> LogName {
        let hash = digest(&SHA256, &self.0);
        let mut name = LogName::default();
        name.copy_from_slice(&hash.as_ref()[..4]);
        name
    }

    /// Returns the 128 bits of the lineage.
    pub fn as_bytes(&self) -> &LineageBits {
        &self.0
    }

    /// Parses the text that `Display` writes: 128 bits in base64url.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bits = [0; 16];
        let length = base64url::decode(text, &mut bits)?;
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
