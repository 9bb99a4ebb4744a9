//! The folder of a store: its lock, the marks of its past, and the files in it.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
    process::geteuid,
};

use super::{backend::Disk, fault::FileFault};

/// The file with the logins.
const LOGINS: &str = "logins.redb";
/// The same, not whole yet. It takes the place of [`LOGINS`] when it is.
const NEW_LOGINS: &str = "logins.redb.new";
/// Says that there has been a [`LOGINS`].
pub(super) const HISTORY: &str = "store-history.txt";
/// Locked as long as a process uses the folder.
pub(super) const LOCK: &str = "store.lock";
const SOCKET: &str = "store.socket";
/// Name of this machine. In a container it is that of the container.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// Inode, length, and time of the last change of a file.
pub(super) type FileMark = Option<(u64, u64, i64, i64)>;

/// A folder that this process has locked.
#[derive(Debug)]
pub(super) struct LockedFolder {
    path: PathBuf,
    lock: File,
    disk: Disk,
}

impl LockedFolder {
    /// Locks the folder. Makes it if that is allowed and there is none. Writes nothing into
    /// one that is no store if it may not make one.
    pub(super) fn lock(path: &Path, may_create: bool, disk: Disk) -> Result<Self, FileFault> {
        let is_store = || {
            [LOGINS, HISTORY]
                .iter()
                .any(|name| path.join(name).exists())
        };
        match fs::metadata(path) {
            Ok(metadata) => {
                let access = check_access(path, &metadata, "700");
                let is_mine = metadata.uid() == geteuid().as_raw();
                // `chmod 700 /var/lib` would be no remedy.
                if access.is_err() && is_mine && !is_store() && has_files(path) {
                    return Err(of_others(path));
                }
                access?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && may_create => {
                DirBuilder::new().mode(0o700).create(path)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(FileFault::Absent),
            Err(error) => return Err(error.into()),
        }
        if !may_create && !is_store() {
            return Err(FileFault::Absent);
        }
        let lock = open_new(&path.join(LOCK), false)?;
        if !try_lock(&lock)? {
            let holder = holder(lock);
            return Err(FileFault::InUse { holder });
        }
        // It only helps to find this process. A full disk keeps nobody from starting.
        let _ = sign(&lock);
        let folder = Self {
            path: path.to_owned(),
            lock,
            disk,
        };
        for name in [LOGINS, HISTORY] {
            if let Ok(metadata) = fs::metadata(folder.file(name)) {
                check_access(&folder.file(name), &metadata, "600")?;
            }
        }
        Ok(folder)
    }

    /// True if the lock is that of the folder which is there now, and not of one that was
    /// moved away or whose volume is gone.
    pub(super) fn is_in_place(&self) -> bool {
        is_at(&self.lock, &self.file(LOCK))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn logins(&self) -> PathBuf {
        logins_in(&self.path)
    }

    /// Returns something that differs after the file was changed or replaced.
    pub(super) fn mark(&self) -> FileMark {
        let found = fs::metadata(self.logins()).ok()?;
        Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
    }

    /// The disk below its files.
    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(super) fn socket(&self) -> PathBuf {
        socket_in(&self.path)
    }

    /// True if the folder has had logins.
    pub(super) fn has_history(&self) -> bool {
        self.file(HISTORY).exists()
    }

    /// Notes that the folder has logins from now on.
    pub(super) fn write_history(&self, date: &str) -> io::Result<()> {
        let mut file = open_new(&self.file(HISTORY), true)?;
        writeln!(
            file,
            "{date} {LOGINS} was made. While this line is here, authseal makes no other in its place."
        )?;
        file.sync_all()?;
        self.sync()
    }

    /// Opens an empty file for new logins.
    pub(super) fn begin_new_logins(&self) -> io::Result<(File, PathBuf)> {
        let path = self.file(NEW_LOGINS);
        Ok((open_new(&path, true)?, path))
    }

    /// Puts the new logins, which are on disk as a whole, in the place of the others.
    pub(super) fn finish_new_logins(&self) -> io::Result<()> {
        fs::rename(self.file(NEW_LOGINS), self.logins())?;
        self.sync()
    }

    /// Deletes new logins that were not finished.
    pub(super) fn drop_new_logins(&self) {
        let _ = fs::remove_file(self.file(NEW_LOGINS));
    }

    /// Makes names in the folder durable.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// Locks a file until it is closed. Returns `false` if another process has it locked.
pub(super) fn try_lock(file: &File) -> Result<bool, FileFault> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(Errno::NOLCK | Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Err(FileFault::NoLocks),
        Err(error) => Err(io::Error::from(error).into()),
    }
}

/// Returns the path of the socket by which commands reach the server that has the lock.
pub(super) fn socket_in(folder: &Path) -> PathBuf {
    folder.join(SOCKET)
}

/// Returns the path of the file with the logins.
pub(super) fn logins_in(folder: &Path) -> PathBuf {
    folder.join(LOGINS)
}

/// True if the open file is the one at this path.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let open = file.metadata().map(identity);
    let found = fs::metadata(path).map(identity);
    matches!((open, found), (Ok(open), Ok(found)) if open == found)
}

/// Opens a file that only its owner may read.
fn open_new(path: &Path, truncate: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(truncate)
        .mode(0o600)
        .open(path)
}

fn check_access(path: &Path, metadata: &Metadata, right_mode: &str) -> Result<(), FileFault> {
    let (owner, me) = (metadata.uid(), geteuid().as_raw());
    let mode = metadata.mode() & 0o7777;
    let path = path.display();
    let problem = if owner != me && me == 0 {
        format!("{path} belongs to user {owner}; run this as that user: sudo -u '#{owner}' ...")
    } else if owner != me {
        format!("{path} belongs to user {owner}, and this is user {me}; run: chown {me} '{path}'")
    } else if mode & 0o077 != 0 {
        format!("others may use {path} (mode {mode:04o}); run: chmod {right_mode} '{path}'")
    } else {
        return Ok(());
    };
    Err(FileFault::Exposed { problem })
}

fn has_files(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
}

fn of_others(folder: &Path) -> FileFault {
    let own = folder.join("authseal");
    let (folder, own) = (folder.display(), own.display());
    FileFault::Exposed {
        problem: format!(
            "others may use {folder}, and it has other files; use a folder of its own, such as {own}"
        ),
    }
}

fn sign(mut lock: &File) -> io::Result<()> {
    let host = fs::read_to_string(HOST_NAME).unwrap_or_default();
    let process = std::process::id();
    lock.set_len(0)?;
    match host.trim() {
        "" => writeln!(lock, "process {process}"),
        host => writeln!(lock, "process {process} on {host}"),
    }
}

fn holder(mut lock: File) -> String {
    let mut text = String::new();
    let _ = lock.read_to_string(&mut text);
    match text.trim() {
        "" => "a process that has not written its number".to_owned(),
        holder => holder.to_owned(),
    }
}
