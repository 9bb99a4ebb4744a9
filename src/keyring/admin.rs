//! Changes to the keys folder, made by the command line and never by a request. Every
//! change is atomic, even if the process is killed, and two commands at the same time
//! don't destroy each other's work.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{
    Jwk, KeySet, KeyringError, Passphrase,
    folder::{self, REVOKED},
    history::{Fate, HISTORY, Held, History, read_if_there},
    jwk::is_kid,
    on_disk::{ChangeError, give_to_reader, sync_file, sync_folder},
    protection::{self, is_protected, json_of},
    replacing,
    revocations::Lines,
};
use crate::{clock::UnixTime, regular_file, secret::Secret};

/// Start of the names of unfinished files.
pub(super) const ASIDE: &str = ".new-key-";

/// A keys folder, for changes.
#[derive(Debug)]
pub struct KeyFolder {
    path: PathBuf,
    pub(super) passphrase: Option<Passphrase>,
}

impl KeyFolder {
    /// Makes a handle to the folder at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            passphrase: None,
        }
    }

    /// Sets the passphrase under which keys may be encrypted. New keys are encrypted
    /// under it.
    pub fn protected_by(self, passphrase: Option<Passphrase>) -> Self {
        Self { passphrase, ..self }
    }

    pub(super) fn load(&self) -> Result<KeySet, KeyringError> {
        folder::load(&self.path, self.passphrase.as_ref())
    }

    /// Sets the time from which a key opens nothing; `None` removes that time.
    pub fn retire_key(&self, kid: &str, at: Option<UnixTime>) -> Result<(), KeyringError> {
        let retire = || -> Result<(), ChangeError> {
            let mut held = Held::hold(&self.path)?;
            self.edit(&held, kid, |members| match at {
                None => drop(members.remove("exp")),
                Some(at) => drop(members.insert("exp".to_owned(), json!(at))),
            })?;
            held.note_end(kid, at).map_err(ChangeError::NotOnDisk)
        };
        retire().map_err(|error| {
            let path = self.key_path(kid);
            let path = path.display();
            error.told(
                &format!("{path} could not be retired"),
                &format!("{path} has its new end"),
            )
        })
    }

    /// Changes some members of a key. Other members in its file stay, and the file stays
    /// encrypted if it was.
    pub(super) fn edit(
        &self,
        _held: &Held,
        kid: &str,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Result<(), ChangeError> {
        let path = self.key_path(kid);
        let content = Zeroizing::new(regular_file::read(&path)?);
        let is_protected = is_protected(&content);
        let json = json_of(content, self.passphrase.as_ref()).map_err(io::Error::other)?;
        let mut jwk: Map<String, Value> = serde_json::from_slice(&json).map_err(io::Error::from)?;
        change(&mut jwk);
        let json = Secret::new(Value::Object(jwk).to_string());
        let content = match &self.passphrase {
            Some(passphrase) if is_protected => {
                passphrase.protect(json.expose().as_bytes(), protection::JWK)
            }
            _ => json,
        };
        let file = self.write_aside(&content)?;
        file.persist(&path).map_err(io::Error::from)?;
        self.sync().map_err(ChangeError::NotOnDisk)
    }

    /// Deletes the file of a key. It first writes the removal to the history, because a
    /// running server keeps a key whose file is merely gone. The file may be gone
    /// already.
    pub fn remove_key(&self, kid: &str, now: UnixTime) -> Result<(), KeyringError> {
        let remove = || -> Result<(), ChangeError> {
            let mut held = Held::hold(&self.path)?;
            if !held.history()?.is_removed(kid) {
                held.note_key(kid, Fate::Removed, now)?;
            }
            match fs::remove_file(self.key_path(kid)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
            held.sync().map_err(ChangeError::NotOnDisk)
        };
        remove().map_err(|error| self.cannot(error, "removed", kid))
    }

    /// Writes a file under a temporary name, whole and on disk. tempfile makes it with
    /// mode 0600, and deletes it on every early return.
    pub(super) fn write_aside(&self, content: &Secret) -> io::Result<tempfile::NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(ASIDE)
            .tempfile_in(&self.path)?;
        file.write_all(content.expose().as_bytes())?;
        file.write_all(b"\n")?;
        give_to_reader(&self.path, file.as_file())?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    /// True if a server may have this key although its file is gone: the history has it,
    /// or knows no key at all.
    pub fn may_miss(&self, kid: &str) -> Result<bool, KeyringError> {
        let history = self.history()?;
        let is_known = history
            .fates
            .get(kid)
            .is_some_and(|fate| *fate != Fate::Removed);
        Ok(is_known || (!history.has_had_keys() && is_kid(kid)))
    }

    /// True if the key was removed by `keys remove`, and its file is gone.
    pub fn is_removed(&self, kid: &str) -> Result<bool, KeyringError> {
        let is_there = fs::symlink_metadata(self.key_path(kid)).is_ok();
        Ok(!is_there && self.history()?.is_removed(kid))
    }

    /// True if the folder has a key with this id, or has had one.
    pub fn has_had(&self, kid: &str) -> Result<bool, KeyringError> {
        if !is_kid(kid) {
            return Ok(false);
        }
        let is_there = fs::symlink_metadata(self.key_path(kid)).is_ok();
        Ok(is_there || self.history()?.fates.contains_key(kid))
    }

    pub(super) fn history(&self) -> Result<History, KeyringError> {
        History::read(&self.path).map_err(|error| {
            let path = self.path.join(HISTORY);
            KeyringError::one(format!("{} cannot be read: {error}", path.display()))
        })
    }

    /// Writes to the history the keys and revocations that it does not have yet: those of
    /// a folder older than its history, or changed by hand.
    pub(super) fn catch_up(&self, keys: &KeySet, now: UnixTime) -> io::Result<()> {
        let read_lines = || -> io::Result<Lines> {
            let bytes = read_if_there(&self.path.join(REVOKED))?;
            Ok(Lines::parse(&bytes.unwrap_or_default()))
        };
        let lines = read_lines()?;
        let is_known = |known: &History| {
            keys.iter().all(|key| knows_end(known, key))
                && replacing::knows_replaced(known, keys)
                && lines
                    .states
                    .iter()
                    .all(|(line, state)| state.missing_in(known.state(line)).is_empty())
        };
        if is_known(&History::read(&self.path)?) {
            return Ok(());
        }
        let mut held = Held::hold(&self.path)?;
        // The command that held the lock may have changed both.
        let (known, lines) = (held.history()?, read_lines()?);
        for key in keys.iter() {
            match known.fates.get(&key.kid) {
                None => held.note_key(&key.kid, key.exp.map_or(Fate::Made, Fate::Ends), now)?,
                // Retired on a machine without this history, or by a command that was killed.
                Some(_) if !knows_end(&known, key) => held.note_end(&key.kid, key.exp)?,
                Some(_) => {}
            }
        }
        replacing::note_replaced(&mut held, &known, keys, now)?;
        held.note_revocations(&known, &lines.states)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        sync_folder(&self.path)
    }

    /// Has on disk what the folder holds already: the command that wrote it may have failed
    /// to do so.
    pub(super) fn settle(&self, made: &str) -> Result<(), KeyringError> {
        // The folder as well.
        sync_file(&self.path.join(HISTORY))
            .map_err(|error| ChangeError::NotOnDisk(error).told("", made))
    }

    pub(super) fn key_path(&self, kid: &str) -> PathBuf {
        self.path.join(format!("{kid}.jwk"))
    }

    pub(super) fn cannot(&self, error: ChangeError, what: &str, kid: &str) -> KeyringError {
        let path = self.key_path(kid);
        let path = path.display();
        error.told(
            &format!("{path} could not be {what}"),
            &format!("{path} is {what}"),
        )
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// True if the history has this key, and its end as its file has it. A key that was removed
/// and is there again stays removed.
fn knows_end(known: &History, key: &Jwk) -> bool {
    known.fates.get(&key.kid).is_some_and(|fate| match fate {
        Fate::Removed => true,
        Fate::Made => key.exp.is_none(),
        Fate::Ends(end) => key.exp == Some(*end),
    })
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, time::Duration};

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
        let set = keys.load().unwrap();
        assert_eq!(set.sealing(UnixTime(5)).unwrap().kid, kid);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(keys.path()), 0o700);
        assert_eq!(mode(&keys.key_path(&kid)), 0o600);
    }

    #[test]
    fn an_end_that_only_the_keys_file_says_is_written_down() {
        let (_temporary, keys) = in_new_folder();
        let key = keys.create_key(UnixTime(5), Duration::ZERO).unwrap();
        for exp in [Some(UnixTime(9)), Some(UnixTime(12)), None] {
            let held = Held::hold(keys.path()).unwrap();
            keys.edit(&held, &key.kid, |members| match exp {
                None => drop(members.remove("exp")),
                Some(at) => drop(members.insert("exp".to_owned(), json!(at))),
            })
            .unwrap();
            drop(held);
            keys.catch_up(&keys.load().unwrap(), UnixTime(20)).unwrap();
            let fate = keys.history().unwrap().fates[&key.kid];
            assert_eq!(fate, exp.map_or(Fate::Made, Fate::Ends));
        }
        keys.remove_key(&key.kid, UnixTime(30)).unwrap();
        keys.write_new(&key).unwrap();
        keys.catch_up(&keys.load().unwrap(), UnixTime(40)).unwrap();
        assert!(keys.history().unwrap().is_removed(&key.kid));
    }

    #[test]
    fn of_the_keys_of_one_second_the_last_one_seals() {
        let (_temporary, keys) = in_new_folder();
        let now = UnixTime(5);
        for _ in 0..5 {
            let last = keys.create_key(now, Duration::ZERO).unwrap().kid;
            let set = keys.load().unwrap();
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
        let set = keys.load().unwrap();
        assert!(set.opening(&key.kid, UnixTime(8)).is_ok());
        assert!(set.opening(&key.kid, UnixTime(9)).is_err());
        keys.retire_key(&key.kid, None).unwrap();
        let set = keys.load().unwrap();
        assert!(set.opening(&key.kid, UnixTime(9)).is_ok());
    }
}
