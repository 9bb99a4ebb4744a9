//! Rules for what commands write into the keys folder: it is on disk before a command says
//! that it is done, and the server's user can read it.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt, fchown},
    path::Path,
};

use rustix::process::geteuid;

use super::KeyringError;

/// A change of the folder that failed.
#[derive(Debug)]
pub(super) enum ChangeError {
    /// Nothing was changed.
    NotMade(io::Error),
    /// The change is made, and servers follow it, but it may not be on disk.
    NotOnDisk(io::Error),
}

impl From<io::Error> for ChangeError {
    fn from(error: io::Error) -> Self {
        Self::NotMade(error)
    }
}

impl ChangeError {
    /// Returns the error for the user. `failed` says what could not be done, `made` what is
    /// so all the same.
    pub(super) fn told(self, failed: &str, made: &str) -> KeyringError {
        KeyringError::one(match self {
            Self::NotMade(error) => format!("{failed}: {error}"),
            Self::NotOnDisk(error) => format!(
                "{made}, and servers follow that, but the disk reported an error: {error}. A power \
                 cut may take it back: run the same command again"
            ),
        })
    }
}

/// Has the entries of a folder on disk: which files it has, under which names.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Has the content of a file and its entry in the folder on disk; a missing file is none.
pub(super) fn sync_file(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    path.parent().map_or(Ok(()), sync_folder)
}

/// User and group that must be able to read the files of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KeysOwner {
    uid: u32,
    gid: u32,
}

impl KeysOwner {
    /// Returns the owner of the folder; or, if no key file belongs to that user, the owner of
    /// the key files, because a key file can be read by its owner alone.
    fn of(folder: &Path) -> io::Result<Self> {
        let owner = |metadata: fs::Metadata| Self {
            uid: metadata.uid(),
            gid: metadata.gid(),
        };
        let folders = owner(fs::metadata(folder)?);
        let entries = fs::read_dir(folder)?.flatten();
        let keys = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jwk"));
        let keys: Vec<Self> = keys
            .filter_map(|path| fs::metadata(path).ok().map(owner))
            .collect();
        Ok(match keys.first() {
            Some(first) if keys.iter().all(|key| key.uid != folders.uid) => *first,
            _ => folders,
        })
    }
}

/// Gives a new file to the user that the server of this folder runs as. Fails if root
/// cannot do that, as in a container without CAP_CHOWN. Other users need not.
pub(super) fn give_to_reader(folder: &Path, file: &File) -> io::Result<()> {
    let reader = KeysOwner::of(folder)?;
    let ours = file.metadata()?;
    if (ours.uid(), ours.gid()) == (reader.uid, reader.gid) {
        return Ok(());
    }
    match fchown(file, Some(reader.uid), Some(reader.gid)) {
        Err(_) if ours.uid() != reader.uid && geteuid().is_root() => Err(unreadable(reader)),
        _ => Ok(()),
    }
}

/// Gives a new file to the user that the server runs as; fails if it stays another user's,
/// who alone could read it.
pub(super) fn give_to_reader_alone(folder: &Path, file: &File) -> io::Result<()> {
    give_to_reader(folder, file)?;
    let reader = KeysOwner::of(folder)?;
    // Root reads everything.
    let can_read = reader.uid == 0 || file.metadata()?.uid() == reader.uid;
    if can_read {
        Ok(())
    } else {
        Err(unreadable(reader))
    }
}

fn unreadable(reader: KeysOwner) -> io::Error {
    io::Error::other(format!(
        "the keys belong to user {}, who could not read it then: run this command as that user",
        reader.uid
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    #[test]
    fn the_owner_of_the_keys_reads_a_folder_of_somebody_else() {
        let folder = tempfile::tempdir().unwrap();
        let uid = |path: &Path| fs::metadata(path).unwrap().uid();
        let us = uid(folder.path());
        let check = |expected| assert_eq!(KeysOwner::of(folder.path()).unwrap().uid, expected);
        check(us);
        let key = folder.path().join("abc.jwk");
        fs::write(&key, "").unwrap();
        check(us);
        // Only root can give a file away.
        if chown(&key, Some(12_345), None).is_ok() {
            check(12_345);
            fs::write(folder.path().join("def.jwk"), "").unwrap();
            check(us);
        }
    }
}
