//! Keys of the server: one JWK per file in the keys folder, or a JWK Set in the
//! environment, and the revocations.
//!
//! A [`Keyring`] lives as long as the server. A [`KeySet`] is the result of one load; it
//! is never changed, only replaced as a whole.

mod admin;
mod condition;
mod folder;
mod history;
mod inspection;
mod jwk;
mod key_set;
mod making;
mod on_disk;
mod protection;
mod replacing;
mod revocation_state;
mod revocations;
mod revoking;
mod rewriting;
mod rule_names;
mod succession;
mod volume;

use std::{
    collections::HashSet,
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use thiserror::Error;

pub use admin::KeyFolder;
pub(crate) use condition::{Condition, Trouble};
pub(crate) use inspection::Inspection;
pub use jwk::Jwk;
pub(crate) use jwk::Replacement;
pub use key_set::KeySet;
pub(crate) use key_set::{KeyState, Unusable};
pub use protection::Passphrase;
pub(crate) use protection::ProtectionError;
pub(crate) use revocations::{Facts, LineageBits};
pub use revocations::{Revocation, Scope};

use crate::{clock::UnixTime, secret::Secret};
use folder::KeyFiles;

/// Source of the keys.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A folder of `<kid>.jwk` files and a `revoked.txt`.
    Folder(PathBuf),
    /// A JWK Set (RFC 7517 section 5) as JSON, or the same in base64.
    Inline(Secret),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => {
                // An absolute path, because a relative one depends on the working
                // directory.
                let absolute = std::path::absolute(folder);
                let shown = absolute.as_deref().unwrap_or(folder);
                write!(f, "the folder {}", shown.display())
            }
            Self::Inline(_) => f.write_str("AUTHSEAL_KEYS"),
        }
    }
}

/// Reasons why the keys could not be loaded or made. All problems are reported at once,
/// with the command that fixes each, and never with the bytes of a key.
#[derive(Debug, Error)]
#[error("{}", .problems.join("\n"))]
pub struct KeyringError {
    /// One sentence for each problem.
    pub problems: Vec<String>,
}

impl KeyringError {
    fn one(problem: impl Into<String>) -> Self {
        Self {
            problems: vec![problem.into()],
        }
    }
}

/// The keys of one load, kept for one operation. It is cheap: threads share no counter
/// for it.
pub type CurrentKeys = Guard<Arc<KeySet>>;

/// The keys in use, replaced as a whole by [`Keyring::reload`].
#[derive(Debug)]
pub struct Keyring {
    source: KeySource,
    passphrase: Option<Passphrase>,
    current: ArcSwap<KeySet>,
    condition: ArcSwap<Condition>,
    makes_first_key: AtomicBool,
    loads: AtomicU64,
}

impl Keyring {
    /// Loads unencrypted keys and the revocations; see [`Keyring::load_protected`].
    pub fn load(source: KeySource) -> Result<Self, KeyringError> {
        Self::load_protected(source, None)
    }

    /// Loads the revocations and the keys, some of which may be encrypted under
    /// `passphrase`. Keys that can't be read are an error. An empty folder is not: see
    /// [`Keyring::begin`]. Problems with the revocations are in [`Keyring::condition`].
    pub fn load_protected(
        source: KeySource,
        passphrase: Option<Passphrase>,
    ) -> Result<Self, KeyringError> {
        let (set, condition) = match &source {
            KeySource::Inline(text) => (read_set(text, passphrase.as_ref())?, Condition::default()),
            KeySource::Folder(folder) => {
                let mut found = folder::look(folder, passphrase.as_ref());
                let keys = std::mem::replace(&mut found.keys, Ok(KeyFiles::default()));
                found.keys = Ok(keys?);
                let nothing = (KeySet::new(Vec::new()), Condition::default());
                succession::follow(folder, true, &nothing.0, &nothing.1, found)
            }
        };
        Ok(Self {
            source,
            passphrase,
            current: ArcSwap::from_pointee(set),
            condition: ArcSwap::from_pointee(condition),
            makes_first_key: AtomicBool::new(true),
            loads: AtomicU64::new(0),
        })
    }

    /// Returns the source of the keys.
    pub fn source(&self) -> &KeySource {
        &self.source
    }

    /// Returns the keys folder, for changes; `None` if the keys are in the environment.
    pub fn folder(&self) -> Option<KeyFolder> {
        let KeySource::Folder(folder) = &self.source else {
            return None;
        };
        Some(KeyFolder::new(folder).protected_by(self.passphrase.clone()))
    }

    /// Returns all keys as a JWK Set for AUTHSEAL_KEYS. It is encrypted if there is a
    /// passphrase, unless `in_clear`.
    pub fn export(&self, in_clear: bool) -> Secret {
        let keys = self.current();
        // A server that reads the exported set has no history, so leaked keys that only
        // the history closes are left out.
        let is_closed_by_history = |key: &&Jwk| {
            let replaced = key.replaced.as_ref();
            replaced.is_some_and(|replaced| keys.iter().all(|other| other.kid != replaced.by))
        };
        let open = keys.iter().filter(|key| !is_closed_by_history(key));
        let all: Vec<Secret> = open.map(Jwk::to_json).collect();
        let all: Vec<&str> = all.iter().map(Secret::expose).collect();
        let set = Secret::new(format!("{{\"keys\":[{}]}}", all.join(",")));
        match &self.passphrase {
            Some(passphrase) if !in_clear => {
                passphrase.protect(set.expose().as_bytes(), protection::JWK_SET)
            }
            _ => set,
        }
    }

