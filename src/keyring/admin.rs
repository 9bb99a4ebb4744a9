//! Changing the keys folder: for the command line, never for a request. Every
//! change appears whole or not at all, also when the process is killed in the
//! middle, and two at once don't destroy each other.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, fchown},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{
    Jwk, KeySet, KeyringError, Passphrase,
    folder::{self, REVOKED},
    protection::{self, is_protected, json_of},
};
use crate::{clock::UnixTime, secret::Secret};

/// What the names of files begin with that are not finished.
pub(super) const ASIDE: &str = ".new-key-";

/// How many ids a new key tries. Two of them are the same about never.
const KID_TRIES: u32 = 8;

/// A keys folder, to be changed.
#[derive(Debug)]
pub struct KeyFolder {
    path: PathBuf,
    pub(super) passphrase: Option<Passphrase>,
}

impl KeyFolder {
    /// The folder at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            passphrase: None,
        }
    }

    /// The same folder, whose keys may be encrypted under this passphrase. New ones are.
    pub fn protected_by(self, passphrase: Option<Passphrase>) -> Self {
        Self { passphrase, ..self }
    }

    /// Makes a key whose id no file of the folder has yet, and returns it. It
    /// seals after `activate_in`, and is newer than whatever seals from the same second on.
    pub fn create_key(&self, now: UnixTime, activate_in: Duration) -> Result<Jwk, KeyringError> {
        let others = self.load()?;
        self.create(&others, now, activate_in, Vec::new())
    }

    /// Makes a key that seals at once, in whose file stands that the leaked ones open
    /// nothing any more: one file is the whole change, for every server that sees it.
    /// `None` if all of them have been replaced already.
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
            // What it was made instead of stays replaced when its own file is removed.
            replaces.extend(key.replaces.iter().cloned());
        }
        if replaces.is_empty() {
            return Ok(None);
        }
        self.create(&others, now, Duration::ZERO, replaces)
            .map(Some)
    }

    pub(super) fn load(&self) -> Result<KeySet, KeyringError> {
        folder::load(&self.path, self.passphrase.as_ref())
    }

    fn create(
        &self,
        others: &KeySet,
        now: UnixTime,
        activate_in: Duration,
        replaces: Vec<String>,
    ) -> Result<Jwk, KeyringError> {
        self.make_folder()
            .map_err(|error| self.not_writable(&error))?;
        for _ in 0..KID_TRIES {
            let mut key = Jwk::generate(now, activate_in);
            if others.names(&key.kid) {
                continue;
            }
            key.iat = others.next_iat(now, key.nbf);
            key.replaces.clone_from(&replaces);
            match self.write_new(&key) {
                Ok(()) => return Ok(key),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(self.not_writable(&error)),
            }
        }
        Err(KeyringError::one(format!(
            "no key could be written to {}: {KID_TRIES} new ids were taken already",
            self.path.display()
        )))
    }

    fn not_writable(&self, error: &io::Error) -> KeyringError {
        let path = self.path.display();
        if self.path.is_symlink() && !self.path.exists() {
            return KeyringError::one(format!(
                "no key could be written to {path}: it is a link to a folder that is not there. \
                 Mount or make that folder"
            ));
        }
        KeyringError::one(format!(
            "no key could be written to {path}: {error}. Make the folder writable for this user, \
             or give the keys in AUTHSEAL_KEYS: a key that is only in memory would void every \
             AuthID at the next start"
        ))
    }

    fn make_folder(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.path)
    }

    /// Sets the end of a key: from `at` on it opens nothing; never, without one.
    pub fn retire_key(&self, kid: &str, at: Option<UnixTime>) -> Result<(), KeyringError> {
        let edited = self.edit(kid, |members| match at {
            None => drop(members.remove("exp")),
            Some(at) => drop(members.insert("exp".to_owned(), json!(at))),
        });
        edited.map_err(|error| self.cannot("retired", kid, &error))
    }

    /// Takes back that a key leaked: what replaced it says so no more.
    pub fn undo_replace(&self, kid: &str) -> Result<(), KeyringError> {
        let keys = self.load()?;
        for key in keys
            .iter()
            .filter(|key| key.replaces.iter().any(|other| other == kid))
        {
            let others = key.replaces.iter().filter(|other| *other != kid);
            let others: Vec<&String> = others.collect();
            let edited = self.edit(&key.kid, |members| {
                members.insert("replaces".to_owned(), json!(others));
            });
            edited.map_err(|error| self.cannot("changed", &key.kid, &error))?;
        }
        Ok(())
    }

    /// Changes some members of a key. What else stands in its file stays, and so does the
    /// form: protected or not.
    fn edit(&self, kid: &str, change: impl FnOnce(&mut Map<String, Value>)) -> io::Result<()> {
        let path = self.key_path(kid);
        let content = Zeroizing::new(fs::read(&path)?);
        let is_protected = is_protected(&content);
        let json = json_of(content, self.passphrase.as_ref()).map_err(io::Error::other)?;
        let mut jwk: Map<String, Value> = serde_json::from_slice(&json)?;
        change(&mut jwk);
        let json = Secret::new(Value::Object(jwk).to_string());
        let content = match &self.passphrase {
            Some(passphrase) if is_protected => {
                passphrase.protect(json.expose().as_bytes(), protection::JWK)
            }
            _ => json,
        };
        self.write_aside(&content)?.persist(&path)?;
        self.sync()
    }

    /// Deletes a key's file.
    pub fn remove_key(&self, kid: &str) -> Result<(), KeyringError> {
        let remove = || -> io::Result<()> {
            fs::remove_file(self.key_path(kid))?;
            self.sync()
        };
        remove().map_err(|error| self.cannot("removed", kid, &error))
    }

    /// Adds a lineage to `revoked.txt`, by one append, so that two at once lose no
    /// line. What a kill cuts short is no line of anybody's, and the next one starts
    /// anew. Returns `false` if it stood there already.
    pub fn revoke(&self, lineage: &str, reason: Option<&str>) -> Result<bool, KeyringError> {
        self.append_revoked(lineage, reason).map_err(|error| {
            KeyringError::one(format!(
                "{} could not be written: {error}",
                self.path.join(REVOKED).display()
            ))
        })
    }

    fn append_revoked(&self, lineage: &str, reason: Option<&str>) -> io::Result<bool> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(self.path.join(REVOKED))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let stands_there =
            |line: &str| line.split('#').next().unwrap_or_default().trim() == lineage;
        if text.lines().any(stands_there) {
            return Ok(false);
        }
        // An editor may have left the last line open.
        let start = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        let reason = reason.map_or(String::new(), |reason| format!(" # {}", one_line(reason)));
        file.seek(SeekFrom::End(0))?;
        file.write_all(format!("{start}{lineage}{reason}\n").as_bytes())?;
        file.sync_all()?;
        Ok(true)
    }

    fn write_new(&self, key: &Jwk) -> io::Result<()> {
        let json = key.to_json();
        let content = match &self.passphrase {
            Some(passphrase) => passphrase.protect(json.expose().as_bytes(), protection::JWK),
            None => json,
        };
        let file = self.write_aside(&content)?;
        file.persist_noclobber(self.key_path(&key.kid))?;
        self.sync()
    }

    /// A file of another name, whole and on disk. tempfile makes it 0600, and
    /// removes it again on every early return.
    pub(super) fn write_aside(&self, content: &Secret) -> io::Result<tempfile::NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(ASIDE)
            .tempfile_in(&self.path)?;
        file.write_all(content.expose().as_bytes())?;
        file.write_all(b"\n")?;
        // What root makes in the folder of the service's user must be that user's.
        let (ours, folders) = (file.as_file().metadata()?, fs::metadata(&self.path)?);
        if (ours.uid(), ours.gid()) != (folders.uid(), folders.gid()) {
            // Whoever is not root cannot, and need not.
            let _ = fchown(file.as_file(), Some(folders.uid()), Some(folders.gid()));
        }
        file.as_file().sync_all()?;
        Ok(file)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    pub(super) fn key_path(&self, kid: &str) -> PathBuf {
        self.path.join(format!("{kid}.jwk"))
    }

    pub(super) fn cannot(&self, what: &str, kid: &str, error: &io::Error) -> KeyringError {
        let path = self.key_path(kid);
        KeyringError::one(format!("{} could not be {what}: {error}", path.display()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
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
        let set = keys.load().unwrap();
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

    #[test]
    fn a_lineage_is_revoked_once_on_a_line_of_its_own() {
        let (_temporary, keys) = in_new_folder();
        keys.create_key(UnixTime(5), Duration::ZERO).unwrap();
        let path = keys.path().join(REVOKED);
        fs::write(&path, "first").unwrap();
        assert!(keys.revoke("second", Some("lost\nlaptop")).unwrap());
        assert!(!keys.revoke("second", None).unwrap());
        assert!(!keys.revoke("first", None).unwrap());
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "first\nsecond # lost laptop\n");
    }
}
