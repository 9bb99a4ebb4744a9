//! Replacement of leaked keys.
//!
//! The file of the new key names the leaked ones, so that adding one file is the whole
//! change. The folder's history names them too: a leaked key stays closed even if the
//! file of the new key is gone.

use std::{io, time::Duration};

use serde_json::json;

use super::{
    Jwk, KeyFolder, KeySet, KeyringError, Replacement,
    history::{HISTORY, Held, History},
    on_disk::ChangeError,
};
use crate::clock::UnixTime;

impl KeyFolder {
    /// Makes a key that seals at once, and whose file names the leaked keys. They open
    /// nothing on any server that sees this file. Returns `None` if all of them have been
    /// replaced already.
    pub fn replace_keys(
        &self,
        now: UnixTime,
        leaked: &[String],
    ) -> Result<Option<Jwk>, KeyringError> {
        let others = self.load()?;
        let to_replace = |key: &&Jwk| key.replaced.is_none() && leaked.contains(&key.kid);
        let mut replaces: Vec<String> = Vec::new();
        for key in others.iter().filter(to_replace) {
            replaces.push(key.kid.clone());
            // The keys that a leaked key replaced stay replaced when the leaked key's
            // file is removed.
            replaces.extend(key.replaces.iter().cloned());
        }
        // A server may still have a key whose file is missing here.
        let missing = leaked.iter().filter(|kid| !others.names(kid));
        replaces.extend(missing.cloned());
        if replaces.is_empty() {
            // The command that replaced them may have failed before all of it was on disk.
            let _ = self.catch_up(&others, now);
            self.settle(&format!("{} was replaced already", leaked.join(", ")))?;
            return Ok(None);
        }
        self.create(&others, now, Duration::ZERO, replaces)
            .map(Some)
    }

    /// True if the history says that the key was replaced, also if that was undone.
    pub fn was_replaced(&self, kid: &str) -> Result<bool, KeyringError> {
        Ok(self.history()?.replaced.contains_key(kid))
    }

    /// Undoes the replacement of a key that did not leak: the keys that replaced it no
    /// longer name it.
    pub fn undo_replace(&self, kid: &str, now: UnixTime) -> Result<(), KeyringError> {
        let cannot = |error: ChangeError| {
            let path = self.path().join(HISTORY);
            error.told(
                &format!("{} could not be written", path.display()),
                &format!("{kid} is as it was before"),
            )
        };
        let mut held = Held::hold(self.path()).map_err(|error| cannot(error.into()))?;
        let (keys, known) = (self.load()?, self.history()?);
        let is_lost = |replaced: &&Replacement| {
            !known.is_removed(&replaced.by) && keys.iter().all(|key| key.kid != replaced.by)
        };
        if let Some(lost) = known.replaced_by(kid).iter().find(is_lost) {
            // Servers may still have the lost key, and keep this one closed.
            return Err(KeyringError::one(format!(
                "{0}.jwk, which replaced {kid}, is missing from {1}: put it back, and run this \
                 again. If it is lost, run authseal keys remove {0} before",
                lost.by,
                self.path().display()
            )));
        }
        let (mut is_edited, mut unsynced) = (false, None);
        for key in keys.iter().filter(|key| replaces(key, kid)) {
            let others = key.replaces.iter().filter(|other| *other != kid);
            let others: Vec<&String> = others.collect();
            let edited = self.edit(&held, &key.kid, |members| {
                members.insert("replaces".to_owned(), json!(others));
            });
            match edited {
                Ok(()) => {}
                // The rest is done first, so that the error can say what is so.
                Err(ChangeError::NotOnDisk(error)) => unsynced = Some(error),
                Err(error) => return Err(self.cannot(error, "changed", &key.kid)),
            }
            is_edited = true;
        }
        if !known.replaced_by(kid).is_empty() {
            // If no file names the key, the history alone keeps it closed.
            held.note_undone(kid, now)
                .map_err(|error| match is_edited {
                    true => cannot(ChangeError::NotOnDisk(error)),
                    false => cannot(error.into()),
                })?;
        }
        let synced = unsynced.map_or_else(|| held.sync(), Err);
        synced.map_err(|error| cannot(ChangeError::NotOnDisk(error)))
    }
}

/// Returns the end of a leaked key that `key` replaces.
pub(super) fn by(key: &Jwk) -> Replacement {
    Replacement {
        by: key.kid.clone(),
        at: key.iat,
    }
}

fn replaces(key: &Jwk, kid: &str) -> bool {
    key.replaces.iter().any(|other| other == kid)
}

/// True if a missing key leaked and was replaced, so that it does not count as missing.
pub(super) fn is_replaced(keys: &[Jwk], known: &History, kid: &str) -> bool {
    let is_here = |by: &str| keys.iter().any(|key| key.kid == by);
    let mut noted = known.replaced_by(kid).iter();
    keys.iter().any(|key| replaces(key, kid)) || noted.any(|replaced| !is_here(&replaced.by))
}

/// Returns the leaked keys, each with the key that replaced it, that the history does not
/// have yet.
fn unknown<'k>(
    known: &'k History,
    keys: &'k KeySet,
) -> impl Iterator<Item = (&'k str, Replacement)> {
    let said = keys.iter().flat_map(|key| {
        let replaces = key.replaces.iter();
        replaces.map(move |kid| (kid.as_str(), by(key)))
    });
    said.filter(|(kid, replaced)| {
        let mut noted = known.replaced_by(kid).iter();
        noted.all(|noted| noted.by != replaced.by)
    })
}

/// Returns the keys that are replaced in the history, although all keys that replaced
/// them are here and no longer name them.
fn undone<'k>(known: &'k History, keys: &'k KeySet) -> impl Iterator<Item = &'k str> {
    let is_here = |replaced: &Replacement| keys.iter().any(|key| key.kid == replaced.by);
    let noted = known.replaced.iter().filter(move |(kid, noted)| {
        !noted.is_empty() && noted.iter().all(is_here) && !keys.iter().any(|key| replaces(key, kid))
    });
    noted.map(|(kid, _)| kid.as_str())
}

/// True if the history names the same leaked keys as the files of the folder.
pub(super) fn knows_replaced(known: &History, keys: &KeySet) -> bool {
    unknown(known, keys).next().is_none() && undone(known, keys).next().is_none()
}

/// Writes to the history the changes that [`knows_replaced`] finds missing.
pub(super) fn note_replaced(
    held: &mut Held,
    known: &History,
    keys: &KeySet,
    now: UnixTime,
) -> io::Result<()> {
    for (kid, replaced) in unknown(known, keys) {
        held.note_replaced(kid, &replaced)?;
    }
    undone(known, keys).try_for_each(|kid| held.note_undone(kid, now))
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    #[test]
    fn of_two_commands_that_change_one_file_at_once_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::new(folder.path());
        let make = || keys.create_key(UnixTime(5), Duration::ZERO).unwrap().kid;
        for _ in 0..8 {
            let leaked = [make(), make()];
            keys.replace_keys(UnixTime(9), &leaked).unwrap();
            let barrier = Barrier::new(leaked.len());
            thread::scope(|scope| {
                for kid in &leaked {
                    scope.spawn(|| {
                        barrier.wait();
                        keys.undo_replace(kid, UnixTime(9)).unwrap();
                    });
                }
            });
            let set = keys.load().unwrap();
            assert!(
                leaked
                    .iter()
                    .all(|kid| set.opening(kid, UnixTime(9)).is_ok())
            );
        }
    }
}
