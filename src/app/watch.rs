//! Notices changes of files and folders.

use std::{
    fs::{self, Metadata},
    hash::{DefaultHasher, Hash, Hasher},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use notify::{Config, ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};
use zeroize::Zeroizing;

use super::file_thread::Asker;
use crate::regular_file;

/// Limit of files whose content is compared.
const MAX_COMPARED_BYTES: u64 = 16 * 1024 * 1024;

/// Has the kernel report changes of a folder, which is faster than looking at it. `None`,
/// with a line, if the system allows no more of these reports. Dropping the watcher ends
/// them.
pub(super) fn kernel_notices(folder: &Path, asker: &Asker) -> Option<RecommendedWatcher> {
    let asker = asker.clone();
    // Reads are ignored: loading itself opens and reads the files. An error is a change:
    // loading reports what is wrong.
    let on_change = move |event: notify::Result<notify::Event>| {
        if !event.is_ok_and(|event| event.kind.is_access()) {
            asker.ask();
        }
    };
    let started = RecommendedWatcher::new(on_change, Config::default()).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    if let Err(error) = &started
        && !is_missing(&error.kind)
    {
        tracing::warn!(
            "the system does not report changes of {}, so it is looked at every second: {error}",
            folder.display()
        );
    }
    started.ok()
}

/// True for a folder that may come later. Loading reports it.
fn is_missing(error: &ErrorKind) -> bool {
    match error {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

/// The state of files and folders, links followed: names, contents, owners and modes.
///
/// notify's `PollWatcher` compares neither owners nor modes, and waits for pipes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    /// Reads the state of these paths, and of the files in those that are folders.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut hasher = DefaultHasher::new();
        for path in paths {
            if note(path, &mut hasher).is_some_and(|found| found.is_dir()) {
                for file in files_of(path) {
                    note(&file, &mut hasher);
                }
            }
        }
        Self(hasher.finish())
    }
}

/// Adds one file to the hash. Inode numbers are left out, because some network file systems
/// change them at any time.
fn note(path: &Path, hasher: &mut DefaultHasher) -> Option<Metadata> {
    path.hash(hasher);
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) => {
            error.raw_os_error().hash(hasher);
            return None;
        }
    };
    (found.mode(), found.uid(), found.gid()).hash(hasher);
    if !found.is_dir() {
        (found.size(), found.mtime(), found.mtime_nsec()).hash(hasher);
    }
    // A file system may keep times only to the second.
    if found.is_file() && found.size() <= MAX_COMPARED_BYTES {
        match regular_file::read(path).map(Zeroizing::new) {
            Ok(content) => content.hash(hasher),
            Err(error) => error.raw_os_error().hash(hasher),
        }
    }
    Some(found)
}

/// Returns the files of a folder, sorted. Hidden ones are not loaded either.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_hidden = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    let shown = entries.filter(|entry| !is_hidden(entry));
    let mut files: Vec<PathBuf> = shown.map(|entry| entry.path()).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use std::{
        fs::Permissions,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn every_change_that_matters_changes_the_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let paths = [folder.path().to_owned(), at("missing")];
        let mut seen = Fingerprint::of(&paths);
        let mut changes = |what: &str, expected: bool| {
            let now = Fingerprint::of(&paths);
            assert_eq!(now != seen, expected, "{what}");
            seen = now;
        };
        changes("nothing", false);
        fs::write(at("a"), "one").unwrap();
        changes("a new file", true);
        fs::set_permissions(at("a"), Permissions::from_mode(0o600)).unwrap();
        changes("chmod of a file", true);
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        changes("chmod of the folder", true);
        let time = fs::metadata(at("a")).unwrap().modified().unwrap();
        fs::write(at("a"), "two").unwrap();
        fs::File::options()
            .append(true)
            .open(at("a"))
            .unwrap()
            .set_modified(time)
            .unwrap();
        changes("other content of the same length and time", true);
        symlink(at("a"), at("b")).unwrap();
        changes("a link", true);
        mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        changes("a pipe, which is not waited for", true);
        fs::write(at(".hidden"), "x").unwrap();
        changes("a hidden file", false);
        fs::remove_file(at("a")).unwrap();
        changes("a file that is gone", true);
        fs::write(at("missing"), "x").unwrap();
        changes("a file that has come", true);
        changes("nothing", false);
    }
}
