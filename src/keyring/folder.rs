//! Reading the keys folder.

use std::{collections::HashSet, fs, io, os::unix::fs::PermissionsExt, path::Path};

use super::{
    Jwk, KeySet, KeyringError, Passphrase, ProtectionError,
    history::{History, read_if_there},
    protection::{is_protected, json_of},
    revocations::Lines,
};
use crate::regular_file;

pub(super) const REVOKED: &str = "revoked.txt";

/// Result of one load of the folder. Keys, history and revocations are read
/// independently.
#[derive(Debug)]
pub(super) struct FolderContents {
    pub(super) keys: Result<KeyFiles, KeyringError>,
    pub(super) history: io::Result<History>,
    /// Lines of `revoked.txt`; `None` if there is no such file.
    pub(super) revoked: io::Result<Option<Lines>>,
}

/// The keys of the folder.
#[derive(Debug, Default)]
pub(super) struct KeyFiles {
    pub(super) keys: Vec<Jwk>,
    /// Ids of the keys whose files are encrypted.
    pub(super) protected: HashSet<String>,
}

/// Reads keys, revocations and history of the folder.
pub(super) fn look(folder: &Path, passphrase: Option<&Passphrase>) -> FolderContents {
    // The history is read last: `keys remove` writes there before it deletes a key's
    // file.
    let keys = load_keys(folder, passphrase);
    let revoked = read_if_there(&folder.join(REVOKED));
    FolderContents {
        keys,
        revoked: revoked.map(|bytes| bytes.map(|bytes| Lines::parse(&bytes))),
        history: History::read(folder),
    }
}

/// Reads only the keys, for a change of the folder.
pub(super) fn load(folder: &Path, passphrase: Option<&Passphrase>) -> Result<KeySet, KeyringError> {
    let files = load_keys(folder, passphrase)?;
    let mut set = KeySet::new(files.keys);
    set.protected = files.protected;
    Ok(set)
}

/// Reads every `<kid>.jwk`. A missing folder counts as empty.
pub(super) fn load_keys(
    folder: &Path,
    passphrase: Option<&Passphrase>,
) -> Result<KeyFiles, KeyringError> {
    let mut problems = Vec::new();
    let mut files = KeyFiles::default();
    let mut locked = Locked::default();
    for name in file_names(folder)? {
        let Some(stem) = name.strip_suffix(".jwk") else {
            continue;
        };
        match load_key(&folder.join(&name), stem, passphrase) {
            Ok((key, is_protected)) => {
                let kid = is_protected.then(|| key.kid.clone());
                files.protected.extend(kid);
                files.keys.push(key);
            }
            Err(Unread::Locked(error)) => locked.add(error, name),
            Err(Unread::Broken(problem)) => problems.push(problem),
        }
    }
    if let Some(passphrase) = passphrase {
        passphrase.forget_unused();
    }
    problems.extend(locked.problems(folder));
    if problems.is_empty() {
        Ok(files)
    } else {
        Err(KeyringError { problems })
    }
}

/// Returns the names of the folder's files, sorted. Hidden files are left out: they are
/// half-written keys and the links that Kubernetes makes.
pub(super) fn file_names(folder: &Path) -> Result<Vec<String>, KeyringError> {
    let cannot = |error: io::Error| {
        KeyringError::one(format!(
            "the keys folder {} cannot be read: {error}",
            folder.display()
        ))
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(cannot)?.file_name();
        match name.to_str() {
            Some(name) if !name.starts_with('.') => names.push(name.to_owned()),
            _ => {}
        }
    }
    names.sort();
    Ok(names)
}

/// Reasons why a file gives no key.
enum Unread {
    Broken(String),
    /// The passphrase is missing or wrong.
    Locked(ProtectionError),
}

impl From<String> for Unread {
    fn from(problem: String) -> Self {
        Self::Broken(problem)
    }
}

/// Files that the passphrase does not open, reported as one problem however many they
/// are.
#[derive(Default)]
struct Locked {
    without: Vec<String>,
    wrong: Vec<String>,
}

impl Locked {
    fn add(&mut self, error: ProtectionError, name: String) {
        match error {
            ProtectionError::NoPassphrase => self.without.push(name),
            _ => self.wrong.push(name),
        }
    }

    fn problems(self, folder: &Path) -> impl Iterator<Item = String> {
        let said = move |names: Vec<String>, error: ProtectionError| {
            let what = match &names[..] {
                [] => return None,
                [name] => folder.join(name).display().to_string(),
                names => format!("each of {} in {}", names.join(", "), folder.display()),
            };
            Some(format!("{what} {error}"))
        };
        let without = said(self.without, ProtectionError::NoPassphrase);
        let wrong = said(self.wrong, ProtectionError::WrongPassphrase);
        without.into_iter().chain(wrong)
    }
}

/// Reads a key; the `bool` is true if its file is encrypted.
fn load_key(
    path: &Path,
    stem: &str,
    passphrase: Option<&Passphrase>,
) -> Result<(Jwk, bool), Unread> {
    let shown = path.display();
    let cannot = |error: io::Error| format!("{shown} cannot be read: {error}");
    let mode = fs::metadata(path).map_err(cannot)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!(
            "{shown} can be read by others (mode {:04o}); run: chmod 600 '{shown}'",
            mode & 0o7777
        )
        .into());
    }
    let content = zeroize::Zeroizing::new(regular_file::read(path).map_err(cannot)?);
    let is_protected = is_protected(&content);
    let json = json_of(content, passphrase).map_err(|error| match error {
        ProtectionError::Form(_) => Unread::Broken(format!("{shown} {error}")),
        error => Unread::Locked(error),
    })?;
    let key = Jwk::parse(&json).map_err(|error| format!("{shown} {error}"))?;
    if key.kid != stem {
        return Err(format!(
            "{shown} holds the key \"{}\"; name the file {}.jwk",
            key.kid, key.kid
        )
        .into());
    }
    Ok((key, is_protected))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::UnixTime;

    fn folder_with(files: &[(&str, &str, u32)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content, mode) in files {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        folder
    }

    #[test]
    fn every_broken_file_is_named_with_what_mends_it() {
        let good = Jwk::generate(UnixTime(0), Duration::ZERO);
        let json = good.to_json();
        let folder = folder_with(&[
            ("open.jwk", json.expose(), 0o644),
            ("broken.jwk", "{\"kty\":", 0o600),
            ("misnamed.jwk", json.expose(), 0o600),
            (".new-key-x", "half", 0o600),
        ]);
        let problems = load(folder.path(), None).unwrap_err().problems;
        for (index, hint) in [
            "broken.jwk is not JSON",
            &format!("name the file {}.jwk", good.kid),
            "chmod 600",
        ]
        .iter()
        .enumerate()
        {
            assert!(problems[index].contains(hint), "{problems:#?}");
        }
        assert_eq!(problems.len(), 3);
    }
}
