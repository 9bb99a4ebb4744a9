//! The file with the logins: tables of the engine, and what is done with them.

use std::{
    fs::{File, OpenOptions},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{
    Builder, Database, ReadOnlyTable, ReadTransaction, ReadableTable as _, TableDefinition,
    TableError, WriteTransaction,
};

use super::{
    backend::{DatabaseFile, Disk},
    compaction::write_new,
    fault::{EngineError, FileFault},
    folder::{HISTORY, LOCK, LockedFolder, try_lock},
    request::{Change, StoredLogin},
};
use crate::{
    clock::UnixTime,
    secret::Secret,
    store::{Entry, NEWS_LIFETIME, Name, News, StoreTime},
};

/// Version of the tables below. It is raised when an older authseal cannot use them.
pub(super) const FORMAT: u64 = 1;

pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
pub(super) const FORMAT_KEY: &str = "format";
/// From a login's name to its expiry, in milliseconds since the epoch, and its sealed state.
pub(super) const LOGINS: TableDefinition<'_, &[u8; 32], (u64, &str)> =
    TableDefinition::new("logins");
/// Names of the logins whose refresh token was sent and whose new one is not stored yet,
/// with the time.
pub(super) const SENT: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("sent");
/// Names of the logins that were revoked at the provider, with the time.
pub(super) const REVOKED: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("revoked");
/// Ids of the providers that replace tokens against their table.
pub(super) const ROTATING: TableDefinition<'_, &str, ()> = TableDefinition::new("rotating");

/// Memory for pages of the file.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// An open file with logins.
pub(super) struct LoginFile {
    /// `None` only while it is dropped.
    engine: Option<Database>,
    pub(super) path: PathBuf,
    is_doubtful: Arc<AtomicBool>,
}

/// A write that is not committed yet.
pub(super) struct Writing<'f> {
    file: &'f LoginFile,
    pub(super) transaction: WriteTransaction,
    now: StoreTime,
}

impl LoginFile {
    /// Opens the file of this folder and checks all of it. Makes one only in a folder that
    /// has had none.
    pub(super) fn open(folder: &LockedFolder, now: StoreTime) -> Result<Self, FileFault> {
        let has_file = folder.logins().try_exists()?;
        if !has_file && folder.has_history() {
            return Err(FileFault::Missing {
                path: folder.logins(),
                history: HISTORY,
            });
        }
        if !has_file {
            write_new(folder, |_| Ok(()))?;
        }
        if !folder.has_history() {
            folder.write_history(&now.as_unix().date())?;
        }
        let mut opened = Self::of(folder)?;
        folder.drop_new_logins();
        opened.check()?;
        Ok(opened)
    }

    pub(super) fn of(folder: &LockedFolder) -> Result<Self, FileFault> {
        let path = folder.logins();
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        // The lock of the folder can be deleted by somebody who takes it for a leftover.
        if !try_lock(&file)? {
            return Err(FileFault::InUse {
                holder: format!("a process whose {LOCK} was deleted"),
            });
        }
        // The engine would make an empty database out of an empty file.
        if file.metadata()?.len() == 0 {
            return Err(damaged(path, "it is empty"));
        }
        Self::with(file, path, folder.disk().clone())
    }

    pub(super) fn with(file: File, path: PathBuf, disk: Disk) -> Result<Self, FileFault> {
        let is_doubtful = Arc::new(AtomicBool::new(false));
        let backend = DatabaseFile {
            file,
            path: path.clone(),
            is_doubtful: is_doubtful.clone(),
            disk,
        };
        let engine = guarded(&path, || {
            let mut builder = Builder::new();
            builder
                .set_cache_size(CACHE_BYTES)
                .create_with_file_format_v3(true);
            Ok(builder.create_with_backend(backend)?)
        });
        Ok(Self {
            engine: Some(engine?),
            path,
            is_doubtful,
        })
    }

    /// True if the disk may not have everything that can be read from the file: an fsync
    /// failed.
    pub(super) fn is_doubtful(&self) -> bool {
        self.is_doubtful.load(Ordering::Relaxed)
    }

