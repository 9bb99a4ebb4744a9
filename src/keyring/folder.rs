//! Reading the keys folder.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

use super::{
    Jwk, KeySet, KeyringError,
    history::{History, read_if_there},
    revocations::Lines,
};

pub(super) const REVOKED: &str = "revoked.txt";

/// What one look at the folder found. Each is read apart from the others.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) keys: Result<Vec<Jwk>, KeyringError>,
    pub(super) history: io::Result<History>,
    /// `None` if there is no file.
    pub(super) revoked: io::Result<Option<Lines>>,
}

/// Looks at the folder.
pub(super) fn look(folder: &Path) -> Found {
    // The history last: what was removed on purpose stands there before its file is gone.
    let keys = load_keys(folder);
    let revoked = read_if_there(&folder.join(REVOKED));
    Found {
        keys,
        revoked: revoked.map(|bytes| bytes.map(|bytes| Lines::parse(&bytes))),
        history: History::read(folder),
    }
}

/// The keys alone, for a change of the folder.
pub(super) fn load(folder: &Path) -> Result<KeySet, KeyringError> {
    load_keys(folder).map(KeySet::new)
}

/// Reads every `<kid>.jwk`; a missing folder is an empty one.
fn load_keys(folder: &Path) -> Result<Vec<Jwk>, KeyringError> {
    let mut problems = Vec::new();
    let mut keys = Vec::new();
    for name in file_names(folder)? {
        let Some(stem) = name.strip_suffix(".jwk") else {
            continue;
        };
        match load_key(&folder.join(&name), stem) {
            Ok(key) => keys.push(key),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(keys)
    } else {
        Err(KeyringError { problems })
    }
}

/// The names of the folder's files, sorted, hidden ones left out: those are
/// half-written keys and Kubernetes' own links.
fn file_names(folder: &Path) -> Result<Vec<String>, KeyringError> {
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

fn load_key(path: &Path, stem: &str) -> Result<Jwk, String> {
    let shown = path.display();
    let cannot = |error: io::Error| format!("{shown} cannot be read: {error}");
    let mode = fs::metadata(path).map_err(cannot)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!(
            "{shown} can be read by others (mode {:04o}); run: chmod 600 '{shown}'",
            mode & 0o7777
        ));
    }
    let json = zeroize::Zeroizing::new(fs::read(path).map_err(cannot)?);
    let key = Jwk::parse(&json).map_err(|error| format!("{shown} {error}"))?;
    if key.kid != stem {
        return Err(format!(
            "{shown} holds the key \"{}\"; name the file {}.jwk",
            key.kid, key.kid
        ));
    }
    Ok(key)
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
        let problems = load(folder.path()).unwrap_err().problems;
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
