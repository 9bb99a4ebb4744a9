//! Writing the file anew without what has expired.

use std::fs;

use redb::ReadableTable;

use super::{
    fault::{EngineError, FileFault},
    folder::LockedFolder,
    login_file::{
        FORMAT, FORMAT_KEY, LOGINS, LoginFile, META, REVOKED, ROTATING, SENT, Writing, guarded,
        is_old_news, table,
    },
};
use crate::store::StoreTime;

/// Free space in the file that is not worth writing it anew.
const SLACK_BYTES: u64 = 4 * 1024 * 1024;

impl LoginFile {
    /// Writes the file anew without what has expired, if there is something, or if much of it
    /// is free, or if it `must` be. The engine only marks space as free; the bytes would stay.
    pub(super) fn compact(
        self,
        folder: &LockedFolder,
        now: StoreTime,
        must: bool,
    ) -> Result<Self, FileFault> {
        if !must && !self.is_worth_compacting(now)? {
            return Ok(self);
        }
        let written = write_new(folder, |new| self.copy_to(new, now));
        match written {
            Ok(()) => {}
            Err(fault) if must => return Err(fault),
            Err(fault) => {
                folder.drop_new_logins();
                tracing::warn!("the store was not compacted: {fault}");
                return Ok(self);
            }
        }
        drop(self);
        Self::of(folder)
    }

    fn is_worth_compacting(&self, now: StoreTime) -> Result<bool, FileFault> {
        let size = fs::metadata(&self.path)?.len();
        self.read(|reading| {
            let count = match table(reading, LOGINS)? {
                Some(logins) => count_logins(&logins, now)?,
                None => LoginCount::default(),
            };
            let removes = count.expired > 0 && !count.are_all_expired();
            Ok(removes || size > 3 * count.bytes + SLACK_BYTES)
        })
    }

    fn copy_to(&self, new: &Writing<'_>, now: StoreTime) -> Result<(), FileFault> {
        self.read(|reading| {
            let new = &new.transaction;
            if let Some(old) = table(reading, LOGINS)? {
                let is_all_expired = count_logins(&old, now)?.are_all_expired();
                let mut new = new.open_table(LOGINS)?;
                for found in old.iter()? {
                    let (name, found) = found?;
                    if found.value().0 > now.0 || is_all_expired {
                        new.insert(name.value(), found.value())?;
                    }
                }
            }
            for definition in [SENT, REVOKED] {
                if let Some(old) = table(reading, definition)? {
                    let mut new = new.open_table(definition)?;
                    for found in old.iter()? {
                        let (name, at) = found?;
                        if !is_old_news(at.value(), now.as_unix()) {
                            new.insert(name.value(), at.value())?;
                        }
                    }
                }
            }
            if let Some(old) = table(reading, ROTATING)? {
                let mut new = new.open_table(ROTATING)?;
                for found in old.iter()? {
                    new.insert(found?.0.value(), ())?;
                }
            }
            Ok(())
        })
    }
}

#[derive(Default)]
struct LoginCount {
    all: u64,
    expired: u64,
    /// Length of their names and values.
    bytes: u64,
}

impl LoginCount {
    /// True if not one is left: rather the clock is wrong.
    fn are_all_expired(&self) -> bool {
        self.expired == self.all
    }
}

fn count_logins(
    logins: &impl ReadableTable<&'static [u8; 32], (u64, &'static str)>,
    now: StoreTime,
) -> Result<LoginCount, EngineError> {
    let mut count = LoginCount::default();
    for found in logins.iter()? {
        let (name, found) = found?;
        let (expires_at, value) = found.value();
        count.all += 1;
        count.expired += u64::from(expires_at <= now.0);
        count.bytes += (name.value().len() + value.len()) as u64;
    }
    Ok(count)
}

/// Writes new logins beside the others, and puts them in their place once the disk has them.
pub(super) fn write_new(
    folder: &LockedFolder,
    fill: impl FnOnce(&Writing<'_>) -> Result<(), FileFault>,
) -> Result<(), FileFault> {
    let (file, path) = folder.begin_new_logins()?;
    let new = LoginFile::with(file, path, folder.disk().clone())?;
    let writing = new.begin(StoreTime(0))?;
    guarded(&new.path, || {
        let mut meta = writing.transaction.open_table(META)?;
        meta.insert(FORMAT_KEY, FORMAT)?;
        Ok(())
    })?;
    fill(&writing)?;
    writing.commit()?;
    drop(new);
    Ok(folder.finish_new_logins()?)
}