    /// Checks the checksums of every page, and the format.
    fn check(&mut self) -> Result<(), FileFault> {
        let engine = self.engine.as_mut().expect("it is open");
        // It would go back to the state before the last write, if that were not
        // written in two phases: then it fails instead.
        guarded(&self.path, || Ok(engine.check_integrity()?))?;
        let format = self.read(|reading| {
            let table = reading.open_table(META)?;
            Ok(table.get(FORMAT_KEY)?.map(|format| format.value()))
        })?;
        match format {
            Some(FORMAT) => Ok(()),
            Some(format) if format > FORMAT => Err(FileFault::Newer { format }),
            _ => Err(damaged(self.path.clone(), "it names no format")),
        }
    }

    pub(super) fn login(&self, name: &Name) -> Result<StoredLogin, FileFault> {
        self.read(|reading| {
            // An expired state is still the newest that is known.
            let value = match table(reading, LOGINS)? {
                Some(logins) => {
                    let found = logins.get(name.as_bytes())?;
                    found.map(|found| Secret::new(found.value().1))
                }
                None => None,
            };
            let was_sent = match table(reading, SENT)? {
                Some(sent) => sent.get(name.as_bytes())?.is_some(),
                None => false,
            };
            Ok(StoredLogin { value, was_sent })
        })
    }

    /// Returns the next logins in the order of their names, at most `limit`.
    pub(super) fn page(&self, after: Option<Name>, limit: usize) -> Result<Vec<Entry>, FileFault> {
        use std::ops::Bound;
        self.read(|reading| {
            let Some(logins) = table(reading, LOGINS)? else {
                return Ok(Vec::new());
            };
            let after = after.as_ref().map(Name::as_bytes);
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let range = logins.range::<&[u8; 32]>((start, Bound::Unbounded))?;
            let entries = range.take(limit).map(|found| {
                let (name, found) = found?;
                let (expires_at, value) = found.value();
                Ok(Entry {
                    name: Name::of_bytes(*name.value()),
                    value: Secret::new(value),
                    expires_at: StoreTime(expires_at),
                })
            });
            entries.collect()
        })
    }

    /// Returns the announcements since a time, and all that have no time.
    pub(super) fn news(&self, since: f64, now: UnixTime) -> Result<News, FileFault> {
        self.read(|reading| {
            let mut news = News {
                read_until: since.max(now.0 as f64),
                ..News::default()
            };
            if let Some(revoked) = table(reading, REVOKED)? {
                for found in revoked.iter()? {
                    let (name, at) = found?;
                    if at.value() as f64 >= since && !is_old_news(at.value(), now) {
                        news.revoked.push(Name::of_bytes(*name.value()));
                    }
                }
            }
            if let Some(rotating) = table(reading, ROTATING)? {
                for found in rotating.iter()? {
                    news.rotating.push(found?.0.value().to_owned());
                }
            }
            Ok(news)
        })
    }

    /// Counts the logins whose refresh token was sent and whose new one is not here.
    pub(super) fn count_sent(&self) -> Result<u64, FileFault> {
        use redb::ReadableTableMetadata as _;
        self.read(|reading| match table(reading, SENT)? {
            Some(sent) => Ok(sent.len()?),
            None => Ok(0),
        })
    }

    /// Writes all of these, or nothing, and returns when the disk has them. Returns the
    /// number of logins that each stored.
    pub(super) fn apply<'c>(
        &self,
        changes: impl Iterator<Item = &'c Change>,
        now: StoreTime,
    ) -> Result<Vec<u64>, FileFault> {
        let writing = self.begin(now)?;
        let counts: Result<_, _> = changes.map(|change| writing.apply(change)).collect();
        let counts = counts?;
        writing.commit()?;
        Ok(counts)
    }

    pub(super) fn begin(&self, now: StoreTime) -> Result<Writing<'_>, FileFault> {
        let transaction = guarded(&self.path, || {
            let mut transaction = self.engine().begin_write()?;
            // In one phase, the engine cannot tell damage from a write that was cut
            // off, and would open the file with older tokens.
            transaction.set_two_phase_commit(true);
            Ok(transaction)
        });
        Ok(Writing {
            file: self,
            transaction: transaction?,
            now,
        })
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, EngineError>,
    ) -> Result<T, FileFault> {
        guarded(&self.path, || work(&self.engine().begin_read()?))
    }

    fn engine(&self) -> &Database {
        self.engine.as_ref().expect("it is open")
    }
}

