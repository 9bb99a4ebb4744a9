//! File access of the engine.

use std::{
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

/// The file of a database, which the folder's lock protects.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    pub(super) file: File,
    /// Path at which the file must still be after each write.
    pub(super) path: PathBuf,
    /// True if written data may not be on disk although it can be read: after a failed
    /// fsync, Linux considers the pages clean.
    pub(super) is_doubtful: Arc<AtomicBool>,
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
        let before = self.file.metadata()?.len();
        if len > before {
            reserve(&self.file, before, len - before)?;
        }
        self.file.set_len(len)
    }

    fn sync_data(&self, _eventual: bool) -> io::Result<()> {
        if let Err(error) = self.file.sync_data() {
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
