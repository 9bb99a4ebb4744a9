//! Changing the keys folder: for the command line, never for a request. Every
//! change appears whole or not at all, also when the process is killed in the
//! middle, and two at once don't destroy each other.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Jwk, KeySet, KeyringError,
    folder::{self, REVOKED},
    history::{Fate, HISTORY, Held, History, give_to_owner_of, read_if_there},
    jwk::is_kid,
    revocations::Lines,
};
use crate::{clock::UnixTime, secret::Secret};

/// A keys folder, to be changed.
#[derive(Debug)]
pub struct KeyFolder {
    path: PathBuf,
}

impl KeyFolder {
    /// The folder at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Makes a key whose id no file of the folder has yet, and returns it. It
    /// seals after `activate_in`, and is newer than whatever seals from the same second on.
    pub fn create_key(&self, now: UnixTime, activate_in: Duration) -> Result<Jwk, KeyringError> {
        let others = folder::load(&self.path)?;
        loop {
            let mut key = Jwk::generate(now, activate_in);
            key.iat = others.next_iat(now, key.nbf);
            match self.write_new(&key) {
                Ok(()) => {
                    // Also without its line the key is good: the next `serve` writes it.
                    let _ = self.note(&key.kid, Fate::Made, now);
                    return Ok(key);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => {
                    return Err(KeyringError::one(format!(
                        "no key could be written to {}: {error}. Make the folder writable for \
                         this user, or give the keys in AUTHSEAL_KEYS: a key that is only in \
                         memory would void every AuthID at the next start",
                        self.path.display()
                    )));
                }
            }
        }
    }

    /// Sets the end of a key: from `at` on it opens nothing; never, without one.
    pub fn retire_key(&self, kid: &str, at: Option<UnixTime>) -> Result<(), KeyringError> {
        let path = self.key_path(kid);
        let retire = || -> io::Result<()> {
            let json = zeroize::Zeroizing::new(fs::read(&path)?);
            // What else stands in the file stays.
            let mut jwk: Value = serde_json::from_slice(&json)?;
            match (at, jwk.as_object_mut()) {
                (None, Some(members)) => drop(members.remove("exp")),
                (at, _) => jwk["exp"] = json!(at),
            }
            let file = self.write_aside(&Secret::new(jwk.to_string()))?;
            file.persist(&path)?;
            self.sync()?;
            Held::hold(&self.path)?.note_end(kid, at)
        };
        retire().map_err(|error| self.cannot("retired", kid, &error))
    }

    /// Deletes a key's file, and first writes down that this is meant: a running server
    /// keeps a key whose file is only gone. The file may be gone already.
    pub fn remove_key(&self, kid: &str, now: UnixTime) -> Result<(), KeyringError> {
        let remove = || -> io::Result<()> {
            self.note(kid, Fate::Removed, now)?;
            match fs::remove_file(self.key_path(kid)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
            self.sync()
        };
        remove().map_err(|error| self.cannot("removed", kid, &error))
    }

    fn write_new(&self, key: &Jwk) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)?;
        let file = self.write_aside(&key.to_json())?;
        file.persist_noclobber(self.key_path(&key.kid))?;
        self.sync()
    }

    /// A file of another name, whole and on disk. tempfile makes it 0600, and
    /// removes it again on every early return.
    fn write_aside(&self, json: &Secret) -> io::Result<tempfile::NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(".new-key-")
            .tempfile_in(&self.path)?;
        file.write_all(json.expose().as_bytes())?;
        file.write_all(b"\n")?;
        give_to_owner_of(&self.path, file.as_file())?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    /// True if a server may have this key though its file is gone: the history knows it, or
    /// is gone too.
    pub fn may_miss(&self, kid: &str) -> Result<bool, KeyringError> {
        let history = self.history()?;
        let is_known = history
            .fates
            .get(kid)
            .is_some_and(|fate| *fate != Fate::Removed);
        Ok(is_known || (!history.has_had_keys() && is_kid(kid)))
    }