impl Writing<'_> {
    fn apply(&self, change: &Change) -> Result<u64, FileFault> {
        guarded(&self.file.path, || self.apply_to_engine(change))
    }

    fn apply_to_engine(&self, change: &Change) -> Result<u64, EngineError> {
        let (transaction, now) = (&self.transaction, self.now.as_unix());
        match change {
            Change::MarkSent(name) => {
                transaction
                    .open_table(SENT)?
                    .insert(name.as_bytes(), now.0)?;
            }
            Change::Settle(name, value) => {
                if let Some((value, lifetime)) = value {
                    let mut logins = transaction.open_table(LOGINS)?;
                    let before = logins.get(name.as_bytes())?.map(|found| found.value().0);
                    // Later than before, also by a clock that was set back: copies go by it.
                    let after_it = before.map_or(0, |before| before.saturating_add(1));
                    let expires_at = self.now.plus(*lifetime).0.max(after_it);
                    logins.insert(name.as_bytes(), (expires_at, value.expose()))?;
                }
                transaction.open_table(SENT)?.remove(name.as_bytes())?;
            }
            Change::Revoked(name) => {
                transaction
                    .open_table(REVOKED)?
                    .insert(name.as_bytes(), now.0)?;
            }
            Change::Rotating(provider) => {
                transaction
                    .open_table(ROTATING)?
                    .insert(provider.as_str(), ())?;
            }
            Change::Merge(entries) => return self.merge(entries),
        }
        Ok(1)
    }

    /// Stores the entries that are newer than what is stored of their logins.
    fn merge(&self, entries: &[Entry]) -> Result<u64, EngineError> {
        let mut logins = self.transaction.open_table(LOGINS)?;
        let mut stored = 0;
        for entry in entries {
            let new = (entry.expires_at.0, entry.value.expose());
            let before = logins.get(entry.name.as_bytes())?;
            // The same state of a Redis has another expiry each time, by the way there.
            let is_newer = before.is_none_or(|before| {
                let (expires_at, value) = before.value();
                expires_at < new.0 && value != new.1
            });
            if is_newer {
                logins.insert(entry.name.as_bytes(), new)?;
                stored += 1;
            }
        }
        Ok(stored)
    }

    pub(super) fn commit(self) -> Result<(), FileFault> {
        guarded(&self.file.path, || Ok(self.transaction.commit()?))
    }
}

impl Drop for LoginFile {
    /// Closes the engine, which panics if the file is damaged in some ways.
    fn drop(&mut self) {
        let engine = self.engine.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(engine)));
    }
}

/// Opens a table; `None` if nothing was ever written to it.
pub(super) fn table<K: redb::Key + 'static, V: redb::Value + 'static>(
    reading: &ReadTransaction,
    definition: TableDefinition<'_, K, V>,
) -> Result<Option<ReadOnlyTable<K, V>>, EngineError> {
    match reading.open_table(definition) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn is_old_news(at: u64, now: UnixTime) -> bool {
    now.since(UnixTime(at)) > NEWS_LIFETIME
}

/// Does something with the engine, which panics if a file is damaged in some ways.
pub(super) fn guarded<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, EngineError>,
) -> Result<T, FileFault> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(EngineError::Fault(fault))) => Err(fault),
        Ok(Err(EngineError::Damaged(cause))) => Err(damaged(path.to_owned(), &cause)),
        Err(_panic) => Err(damaged(path.to_owned(), "it makes no sense to the engine")),
    }
}

fn damaged(path: PathBuf, cause: &str) -> FileFault {
    FileFault::Damaged {
        path,
        cause: cause.to_owned(),
        history: HISTORY,
    }
}
