//! Conversion of a keys folder, file by file: from plain keys to encrypted ones and back.
//!
//! At every moment each file is either the old or the new one, whole, and a server with
//! the passphrase reads both kinds. So nothing needs repair after a kill: run the command
//! again and it does the rest.

use std::{fs, io, path::Path, time::Duration};

use zeroize::Zeroizing;

use super::{
    KeyFolder, KeyringError, Passphrase,
    admin::ASIDE,
    folder::file_names,
    history::Held,
    on_disk::ChangeError,
    protection::{self, is_protected, json_of},
};
use crate::{clock::UnixTime, regular_file, secret::Secret};

/// Age at which an unfinished file counts as left behind by a killed command.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(60);

impl KeyFolder {
    /// Encrypts every plain key under the passphrase, and returns the ids. Deletes
    /// unfinished files of killed commands, because they may hold unencrypted keys.
    pub fn protect_keys(&self, now: UnixTime) -> Result<Vec<String>, KeyringError> {
        let passphrase = self.needed_passphrase()?;
        let protected = self.rewrite(false, |json| passphrase.protect(json, protection::JWK))?;
        let removed = remove_left_behind(self.path(), now).and_then(|()| self.sync());
        removed.map_err(|error| {
            KeyringError::one(format!(
                "the keys are protected, but unfinished files ({ASIDE}...), which may hold keys \
                 in clear, could not be removed from {}: {error}",
                self.path().display()
            ))
        })?;
        Ok(protected)
    }

    /// Decrypts every encrypted key, and returns the ids.
    pub fn unprotect_keys(&self) -> Result<Vec<String>, KeyringError> {
        self.needed_passphrase()?;
        self.rewrite(true, |json| Secret::new(String::from_utf8_lossy(json)))
    }

    fn needed_passphrase(&self) -> Result<&Passphrase, KeyringError> {
        self.passphrase.as_ref().ok_or_else(|| {
            KeyringError::one(
                "no passphrase is set: give it in AUTHSEAL_KEYS_PASSPHRASE or \
                 AUTHSEAL_KEYS_PASSPHRASE_FILE",
            )
        })
    }

    /// Converts the files of one kind to the other, and returns the ids of their keys.
    fn rewrite(
        &self,
        from_protected: bool,
        convert: impl Fn(&[u8]) -> Secret,
    ) -> Result<Vec<String>, KeyringError> {
        // All problems are reported before anything is changed.
        let keys = self.load()?;
        self.refuse_links()?;
        let mut rewritten = Vec::new();
        for key in keys.iter() {
            match self.rewrite_one(&key.kid, from_protected, &convert) {
                Ok(true) => rewritten.push(key.kid.clone()),
                Ok(false) => {}
                Err(error) => {
                    // The files that are rewritten stay so.
                    let _ = self.sync();
                    return Err(self.cannot_rewrite(&key.kid, &rewritten, error));
                }
            }
        }
        let made = format!("the keys in {} are rewritten", self.path().display());
        self.sync()
            .map_err(|error| ChangeError::NotOnDisk(error).told("", &made))?;
        Ok(rewritten)
    }

    fn cannot_rewrite(&self, kid: &str, rewritten: &[String], error: io::Error) -> KeyringError {
        let mut error = self.cannot(error.into(), "rewritten", kid);
        if !rewritten.is_empty() {
            error.problems.push(format!(
                "Rewritten before that: {}. Running this again does the rest",
                rewritten.join(", ")
            ));
        }
        error
    }

    fn rewrite_one(
        &self,
        kid: &str,
        from_protected: bool,
        convert: &impl Fn(&[u8]) -> Secret,
    ) -> io::Result<bool> {
        let _held = Held::hold(self.path())?;
        let path = self.key_path(kid);
        let before = Zeroizing::new(regular_file::read(&path)?);
        if is_protected(&before) != from_protected {
            return Ok(false);
        }
        let json = json_of(before.clone(), self.passphrase.as_ref()).map_err(io::Error::other)?;
        let file = self.write_aside(&convert(json.trim_ascii()))?;
        // Stop if another command has changed the file in the meantime, such as by
        // retiring the key.
        if *regular_file::read(&path)? != **before {
            return Err(io::Error::other(
                "another command changed it; run this again",
            ));
        }
        file.persist(&path)?;
        Ok(true)
    }

