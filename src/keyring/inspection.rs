//! Inspection of the keys folder for `check`: finds problems that `serve` would meet
//! later.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use rustix::{
    fs::{StatVfs, StatVfsMountFlags, statvfs},
    process::geteuid,
};

use super::{
    KeyFolder,
    folder::REVOKED,
    history::{HISTORY, History},
};

/// Minimum free space in bytes. Keys and `revoked.txt` need far less.
const ROOM_BYTES: u64 = 1024 * 1024;

/// Findings about the folder itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Properties of the folder, one line each.
    pub facts: Vec<String>,
    /// Problems, one sentence each, with the remedy.
    pub problems: Vec<String>,
}

impl KeyFolder {
    /// Inspects the folder. `needs_key` is true if `serve` would make its first key
    /// there.
    pub fn inspect(&self, needs_key: bool) -> Inspection {
        let mut found = Inspection::default();
        let path = self.path();
        if let Ok(target) = fs::read_link(path) {
            found.facts.push(format!("a link to {}", target.display()));
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => found.look_into(path, &metadata, needs_key),
            Ok(_) => found.problem(format!("{} is a file, not a folder", path.display())),
            Err(_) if fs::symlink_metadata(path).is_ok() => found.problem(format!(
                "{} is a link to nowhere: mount or make what it leads to",
                path.display()
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => found.look_above(path),
            Err(error) => found.problem(format!("{} cannot be read: {error}", path.display())),
        }
        found
    }
}

impl Inspection {
    fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Checks that a folder that does not exist yet can be made.
    fn look_above(&mut self, path: &Path) {
        self.facts.push("does not exist yet".to_owned());
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let Some(above) = path.ancestors().find(|above| above.exists()) else {
            return;
        };
        if let Err(error) = tempfile::tempdir_in(above) {
            self.problem(format!(
                "{} cannot be made: {error}. Make it, for the user that the server runs as",
                path.display()
            ));
        }
    }

    fn look_into(&mut self, path: &Path, metadata: &Metadata, needs_key: bool) {
        let (owner, me) = (metadata.uid(), geteuid().as_raw());
        let mode = metadata.permissions().mode() & 0o7777;
        self.facts.push(format!("mode {mode:04o}, of user {owner}"));
        if me != owner {
            self.facts.push(format!(
                "this is user {me}: what user {owner} may do there is not tried"
            ));
        }
        let volume = statvfs(path).ok();
        let is_read_only = volume
            .as_ref()
            .is_some_and(|volume| volume.f_flag.contains(StatVfsMountFlags::RDONLY));
        if mode & 0o022 != 0 && !is_read_only {
            self.problem(format!(
                "others can write to {0} (mode {mode:04o}), and so remove keys and revocations; \
                 run: chmod 700 '{0}'",
                path.display()
            ));
        }
        self.try_to_write(path, needs_key);
        if let Some(volume) = volume.filter(|_| !is_read_only) {
            self.look_at_room(path, &volume);
        }
        self.look_at_files(path, owner);
        if let Ok(history) = History::read(path) {
            self.facts.push(match history.fates.len() {
                0 if path.join(HISTORY).exists() => format!("{HISTORY} knows no key"),
                0 => format!("no {HISTORY} yet: serve and keys new write it"),
                count => format!("{HISTORY} knows {count} of its keys"),
            });
        }
    }

    fn try_to_write(&mut self, path: &Path, needs_key: bool) {
        match tempfile::tempfile_in(path) {
            Ok(_) => self.facts.push("writable".to_owned()),
            Err(error) if needs_key => self.problem(format!(
                "serve could not write its first key to {}: {error}. Make the folder writable for \
                 this user, or put a key there",
                path.display()
            )),
            Err(error) => self.facts.push(format!("not writable here: {error}")),
        }
    }

    fn look_at_room(&mut self, path: &Path, volume: &StatVfs) {
        let free = volume.f_bavail.saturating_mul(volume.f_frsize);
        self.facts.push(format!("{} MiB free", free / 1024 / 1024));
        if free < ROOM_BYTES {
            self.problem(format!(
                "the volume of {} has {free} bytes left: make room, or no key and no revocation \
                 can be written",
                path.display()
            ));
        }
        // Some file systems make inodes when they need them, and report 0 of 0.
        if volume.f_files > 0 && volume.f_favail == 0 {
            self.problem(format!(
                "the volume of {} has no room for another file (inodes)",
                path.display()
            ));
        }
    }

    /// Finds files that another user wrote, and broken links.
    fn look_at_files(&mut self, path: &Path, owner: u32) {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.ends_with(".jwk") || [REVOKED, HISTORY].contains(&name.as_str()))
            .collect();
        names.sort();
        for name in names {
            let file = path.join(&name);
            match fs::metadata(&file) {
                Ok(metadata) => {
                    let only_its_owner = metadata.permissions().mode() & 0o004 == 0;
                    if metadata.uid() != owner && only_its_owner {
                        self.problem(format!(
                            "{0} belongs to user {1}, and the folder to user {owner}, who may not \
                             be able to read it; run: chown {owner} '{0}'",
                            file.display(),
                            metadata.uid()
                        ));
                    }
                }
                // The loader reports a key that can't be read.
                Err(_) if name.ends_with(".jwk") => {}
                Err(error) => self.problem(format!("{} cannot be read: {error}", file.display())),
            }
        }
    }
}
