//! What one load of the keys found.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use thiserror::Error;

use super::{
    Jwk, Replaced,
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
    /// The ids of those that are encrypted where they are kept. Not what makes a set
    /// another one: the keys are the same.
    pub(super) protected: HashSet<String>,
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
    /// Its `exp` has passed, or it was replaced because it leaked: it does nothing any
    /// more.
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
    /// The key's `exp` has passed, or it was replaced.
    #[error("the key it was sealed under has been retired")]
    Retired,
    /// The folder has had it, and nobody has removed it: its file is missing.
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

    /// Keeps closed what is known to have leaked: that the file is gone that says so brings
    /// no leaked key back. If the file is there, and says so no more, it was undone.
    pub(super) fn keep_replaced<'r>(
        &mut self,
        known: impl IntoIterator<Item = (&'r str, &'r Replaced)>,
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

    /// Every key that was replaced because it leaked.
    pub(super) fn replaced(&self) -> impl Iterator<Item = (&str, &Replaced)> {
        self.keys
            .iter()
            .filter_map(|key| Some((key.kid.as_str(), key.replaced.as_ref()?)))
    }

    /// True if the key is encrypted where it is kept.
    pub fn is_protected(&self, kid: &str) -> bool {
        self.protected.contains(kid)
    }

    /// True if a key has this id, or was made instead of one that had.
    pub fn names(&self, kid: &str) -> bool {
        let mut keys = self.keys.iter();
        keys.any(|key| key.kid == kid || key.replaces.iter().any(|other| other == kid))
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

    /// Those of them that have not ended.
    pub fn missed(&self, now: UnixTime) -> impl Iterator<Item = &str> {
        let is_missed = move |end: &Option<UnixTime>| end.is_none_or(|end| now < end);
        let missing = self.missing.iter();
        missing
            .filter(move |(_, end)| is_missed(end))
            .map(|(kid, _)| kid.as_str())
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// Whatever the clock says, the state of the replacing key, or its own `exp`: a leaked
/// key must not open where the one that was made instead may seal.
fn retire_replaced(keys: &mut [Jwk]) {
    let mut replaced: HashMap<String, Replaced> = HashMap::new();
    for key in keys.iter() {
        for kid in &key.replaces {
            let by = || Replaced {
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
            // The file that says so is gone.
            let mut later = KeySet::new(vec![leaked.clone()]);
            later.keep_replaced(set.replaced());
            assert!(later.opening("leaked", UnixTime(200)).is_err());
            // The file is there, and says so no more.
            let mut undone = KeySet::new(vec![leaked.clone(), key("new", nbf, exp)]);
            undone.keep_replaced(set.replaced());
            assert!(undone.opening("leaked", UnixTime(200)).is_ok());
        }
    }
}