    /// Refuses key files that are links: the target would stay as it is, and the folder
    /// would get a copy.
    fn refuse_links(&self) -> Result<(), KeyringError> {
        let names = file_names(self.path())?;
        let mut links = names
            .iter()
            .map(|name| self.path().join(name))
            .filter(|path| path.extension().is_some_and(|ext| ext == "jwk") && path.is_symlink());
        match links.next() {
            None => Ok(()),
            Some(link) => Err(KeyringError::one(format!(
                "{} is a link, and nothing was rewritten: run this on the folder that it leads to",
                link.display()
            ))),
        }
    }
}

fn remove_left_behind(folder: &Path, now: UnixTime) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_aside = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(ASIDE.as_bytes());
        if !is_aside {
            continue;
        }
        let changed = UnixTime::from(entry.metadata()?.modified()?);
        if now.since(changed) >= LEFT_BEHIND_AFTER {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs::File, os::unix::fs::symlink, time::UNIX_EPOCH};

    use super::*;

    fn folder_with_two_keys() -> (tempfile::TempDir, KeyFolder) {
        let temporary = tempfile::tempdir().unwrap();
        let plain = KeyFolder::new(temporary.path());
        for _ in 0..2 {
            plain.create_key(UnixTime(5), Duration::ZERO).unwrap();
        }
        let passphrase = Passphrase::new(Secret::new("correct horse"));
        let keys = plain.protected_by(Some(passphrase));
        (temporary, keys)
    }

    #[test]
    fn protecting_and_taking_it_back_changes_no_key_and_no_file_of_another_kind() {
        let (temporary, keys) = folder_with_two_keys();
        let before = keys.load().unwrap();
        let first = before.iter().next().unwrap().kid.clone();
        assert_eq!(keys.protect_keys(UnixTime(5)).unwrap().len(), 2);
        assert!(keys.protect_keys(UnixTime(5)).unwrap().is_empty());
        let protected = keys.load().unwrap();
        assert!(protected.is_like(&before) && protected.is_protected(&first));
        assert!(KeyFolder::new(temporary.path()).load().is_err());

        // Retired, it stays protected.
        keys.retire_key(&first, Some(UnixTime(9))).unwrap();
        assert!(is_protected(&fs::read(keys.key_path(&first)).unwrap()));
        keys.retire_key(&first, None).unwrap();
        assert_eq!(keys.unprotect_keys().unwrap().len(), 2);
        let plain = KeyFolder::new(temporary.path()).load().unwrap();
        assert!(plain.is_like(&before) && !plain.is_protected(&first));
    }

    #[test]
    fn what_a_killed_command_left_is_removed_once_it_is_old() {
        let (temporary, keys) = folder_with_two_keys();
        let path = temporary.path().join(".new-key-x");
        let then = UNIX_EPOCH + Duration::from_secs(1_000);
        File::create(&path).unwrap().set_modified(then).unwrap();
        keys.protect_keys(UnixTime(1_050)).unwrap();
        assert!(path.exists(), "it may be another command's");
        keys.protect_keys(UnixTime(1_061)).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_link_is_refused_before_anything_is_rewritten() {
        let (temporary, keys) = folder_with_two_keys();
        let kid = keys.load().unwrap().iter().next().unwrap().kid.clone();
        let elsewhere = temporary.path().join("elsewhere");
        fs::rename(keys.key_path(&kid), &elsewhere).unwrap();
        symlink(&elsewhere, keys.key_path(&kid)).unwrap();
        let error = keys.protect_keys(UnixTime(5)).unwrap_err().to_string();
        assert!(error.contains("is a link"), "{error}");
        let set = keys.load().unwrap();
        assert!(set.iter().all(|key| !set.is_protected(&key.kid)));
    }
}
