//! Making keys, and the folder for the first one.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
    time::Duration,
};

use super::{
    Jwk, KeyFolder, KeySet, KeyringError,
    history::{Fate, Held},
    on_disk::{ChangeError, sync_folder},
    protection, replacing,
};
use crate::clock::UnixTime;

/// Number of ids that a new key tries. A collision is very unlikely.
const KID_TRIES: u32 = 8;

impl KeyFolder {
    /// Makes a key with an id that no file of the folder names, and returns it. It seals
    /// after `activate_in`, and is newer than every key that starts to seal in the same
    /// second.
    pub fn create_key(&self, now: UnixTime, activate_in: Duration) -> Result<Jwk, KeyringError> {
        let others = self.load()?;
        self.create(&others, now, activate_in, Vec::new())
    }

    pub(super) fn create(
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
            let written = match self.write_new(&key) {
                Ok(false) => continue,
                Err(ChangeError::NotMade(error)) => return Err(self.not_writable(&error)),
                Ok(true) => Ok(()),
                Err(ChangeError::NotOnDisk(error)) => Err(error),
            };
            // A key without its line in the history is still good: the next `serve` writes
            // the line.
            let _ = self.note_new(&key, now);
            return match written {
                Ok(()) => Ok(key),
                Err(error) => Err(self.made_but_not_safe(&key, &error)),
            };
        }
        Err(KeyringError::one(format!(
            "no key could be written to {}: {KID_TRIES} new ids were taken already",
            self.path().display()
        )))
    }

    fn not_writable(&self, error: &io::Error) -> KeyringError {
        let path = self.path().display();
        if self.path().is_symlink() && !self.path().exists() {
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

    fn made_but_not_safe(&self, key: &Jwk, error: &io::Error) -> KeyringError {
        let closes = match key.replaces.is_empty() {
            true => String::new(),
            false => format!(", {} opens nothing any more", key.replaces.join(", ")),
        };
        KeyringError::one(format!(
            "{} was made and seals from {} on{closes}, but the disk reported an error: {error}. A \
             power cut may take the key away, and with it every AuthID that it seals: copy the \
             file elsewhere now, and look at the disk. Running this again makes another key",
            self.key_path(&key.kid).display(),
            key.nbf
        ))
    }

    /// Makes the folder, and those above it. They are on disk when this returns.
    fn make_folder(&self) -> io::Result<()> {
        let path = std::path::absolute(self.path())?;
        let missing = path.ancestors().take_while(|above| !above.exists());
        let missing: Vec<&Path> = missing.collect();
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(self.path())?;
        let mut above = missing.iter().filter_map(|new| new.parent());
        let synced = above.try_for_each(sync_folder);
        if synced.is_err() {
            // The next attempt makes them again.
            for new in missing {
                let _ = fs::remove_dir(new);
            }
        }
        synced
    }

    /// Writes the file of a new key. Returns `false` if another file has its name.
    pub(super) fn write_new(&self, key: &Jwk) -> Result<bool, ChangeError> {
        let json = key.to_json();
        let content = match &self.passphrase {
            Some(passphrase) => passphrase.protect(json.expose().as_bytes(), protection::JWK),
            None => json,
        };
        let file = self.write_aside(&content)?;
        match file.persist_noclobber(self.key_path(&key.kid)) {
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            persisted => persisted.map_err(io::Error::from)?,
        };
        self.sync().map_err(ChangeError::NotOnDisk)?;
        Ok(true)
    }

    fn note_new(&self, key: &Jwk, now: UnixTime) -> io::Result<()> {
        let mut held = Held::hold(self.path())?;
        held.note_key(&key.kid, Fate::Made, now)?;
        key.replaces
            .iter()
            .try_for_each(|kid| held.note_replaced(kid, &replacing::by(key)))
    }
}
