//! The keys folder on disk.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use super::{Jwk, KeySet, KeyringError, jwk::is_kid};
use crate::clock::UnixTime;

/// Reads every `<kid>.jwk` and `revoked.txt`; a missing folder is an empty one.
pub(super) fn load(folder: &Path) -> Result<KeySet, KeyringError> {
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
    let revoked = load_revoked(&folder.join("revoked.txt")).unwrap_or_else(|problem| {
        problems.push(problem);
        HashSet::new()
    });
    if problems.is_empty() {
        Ok(KeySet::new(keys, revoked))
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

/// One lineage a line; `#` starts a comment.
fn load_revoked(path: &Path) -> Result<HashSet<String>, String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
    };
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

/// Makes a key whose id no file of the folder has yet, and returns that id.
///
/// The file appears whole and readable by its owner alone, or not at all.
pub(super) fn create_key(
    folder: &Path,
    now: UnixTime,
    activate_in: Duration,
) -> Result<String, KeyringError> {
    loop {
        let key = Jwk::generate(now, activate_in);
        match write_key(folder, &key) {
            Ok(()) => return Ok(key.kid),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => {
                return Err(KeyringError::one(format!(
                    "no key could be written to {}: {error}. Make the folder writable for this \
                     user, or give the keys in AUTHSEAL_KEYS: a key that is only in memory would \
                     void every AuthID at the next start",
                    folder.display()
                )));
            }
        }
    }
}

fn write_key(folder: &Path, key: &Jwk) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    // tempfile makes it 0600 and removes it again on every early return.
    let mut file = tempfile::Builder::new()
        .prefix(".new-key-")
        .tempfile_in(folder)?;
    file.write_all(key.to_json().expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist_noclobber(folder.join(format!("{}.jwk", key.kid)))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_new_key_is_private_and_loads() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let kid = create_key(&keys, UnixTime(5), Duration::ZERO).unwrap();
        let set = load(&keys).unwrap();
        assert_eq!(set.sealing(UnixTime(5)).unwrap().kid, kid);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&keys), 0o700);
        assert_eq!(mode(&keys.join(format!("{kid}.jwk"))), 0o600);
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
        let problems = load(folder.path()).unwrap_err().problems;
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
        let set = load(folder.path()).unwrap();
        assert!(set.is_revoked("abc") && set.is_revoked("def") && !set.is_revoked("why"));
    }
}
