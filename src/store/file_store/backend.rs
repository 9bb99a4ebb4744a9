//! File access of the engine.

use std::{
    fmt,
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::StorageBackend;

use super::{fault::FileFault, folder::is_at};

/// A change of a file, before the system is asked for it.
#[derive(Clone, Copy, Debug)]
pub enum DiskCall<'d> {
    /// A new length.
    Resize(u64),
    /// These bytes at an offset.
    Write(u64, &'d [u8]),
    /// Everything written so far must be on the disk: fsync.
    Sync,
}

type BeforeCall = dyn Fn(&File, DiskCall<'_>) -> io::Result<()> + Send + Sync;

/// The disk below the files of a store. A test has one that fails, hangs, or keeps an account
/// of what a power failure would leave.
#[derive(Clone, Default)]
pub struct Disk {
    before_call: Option<Arc<BeforeCall>>,
}

impl Disk {
    /// Makes a disk on which a call is made only if this returns `Ok`.
    pub fn with(
        before_call: impl Fn(&File, DiskCall<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            before_call: Some(Arc::new(before_call)),
        }
    }

    fn before(&self, file: &File, call: DiskCall<'_>) -> io::Result<()> {
        match &self.before_call {
            Some(before_call) => before_call(file, call),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

/// The file of a database, which the folder's lock protects.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    pub(super) file: File,
    /// Path at which the file must still be after each write.
    pub(super) path: PathBuf,
    /// True if written data may not be on disk although it can be read: after a failed
    /// fsync, Linux considers the pages clean.
    pub(super) is_doubtful: Arc<AtomicBool>,
    pub(super) disk: Disk,
}

impl StorageBackend for DatabaseFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// Reserves the space, so that a disk which is full later cannot stop a write into it.
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.before(&self.file, DiskCall::Resize(len))?;
        let before = self.file.metadata()?.len();
        if len > before {
            reserve(&self.file, before, len - before)?;
        }
        self.file.set_len(len)
    }

    fn sync_data(&self, _eventual: bool) -> io::Result<()> {
        let asked = self.disk.before(&self.file, DiskCall::Sync);
        if let Err(error) = asked.and_then(|()| self.file.sync_data()) {
            self.is_doubtful.store(true, Ordering::Relaxed);
            return Err(error);
        }
        // What is written to a deleted file is lost, and no write fails.
        match is_at(&self.file, &self.path) {
            true => Ok(()),
            false => Err(io::Error::other(FileFault::Vanished)),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk
            .before(&self.file, DiskCall::Write(offset, data))?;
        self.file.write_all_at(data, offset)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn reserve(file: &File, offset: u64, len: u64) -> io::Result<()> {
    use rustix::{
        fs::{FallocateFlags, fallocate},
        io::Errno,
    };

    match fallocate(file, FallocateFlags::empty(), offset, len) {
        // The file system cannot reserve.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        result => Ok(result?),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn reserve(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}
