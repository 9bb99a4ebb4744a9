//! Keys and revocations of one load.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use thiserror::Error;

use super::{
    Jwk, Replacement,
    revocations::{Facts, Revocation, Revocations},
};
use crate::clock::UnixTime;

/// The keys and revocations of one load. A set is never changed, only replaced as a
/// whole.
#[derive(Debug)]
pub struct KeySet {
    /// The keys, sorted so that the last key that may seal is the one that does.
    keys: Vec<Jwk>,
    /// Ids of keys that should be in the folder and are missing, each with its end.
    pub(super) missing: BTreeMap<String, Option<UnixTime>>,
    /// Ids of the keys that are encrypted at rest. They are ignored when sets are
    /// compared, because the keys are the same.
    pub(super) protected: HashSet<String>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) version: u64,
}

/// State of a key at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The key opens, and will seal from its `nbf` on.
    Pending,
    /// The key opens, and new AuthIDs are sealed under it.
    Sealing,
    /// The key opens what it sealed; a newer key seals.
    Opening,
    /// The key's `exp` has passed, or it was replaced because it leaked. It neither seals
    /// nor opens.
    Retired,
}

impl KeyState {
    /// Returns a word for people and scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sealing => "sealing",
            Self::Opening => "opening",
            Self::Retired => "retired",
        }
    }
}

/// Reasons why a key cannot open.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unusable {
    /// No key with that id is known to this server.
    #[error("this server does not have the key it was sealed under")]
    Unknown,
    /// The `exp` of the key has passed, or the key was replaced.
    #[error("the key it was sealed under has been retired")]
    Retired,
    /// The folder has had the key, and no `keys remove` was run: its file is missing.
    #[error("the file of the key it was sealed under is missing on this server")]
    Missing,
}

impl KeySet {
    pub(super) fn new(mut keys: Vec<Jwk>) -> Self {
        keys.sort_by(|a, b| (a.nbf, a.iat, &a.kid).cmp(&(b.nbf, b.iat, &b.kid)));
        retire_replaced(&mut keys);
        Self {
            keys,
            missing: BTreeMap::new(),
            protected: HashSet::new(),
            revocations: Arc::default(),
            version: 0,
        }
    }

    /// Returns the newest key whose `nbf` has passed. If there is none, because the clock
    /// was set back, returns the key with the earliest `nbf`: without a key to seal it, a
    /// refresh token that the provider has just replaced would be lost.
    pub fn sealing(&self, now: UnixTime) -> Option<&Jwk> {
        let active = self.keys.iter().rev().find(|key| key.seals_at(now));
        active.or_else(|| self.keys.iter().find(|key| key.opens_at(now)))
    }

    /// Returns the state of a key.
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

    /// Returns the key with this id if it still opens.
    pub fn opening(&self, kid: &str, now: UnixTime) -> Result<&Jwk, Unusable> {
        match self.keys.iter().find(|key| key.kid == kid) {
            None => Err(self.why_absent(kid, now)),
            Some(key) if !key.opens_at(now) => Err(Unusable::Retired),
            Some(key) => Ok(key),
        }
    }