    /// True if new keys are encrypted at rest.
    pub fn has_passphrase(&self) -> bool {
        self.passphrase.is_some()
    }

    /// Returns the current keys. Call it once per operation, so that one operation never
    /// sees two sets.
    pub fn current(&self) -> CurrentKeys {
        self.current.load()
    }

    /// Returns the problems found at the last load.
    pub fn condition(&self) -> Guard<Arc<Condition>> {
        self.condition.load()
    }

    /// Reads the source again and replaces the set as a whole. Keys and revocations are
    /// read independently: if one can't be read, changes to the other still take effect.
    /// Keys and revocations that are merely gone stay in use: an unmounted disk is not an
    /// order to retire every key.
    ///
    /// Returns `false` if nothing has changed; then the current set stays in use, and
    /// results computed under it stay valid. The error describes the problems with the
    /// keys.
    pub fn reload(&self) -> Result<bool, KeyringError> {
        let KeySource::Folder(folder) = &self.source else {
            return Ok(false);
        };
        let makes_first_key = self.makes_first_key.load(Ordering::SeqCst);
        let (keys, condition) = (self.current.load_full(), self.condition.load_full());
        if !folder.is_dir() && condition.has_had_keys {
            return self.vanished(folder, &condition);
        }
        let found = folder::look(folder, self.passphrase.as_ref());
        let (mut set, condition) =
            succession::follow(folder, makes_first_key, &keys, &condition, found);
        let problems = condition.keys.clone();
        let is_new = !set.is_like(&keys);
        if is_new {
            set.version = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
            self.current.store(Arc::new(set));
        }
        // Stored last: when the condition no longer says waiting, the keys are in use.
        self.condition.store(Arc::new(condition));
        match problems.is_empty() {
            true => Ok(is_new),
            false => Err(KeyringError { problems }),
        }
    }

    fn vanished(&self, folder: &Path, condition: &Condition) -> Result<bool, KeyringError> {
        let problem = format!(
            "the keys folder {} has vanished; put it back",
            folder.display()
        );
        let condition = Condition {
            keys: vec![problem.clone()],
            gone: Vec::new(),
            revocations: Vec::new(),
            ..condition.clone()
        };
        self.condition.store(Arc::new(condition));
        Err(KeyringError::one(problem))
    }

    /// Loads again as a starting server does. `makes_first_key` is true if a first key
    /// may be made.
    pub fn look_for_start(&self, makes_first_key: bool) {
        self.makes_first_key
            .store(makes_first_key, Ordering::SeqCst);
        // The problems are in the condition.
        let _ = self.reload();
    }

    /// Prepares the start of a server. Makes a key in a folder that has never had one and
    /// returns its id. Returns `None` if there is a key already, or if there should be
    /// one: then the keyring waits for it.
    ///
    /// Fails if the folder cannot be written: a key that exists only in the process
    /// would, at its end, silently void every AuthID sealed under it.
    pub fn begin(
        &self,
        now: UnixTime,
        makes_first_key: bool,
    ) -> Result<Option<String>, KeyringError> {
        let Some(folder) = self.folder() else {
            return Ok(None);
        };
        self.look_for_start(makes_first_key);
        if self.condition().is_waiting() {
            return Ok(None);
        }
        if !self.current().is_empty() {
            return Ok(None);
        }
        let key = folder.create_key(now, Duration::ZERO)?;
        self.reload()?;
        Ok(Some(key.kid))
    }

    /// Writes the keys and revocations in use to the folder's history, for the next
    /// start, because a folder is also changed by hand. Does nothing if keys are missing:
    /// before a mount, it may be another folder.
    pub fn write_history(&self, now: UnixTime) -> io::Result<()> {
        match &self.source {
            KeySource::Folder(folder) if self.condition().has_all_keys(now) => {
                KeyFolder::new(folder).catch_up(&self.current(), now)
            }
            _ => Ok(()),
        }
    }
}

/// Reads the keys of AUTHSEAL_KEYS.
fn read_set(text: &Secret, passphrase: Option<&Passphrase>) -> Result<KeySet, KeyringError> {
    let (jwks, is_protected) = jwk::parse_set(text, passphrase)
        .map_err(|error| KeyringError::one(format!("AUTHSEAL_KEYS {error}")))?;
    if jwks.is_empty() {
        return Err(KeyringError::one(
            "AUTHSEAL_KEYS holds no key; make one with authseal keys new in a folder, and set it to \
             what authseal keys export prints",
        ));
    }
    // Two keys with one id are refused: a server could use one to seal and the other to
    // open.
    let mut kids = HashSet::new();
    if let Some(twice) = jwks.iter().find(|key| !kids.insert(&key.kid)) {
        return Err(KeyringError::one(format!(
            "AUTHSEAL_KEYS holds two keys of the id \"{}\"",
            twice.kid
        )));
    }
    let mut set = KeySet::new(jwks);
    if is_protected {
        set.protected = set.iter().map(|key| key.kid.clone()).collect();
    }
    Ok(set)
}
