//! Writing the file anew without what has expired.

use std::fs;

use redb::ReadableTable as _;

use super::{
    fault::FileFault,
    folder::LockedFolder,
    login_file::{
        FORMAT, FORMAT_KEY, LOGINS, LoginFile, META, REVOKED, ROTATING, SENT, Writing, guarded,
        is_old_news, table,
    },
};
use crate::clock::UnixTime;

/// Free space in the file that is not worth writing it anew.
const SLACK_BYTES: u64 = 4 * 1024 * 1024;

impl LoginFile {
    /// Writes the file anew without what has expired, if there is something, or if much of it
    /// is free, or if it `must` be. The engine only marks space as free; the bytes would stay.
    pub(super) fn compact(
        self,
        folder: &LockedFolder,
        now: UnixTime,
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

    fn is_worth_compacting(&self, now: UnixTime) -> Result<bool, FileFault> {
        let size = fs::metadata(&self.path)?.len();
        self.read(|reading| {
            let (mut used, mut expired, mut count) = (0, 0, 0_u64);
            if let Some(logins) = table(reading, LOGINS)? {
                for found in logins.iter()? {
                    let (name, found) = found?;
                    let (expires_at, value) = found.value();
                    used += (name.value().len() + value.len()) as u64;
                    expired += u64::from(expires_at <= now.0);
                    count += 1;
                }
            }
            // If not one is left, rather the clock is wrong.
            Ok((expired > 0 && expired < count) || size > 3 * used + SLACK_BYTES)
        })
    }

    fn copy_to(&self, new: &Writing<'_>, now: UnixTime) -> Result<(), FileFault> {
        self.read(|reading| {
            let is_all_expired = match table(reading, LOGINS)? {
                Some(logins) => {
                    let mut all = true;
                    for found in logins.iter()? {
                        all &= found?.1.value().0 <= now.0;
                    }
                    all
                }
                None => true,
            };
            let (old, new) = (table(reading, LOGINS)?, &new.transaction);
            if let Some(old) = old {
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
                        if !is_old_news(at.value(), now) {
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

/// Writes new logins beside the others, and puts them in their place once the disk has them.
pub(super) fn write_new(
    folder: &LockedFolder,
    fill: impl FnOnce(&Writing<'_>) -> Result<(), FileFault>,
) -> Result<(), FileFault> {
    let (file, path) = folder.begin_new_logins()?;
    let new = LoginFile::with(file, path)?;
    let writing = new.begin(UnixTime::default())?;
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
