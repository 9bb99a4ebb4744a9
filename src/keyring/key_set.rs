//! What one load of the keys found.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use thiserror::Error;

use super::{
    Jwk,
    revocations::{Facts, Revocation, Revocations},
};
use crate::clock::UnixTime;

/// The keys and revoked lineages of one load: never changed, only replaced.
#[derive(Debug)]
pub struct KeySet {
    /// Sorted so that the last key that may seal is the one that does.
    keys: Vec<Jwk>,
    /// Keys that should be here and are not, each with its end.
    pub(super) missing: BTreeMap<String, Option<UnixTime>>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) version: u64,
}

/// What a key is good for, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It opens, and will seal when its `nbf` comes.
    Pending,
    /// It opens, and is the one that seals.
    Sealing,
    /// It opens what it sealed; a newer one seals.
    Opening,
    /// Its `exp` has passed: it does nothing any more.
    Retired,
}

impl KeyState {
    /// A word for people and scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sealing => "sealing",
            Self::Opening => "opening",
            Self::Retired => "retired",
        }
    }
}

/// Why a key cannot open.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unusable {
    /// No key of that id is here.
    #[error("this server does not have the key it was sealed under")]
    Unknown,
    /// The key's `exp` has passed.
    #[error("the key it was sealed under has been retired")]
    Retired,
    /// The folder has had it, and nobody has removed it: its file is missing.
    #[error("the file of the key it was sealed under is missing on this server")]
    Missing,
}

impl KeySet {
    pub(super) fn new(mut keys: Vec<Jwk>) -> Self {
        keys.sort_by(|a, b| (a.nbf, a.iat, &a.kid).cmp(&(b.nbf, b.iat, &b.kid)));
        Self {
            keys,
            missing: BTreeMap::new(),
            revocations: Arc::default(),
            version: 0,
        }
    }

    /// The newest key whose `nbf` has passed. Where none has, because the clock
    /// was set back, the one that comes first: a replaced refresh token that
    /// nothing seals would be lost.
    pub fn sealing(&self, now: UnixTime) -> Option<&Jwk> {
        let active = self.keys.iter().rev().find(|key| key.seals_at(now));
        active.or_else(|| self.keys.iter().find(|key| key.opens_at(now)))
    }

    /// What a key is good for.
    pub fn state(&self, key: &Jwk, now: UnixTime) -> KeyState {
        if !key.opens_at(now) {
            KeyState::Retired
        } else if self
            .sealing(now)
            .is_some_and(|sealing| sealing.kid == key.kid)
        {
            KeyState::Sealing
        } else if key.seals_at(now) {
            KeyState::Opening
        } else {
            KeyState::Pending
        }
    }

    /// The key of that id, while it opens.
    pub fn opening(&self, kid: &str, now: UnixTime) -> Result<&Jwk, Unusable> {
        match self.keys.iter().find(|key| key.kid == kid) {
            None => Err(self.why_absent(kid, now)),
            Some(key) if !key.opens_at(now) => Err(Unusable::Retired),
            Some(key) => Ok(key),
        }
    }

    /// From when on a key that activates at `nbf` must be said to be, made now, to be
    /// newer than those that activate in the same second.
    pub(super) fn next_iat(&self, now: UnixTime, nbf: UnixTime) -> UnixTime {
        let rivals = self.keys.iter().filter(|key| key.nbf == nbf);
        let newest = rivals.map(|key| key.iat).max();
        newest.map_or(now, |iat| now.max(iat.plus(Duration::from_secs(1))))
    }

    fn why_absent(&self, kid: &str, now: UnixTime) -> Unusable {
        match self.missing.get(kid) {
            None => Unusable::Unknown,
            Some(Some(end)) if *end <= now => Unusable::Retired,
            Some(_) => Unusable::Missing,
        }
    }

    /// True if an AuthID is revoked: its login, or by a rule.
    pub fn revokes(&self, facts: &Facts<'_>) -> bool {
        self.revocations.revoke(facts)
    }

    /// True if this lineage is revoked by a line of its own.
    pub fn is_revoked(&self, lineage: impl fmt::Display) -> bool {
        let lineage = Revocation::lineage(&lineage.to_string());
        lineage.is_some_and(|lineage| self.revocations.contains(&lineage))
    }

    /// True if the other holds the same keys and revocations.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.keys == other.keys
            && self.missing == other.missing
            && self.revocations == other.revocations
    }

    /// Changes with every load that finds something new: what was worked out under
    /// another version must be worked out again.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Every key, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Jwk> {
        self.keys.iter()
    }

    /// How many lineages and rules are revoked.
    pub fn revoked_count(&self) -> usize {
        self.revocations.len()
    }

    /// Each revocation in force.
    pub fn revocations(&self) -> impl Iterator<Item = Revocation> {
        self.revocations.iter()
    }

    /// The ids of the keys that should be here, and whose files are missing.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.missing.keys().map(String::as_str)
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(kid: &str, nbf: u64, exp: Option<u64>) -> Jwk {
        let mut key = Jwk::generate(UnixTime(0), Duration::ZERO);
        key.kid = kid.to_owned();
        key.nbf = UnixTime(nbf);
        key.exp = exp.map(UnixTime);
        key
    }

    #[test]
    fn the_newest_active_key_seals_and_every_unexpired_one_opens() {
        let set = KeySet::new(vec![
            key("next", 300, None),
            key("old", 100, Some(400)),
            key("now", 200, None),
        ]);
        let sealing = |now| set.sealing(UnixTime(now)).map(|key| key.kid.as_str());
        assert_eq!(sealing(99), Some("old"), "a clock that was set back");
        assert_eq!(sealing(100), Some("old"));
        assert_eq!(sealing(299), Some("now"));
        assert_eq!(sealing(300), Some("next"));

        let opening = |kid, now| set.opening(kid, UnixTime(now)).map(|key| key.kid.as_str());
        assert_eq!(opening("next", 0), Ok("next"));
        assert_eq!(opening("old", 399), Ok("old"));
        assert_eq!(opening("old", 400), Err(Unusable::Retired));
        assert_eq!(opening("other", 0), Err(Unusable::Unknown));
    }
}