    /// True if the folder has a key of this id, or has had one.
    pub fn has_had(&self, kid: &str) -> Result<bool, KeyringError> {
        if !is_kid(kid) {
            return Ok(false);
        }
        let is_there = fs::symlink_metadata(self.key_path(kid)).is_ok();
        Ok(is_there || self.history()?.fates.contains_key(kid))
    }

    fn history(&self) -> Result<History, KeyringError> {
        History::read(&self.path).map_err(|error| {
            let path = self.path.join(HISTORY);
            KeyringError::one(format!("{} cannot be read: {error}", path.display()))
        })
    }

    /// Writes down the keys and revocations that the history does not know yet: of a folder
    /// that is older than its history, or that is changed by hand.
    pub(super) fn catch_up(&self, keys: &KeySet, now: UnixTime) -> io::Result<()> {
        let lines = read_if_there(&self.path.join(REVOKED))?.unwrap_or_default();
        let lines = Lines::parse(&lines);
        let is_known = |known: &History| {
            keys.iter().all(|key| known.fates.contains_key(&key.kid))
                && lines
                    .last_words
                    .iter()
                    .all(|(line, word)| known.revocations.get(line) == Some(word))
        };
        if is_known(&History::read(&self.path)?) {
            return Ok(());
        }
        let mut held = Held::hold(&self.path)?;
        let known = held.history()?;
        for key in keys.iter() {
            if !known.fates.contains_key(&key.kid) {
                held.note_key(&key.kid, key.exp.map_or(Fate::Made, Fate::Ends), now)?;
            }
        }
        let words = lines.last_words.iter();
        held.note_revocations(
            words.filter(|(line, word)| known.revocations.get(line) != Some(word)),
        )
    }

    fn note(&self, kid: &str, fate: Fate, now: UnixTime) -> io::Result<()> {
        Held::hold(&self.path)?.note_key(kid, fate, now)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn key_path(&self, kid: &str) -> PathBuf {
        self.path.join(format!("{kid}.jwk"))
    }

    fn cannot(&self, what: &str, kid: &str, error: &io::Error) -> KeyringError {
        let path = self.key_path(kid);
        KeyringError::one(format!("{} could not be {what}: {error}", path.display()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn in_new_folder() -> (tempfile::TempDir, KeyFolder) {
        let temporary = tempfile::tempdir().unwrap();
        let folder = KeyFolder::new(temporary.path().join("keys"));
        (temporary, folder)
    }

    #[test]
    fn a_new_key_is_private_and_loads() {
        let (_temporary, keys) = in_new_folder();
        let kid = keys.create_key(UnixTime(5), Duration::ZERO).unwrap().kid;
        let set = folder::load(keys.path()).unwrap();
        assert_eq!(set.sealing(UnixTime(5)).unwrap().kid, kid);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(keys.path()), 0o700);
        assert_eq!(mode(&keys.key_path(&kid)), 0o600);
    }

    #[test]
    fn of_the_keys_of_one_second_the_last_one_seals() {
        let (_temporary, keys) = in_new_folder();
        let now = UnixTime(5);
        for _ in 0..5 {
            let last = keys.create_key(now, Duration::ZERO).unwrap().kid;
            let set = folder::load(keys.path()).unwrap();
            assert_eq!(set.sealing(now).unwrap().kid, last);
        }
    }

    #[test]
    fn a_retired_key_keeps_its_file_and_what_else_stands_in_it() {
        let (_temporary, keys) = in_new_folder();
        let key = keys.create_key(UnixTime(5), Duration::ZERO).unwrap();
        let path = keys.key_path(&key.kid);
        let mut jwk: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        jwk["note"] = json!("of the cellar");
        fs::write(&path, jwk.to_string()).unwrap();
        keys.retire_key(&key.kid, Some(UnixTime(9))).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("of the cellar"), "{text}");
        let set = folder::load(keys.path()).unwrap();
        assert!(set.opening(&key.kid, UnixTime(8)).is_ok());
        assert!(set.opening(&key.kid, UnixTime(9)).is_err());
        keys.retire_key(&key.kid, None).unwrap();
        let set = folder::load(keys.path()).unwrap();
        assert!(set.opening(&key.kid, UnixTime(9)).is_ok());
    }
}
