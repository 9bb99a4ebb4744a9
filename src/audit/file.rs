//! The file of an audit log, to which a server and commands append.
//!
//! A second file beside it (`.chain`) is the lock, and has number and hash of the last line. It
//! stays where it is when the log is rotated, so that the chain goes on in the next file, and a
//! log whose end was cut off is noticed at the next line.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, OFlags, access};

use super::{AuditEvent, appending::Appending, chain::Link};
use crate::{file_lock, regular_file};

/// An audit log in a file. Nothing is open between two changes, so that a file that was
/// renamed is left alone.
#[derive(Clone, Debug)]
pub struct AuditFile {
    path: PathBuf,
}

impl AuditFile {
    /// Names the file at `path`, which need not exist yet.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn state_path(&self) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(".chain");
        path.into()
    }

    /// Fails if lines could not be appended: for the rights, a read-only file system, or a file
    /// that is no audit log. Makes no file.
    pub(crate) fn check(&self) -> io::Result<()> {
        for path in [&self.path, &self.state_path()] {
            match open(path, OpenOptions::new().read(true).append(true)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    can_make_files(folder_of(path))?;
                }
                opened if *path == self.path => {
                    Appending::after(&opened?, self.last_written())?;
                }
                opened => drop(opened?),
            }
        }
        Ok(())
    }

    /// Appends a line for each event. They are on disk when this returns; after an error none of
    /// them is in the file. Waits while another process appends.
    pub(crate) fn append(&self, events: &[AuditEvent]) -> io::Result<()> {
        let state = self.hold()?;
        let (log, is_new) = open_or_make(&self.path, OpenOptions::new().read(true).append(true))?;
        let appending = Appending::after(&log, read_state(&state))?;
        let last = appending.write(&log, events)?;
        if is_new {
            // The name of the file is on disk as well. The lines are, in any case.
            let _ = File::open(folder_of(&self.path)).and_then(|folder| folder.sync_all());
        }
        // Where this fails, the log itself says what its last line is.
        let _ = state
            .write_all_at(last.to_state().as_bytes(), 0)
            .and_then(|()| state.sync_data());
        Ok(())
    }

    /// Locks the log, and returns the file beside it.
    fn hold(&self) -> io::Result<File> {
        let path = self.state_path();
        loop {
            let (state, _) = open_or_make(&path, OpenOptions::new().read(true).write(true))?;
            file_lock::lock(&state, &path)?;
            // Somebody may have removed it meanwhile, and another process have made a new one.
            let held = state.metadata()?;
            let is_there = fs::symlink_metadata(&path)
                .is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino()));
            if is_there {
                return Ok(state);
            }
        }
    }

    /// Returns number and hash of the last line that was written, by the file beside the log.
    pub(crate) fn last_written(&self) -> Option<Link> {
        read_state(&open(&self.state_path(), OpenOptions::new().read(true)).ok()?)
    }
}

fn read_state(state: &File) -> Option<Link> {
    let mut bytes = [0; Link::STATE_BYTES];
    state.read_exact_at(&mut bytes, 0).ok()?;
    Link::of_state(&bytes)
}

/// Fails if this user could not make a file in the folder.
fn can_make_files(folder: &Path) -> io::Result<()> {
    let shown = folder.display();
    if !folder.is_dir() {
        return Err(io::Error::other(format!(
            "there is no folder {shown}: make it"
        )));
    }
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
        let error = io::Error::from(error);
        io::Error::new(
            error.kind(),
            format!("no file can be made in {shown}: {error}"),
        )
    })
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Opens a regular file. A link is refused: root runs commands in a folder that may belong to
/// another user, who could have them write anywhere.
fn open(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = options
        .clone()
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let is_link = || fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    match opened {
        Err(_) if is_link() => Err(io::Error::other(format!(
            "{} is a link: name the file itself",
            path.display()
        ))),
        opened => {
            let file = opened?;
            regular_file::refuse_others(&file)?;
            Ok(file)
        }
    }
}

/// Opens a file, or makes it for its owner alone. A file that root makes belongs to the owner of
/// the folder, as whom the server runs. Returns true if it is new.
fn open_or_make(path: &Path, options: &OpenOptions) -> io::Result<(File, bool)> {
    loop {
        match open(path, options) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map(|file| (file, false)),
        }
        match open(path, options.clone().create_new(true).mode(0o600)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                let file = made?;
                let folder = fs::metadata(folder_of(path))?;
                if folder.uid() != file.metadata()?.uid() {
                    // Only root can do that; nobody else has to.
                    let _ = fchown(&file, Some(folder.uid()), Some(folder.gid()));
                }
                return Ok((file, true));
            }
        }
    }
}
