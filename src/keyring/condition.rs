//! Problems of the keys folder while a server keeps running with the keys and revocations
//! that it has.

use std::fmt;

use crate::clock::UnixTime;

/// State of the folder at the last load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Reason why no request can be answered yet.
    pub(super) waits_for: Option<String>,
    /// Reasons why the keys in use differ from those of the folder.
    pub(super) keys: Vec<String>,
    /// The keys whose files are missing.
    pub(super) gone: Vec<Gone>,
    /// Reasons why the revocations in force differ from those of the folder.
    pub(super) revocations: Vec<String>,
    /// True once this process has had a key.
    pub(super) has_had_keys: bool,
    /// True once this process has read all revocations.
    pub(super) knows_revocations: bool,
    /// Name of the folder in messages.
    pub(super) folder: String,
}

/// A key whose file is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) kid: String,
    pub(super) end: Option<UnixTime>,
    /// True if this process still has the key.
    pub(super) is_in_use: bool,
}

/// A problem, described in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No request is answered until this is fixed.
    Waiting(String),
    /// The keys in use are not those of the folder.
    Keys(String),
    /// The revocations in force are not those of `revoked.txt`.
    Revocations(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting(why) => write!(f, "waiting for the keys: {why}"),
            Self::Keys(what) => write!(f, "the keys stay as they were: {what}"),
            Self::Revocations(what) => write!(f, "the revocations stay as they were: {what}"),
        }
    }
}

impl Condition {
    /// True while no request can be answered, because keys or revocations are not there
    /// yet.
    pub fn is_waiting(&self) -> bool {
        self.waits_for.is_some()
    }

    /// True if the keys in use are those of the folder, except keys that have ended.
    pub(super) fn has_all_keys(&self, now: UnixTime) -> bool {
        !self.is_waiting() && self.keys.is_empty() && self.gone_count(now) == 0
    }

    /// Returns all current problems.
    pub fn troubles(&self, now: UnixTime) -> Vec<Trouble> {
        let waiting = self.waits_for.iter().cloned().map(Trouble::Waiting);
        let keys = self.keys.iter().cloned().chain(self.gone_in_use(now));
        let missing = self.missing(now).filter(|_| !self.is_waiting());
        let revocations = self.revocations.iter().cloned();
        waiting
            .chain(keys.chain(missing).map(Trouble::Keys))
            .chain(revocations.map(Trouble::Revocations))
            .collect()
    }

    /// Returns the number of missing keys that have not ended.
    pub fn gone_count(&self, now: UnixTime) -> usize {
        self.gone_at(now).count()
    }

    /// Returns the missing keys that have not ended.
    fn gone_at(&self, now: UnixTime) -> impl Iterator<Item = &Gone> {
        let is_missed = move |gone: &&Gone| gone.end.is_none_or(|end| now < end);
        self.gone.iter().filter(is_missed)
    }

    fn gone_in_use(&self, now: UnixTime) -> Option<String> {
        let gone = self.gone_at(now).filter(|gone| gone.is_in_use);
        let files = files(gone)?;
        Some(format!(
            "{} no longer holds {files}, and nobody ran authseal keys remove, so they stay in \
             use. Mount the volume or put the files back; authseal keys remove is for those that \
             shall go",
            self.folder
        ))
    }

    fn missing(&self, now: UnixTime) -> impl Iterator<Item = String> {
        let missing = self.gone_at(now).filter(|gone| !gone.is_in_use);
        let sentence = files(missing).map(|files| {
            format!(
                "{} has had {files}, and nobody ran authseal keys remove. AuthIDs that need them \
                 get 503. Put the files back; authseal keys remove is for those that shall go",
                self.folder
            )
        });
        sentence.into_iter()
    }
}

fn files<'g>(gone: impl Iterator<Item = &'g Gone>) -> Option<String> {
    let files: Vec<String> = gone.map(|gone| format!("{}.jwk", gone.kid)).collect();
    (!files.is_empty()).then(|| files.join(", "))
}