    /// Keeps known leaked keys closed: if the file of the replacing key is gone, the
    /// leaked key does not open again. If that file is there and no longer names the
    /// leaked key, the replacement was undone.
    pub(super) fn keep_replaced<'r>(
        &mut self,
        known: impl IntoIterator<Item = (&'r str, &'r Replacement)>,
    ) {
        for (kid, replaced) in known {
            if self.keys.iter().any(|key| key.kid == replaced.by) {
                continue;
            }
            let mut keys = self.keys.iter_mut();
            if let Some(key) = keys.find(|key| key.kid == kid) {
                key.replaced.get_or_insert_with(|| replaced.clone());
            }
        }
    }

    /// Returns every key that was replaced because it leaked.
    pub(super) fn replaced(&self) -> impl Iterator<Item = (&str, &Replacement)> {
        self.keys
            .iter()
            .filter_map(|key| Some((key.kid.as_str(), key.replaced.as_ref()?)))
    }

    /// True if the key is encrypted at rest.
    pub fn is_protected(&self, kid: &str) -> bool {
        self.protected.contains(kid)
    }

    /// True if a key has this id, or replaces a key that had it.
    pub fn names(&self, kid: &str) -> bool {
        let mut keys = self.keys.iter();
        keys.any(|key| key.kid == kid || key.replaces.iter().any(|other| other == kid))
    }

    /// Returns the `iat` of a new key made now that starts to seal at `nbf`. It is later
    /// than that of every key that starts in the same second, so that the new key is the
    /// newest.
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

    /// True if an AuthID is revoked, by its lineage or by a rule.
    pub fn revokes(&self, facts: &Facts<'_>) -> bool {
        self.revocations.revoke(facts)
    }

    /// True if a line of `revoked.txt` names this lineage.
    pub fn is_revoked(&self, lineage: impl fmt::Display) -> bool {
        let lineage = Revocation::lineage(&lineage.to_string());
        lineage.is_some_and(|lineage| self.revocations.contains(&lineage))
    }

    /// True if the other set holds the same keys and revocations.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.keys == other.keys
            && self.missing == other.missing
            && self.revocations == other.revocations
    }

    /// Returns a number that changes with every load that finds a difference. Results
    /// computed under another version must be computed again.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns every key, sorted by `nbf`, the earliest first.
    pub fn iter(&self) -> impl Iterator<Item = &Jwk> {
        self.keys.iter()
    }

    /// Returns the number of revoked lineages and rules in force.
    pub fn revoked_count(&self) -> usize {
        self.revocations.len()
    }

    /// Returns each revocation in force.
    pub fn revocations(&self) -> impl Iterator<Item = Revocation> {
        self.revocations.iter()
    }

    /// Returns the ids of keys that should be in the folder and whose files are missing.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.missing.keys().map(String::as_str)
    }

    /// Returns the ids of missing keys that have not ended.
    pub fn missed(&self, now: UnixTime) -> impl Iterator<Item = &str> {
        let is_missed = move |end: &Option<UnixTime>| end.is_none_or(|end| now < end);
        let missing = self.missing.iter();
        missing
            .filter(move |(_, end)| is_missed(end))
            .map(|(kid, _)| kid.as_str())
    }

    /// True if there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// Marks replaced keys, whatever the time, the state of the replacing key, and its `exp`:
/// a leaked key must not open where the key that replaces it may seal.
fn retire_replaced(keys: &mut [Jwk]) {
    let mut replaced: HashMap<String, Replacement> = HashMap::new();
    for key in keys.iter() {
        for kid in &key.replaces {
            let by = || Replacement {
                by: key.kid.clone(),
                at: key.iat,
            };
            replaced.entry(kid.clone()).or_insert_with(by);
        }
    }
    for key in keys {
        key.replaced = replaced.get(&key.kid).cloned();
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

    #[test]
    fn a_replaced_key_opens_nothing_whatever_the_clocks_and_the_other_key_say() {
        let leaked = key("leaked", 100, None);
        for (nbf, exp) in [(100, None), (1_000, None), (100, Some(101))] {
            let mut new = key("new", nbf, exp);
            new.replaces = vec!["leaked".into(), "gone".into()];
            let set = KeySet::new(vec![leaked.clone(), new]);
            for now in [0, 100, 999, 2_000].map(UnixTime) {
                assert_eq!(set.opening("leaked", now).err(), Some(Unusable::Retired));
                let sealing = set.sealing(now).map(|key| key.kid.as_str());
                assert_ne!(sealing, Some("leaked"), "{nbf} {exp:?} {now:?}");
            }
            assert_eq!(set.state(&set.keys[0], UnixTime(0)), KeyState::Retired);
            // The file that names the leaked key is gone.
            let mut later = KeySet::new(vec![leaked.clone()]);
            later.keep_replaced(set.replaced());
            assert!(later.opening("leaked", UnixTime(200)).is_err());
            // The file is there, and no longer names it.
            let mut undone = KeySet::new(vec![leaked.clone(), key("new", nbf, exp)]);
            undone.keep_replaced(set.replaced());
            assert!(undone.opening("leaked", UnixTime(200)).is_ok());
        }
    }
}
