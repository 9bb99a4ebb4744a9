//! Reading the keys folder.

use std::{collections::HashSet, fs, io, os::unix::fs::PermissionsExt, path::Path};

use super::{
    Jwk, KeySet, KeyringError, Passphrase, ProtectionError,
    jwk::is_kid,
    protection::{is_protected, json_of},
};

pub(super) const REVOKED: &str = "revoked.txt";

/// Reads every `<kid>.jwk` and `revoked.txt`; a missing folder is an empty one.
pub(super) fn load(folder: &Path, passphrase: Option<&Passphrase>) -> Result<KeySet, KeyringError> {
    let mut problems = Vec::new();
    let mut keys = Vec::new();
    let mut protected = HashSet::new();
    let mut locked = Locked::default();
    for name in file_names(folder)? {
        let Some(stem) = name.strip_suffix(".jwk") else {
            continue;
        };
        match load_key(&folder.join(&name), stem, passphrase) {
            Ok((key, is_protected)) => {
                protected.extend(is_protected.then(|| key.kid.clone()));
                keys.push(key);
            }
            Err(Unread::Locked(error)) => locked.add(error, name),
            Err(Unread::Broken(problem)) => problems.push(problem),
        }
    }
    problems.extend(locked.problems(folder));
    let revoked = load_revoked(&folder.join(REVOKED)).unwrap_or_else(|problem| {
        problems.push(problem);
        HashSet::new()
    });
    if problems.is_empty() {
        let mut set = KeySet::new(keys, revoked);
        set.protected = protected;
        Ok(set)
    } else {
        Err(KeyringError { problems })
    }
}

/// The names of the folder's files, sorted, hidden ones left out: those are
/// half-written keys and Kubernetes' own links.
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

/// Why a key's file gives no key.
enum Unread {
    Broken(String),
    /// It lies with the passphrase.
    Locked(ProtectionError),
}

impl From<String> for Unread {
    fn from(problem: String) -> Self {
        Self::Broken(problem)
    }
}

/// The files that the passphrase does not open: one problem, however many they are.
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

/// Reads a key; also returns if its file is protected.
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
    let content = zeroize::Zeroizing::new(fs::read(path).map_err(cannot)?);
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

/// One lineage a line; `#` starts a comment, in whatever encoding: it may be an
/// editor's, or one that a kill cut short.
fn load_revoked(path: &Path) -> Result<HashSet<String>, String> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut revoked = HashSet::new();
    for (index, line) in text.lines().enumerate() {
        let lineage = line.split('#').next().unwrap_or_default().trim();
        if lineage.is_empty() {
            continue;
        }
        if !is_kid(lineage) {
            return Err(format!(
                "{} line {}: not a lineage; write one a line, comments after #",
                path.display(),
                index + 1
            ));
        }
        revoked.insert(lineage.to_owned());
    }
    Ok(revoked)
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
            (
                "revoked.txt",
                "# fine\nabc # reason\nnot a lineage\n",
                0o644,
            ),
            (".new-key-x", "half", 0o600),
        ]);
        let problems = load(folder.path(), None).unwrap_err().problems;
        for (index, hint) in [
            "broken.jwk is not JSON",
            &format!("name the file {}.jwk", good.kid),
            "chmod 600",
            "line 3: not a lineage",
        ]
        .iter()
        .enumerate()
        {
            assert!(problems[index].contains(hint), "{problems:#?}");
        }
        assert_eq!(problems.len(), 4);
    }

    #[test]
    fn revoked_lineages_are_read_with_their_comments() {
        let folder = folder_with(&[("revoked.txt", "# lost laptop\nabc # why\n\n def\n", 0o644)]);
        let set = load(folder.path(), None).unwrap();
        assert!(set.is_revoked("abc") && set.is_revoked("def") && !set.is_revoked("why"));
        fs::write(folder.path().join(REVOKED), b"abc # caf\xe9\nghi # caf\xc3").unwrap();
        let set = load(folder.path(), None).unwrap();
        assert!(set.is_revoked("abc") && set.is_revoked("ghi"));
    }
}
