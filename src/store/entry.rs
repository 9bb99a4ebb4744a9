//! The logins of a store, counted and copied.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{LOGIN_LIFETIME, LoginStore, Name, StoreError, StoreTime, listing::Position};
use crate::{
    clock::{Clock, UnixTime},
    secret::Secret,
};

/// One login in a store: its name, its sealed state, and the end of its life there.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Entry {
    pub(super) name: Name,
    pub(super) value: Secret,
    /// On the clock of this machine. The later of two is of the later use.
    pub(super) expires_at: StoreTime,
}

/// Contents of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreContents {
    /// Number of logins.
    pub logins: u64,
    /// Length of their names and sealed states, in bytes.
    pub bytes: u64,
    /// Time of the use that is longest ago.
    pub oldest_use: Option<UnixTime>,
    /// Time of the last use.
    pub newest_use: Option<UnixTime>,
    /// Number of logins that are being refreshed at this moment, or whose refresh was not
    /// finished.
    pub in_progress: u64,
}

/// Result of a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopyReport {
    /// Contents of the store that was read.
    pub read: StoreContents,
    /// Number of logins that the other store did not have, or had older.
    pub copied: u64,
}

impl LoginStore {
    /// Counts the logins.
    pub async fn contents(&self, clock: &Clock) -> Result<StoreContents, StoreError> {
        let report = self.walk(clock, async |_| Ok(0)).await?;
        Ok(report.read)
    }

    /// Copies every login that `target` does not have, or has older, and all announcements.
    /// Nothing is removed here.
    pub async fn copy_to(
        &self,
        target: &Self,
        clock: &Clock,
    ) -> Result<CopyReport, (CopySide, StoreError)> {
        let source = |error| (CopySide::Source, error);
        let destination = |error| (CopySide::Target, error);
        let news = self.news(0.0).await.map_err(source)?;
        let mut failure = None;
        let report = self
            .walk(clock, async |entries| {
                let merged = target.merge(entries, clock).await;
                merged.inspect_err(|error| failure = Some(error.clone()))
            })
            .await;
        let report = report.map_err(|error| match failure {
            Some(failure) => destination(failure),
            None => source(error),
        })?;
        for name in &news.revoked {
            target.tell_revoked(name).await.map_err(destination)?;
        }
        for provider in &news.rotating {
            target.tell_rotating(provider).await.map_err(destination)?;
        }
        Ok(report)
    }

    /// Does something with all logins, which returns how many it counted.
    async fn walk(
        &self,
        clock: &Clock,
        mut each: impl AsyncFnMut(Vec<Entry>) -> Result<u64, StoreError>,
    ) -> Result<CopyReport, StoreError> {
        let mut report = CopyReport::default();
        let mut position = Some(Position::start(self));
        while let Some(from) = position {
            let listed = self.list(from, clock).await?;
            report.read.count(&listed.entries);
            report.read.in_progress = match listed.is_total {
                true => listed.in_progress,
                false => report.read.in_progress + listed.in_progress,
            };
            report.copied += each(listed.entries).await?;
            position = listed.next;
        }
        Ok(report)
    }
}

/// The store at which a copy failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopySide {
    /// The one that is read.
    Source,
    /// The one that is written.
    Target,
}

impl StoreContents {
    fn count(&mut self, entries: &[Entry]) {
        for entry in entries {
            let expires_at = entry.expires_at.as_unix();
            let used = UnixTime(expires_at.0.saturating_sub(LOGIN_LIFETIME.as_secs()));
            self.logins += 1;
            self.bytes += (entry.name.as_bytes().len() + entry.value.expose().len()) as u64;
            self.oldest_use = Some(self.oldest_use.map_or(used, |oldest| oldest.min(used)));
            self.newest_use = self.newest_use.max(Some(used));
        }
    }
}

impl StoreTime {
    /// Reads the clock of this machine.
    pub(super) fn now(clock: &Clock) -> Self {
        Self(clock.milliseconds())
    }

    pub(super) fn as_unix(self) -> UnixTime {
        UnixTime(self.0 / 1_000)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.as_bytes()))
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("no name"))
    }
}
