//! The server's keys: one JWK per file in the keys folder, or a JWK Set in the
//! environment, and the lineages that have been revoked.
//!
//! [`Keyring`] is what lives as long as the server; [`KeySet`] is what one load
//! found, never changed afterwards and swapped as a whole.

mod admin;
mod folder;
mod jwk;
mod key_set;

use std::{
    collections::HashSet,
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use thiserror::Error;

pub use admin::KeyFolder;
pub use jwk::{Jwk, JwkError};
pub use key_set::{KeySet, KeyState, Unusable};

use crate::{clock::UnixTime, secret::Secret};

/// Where the keys come from.
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
                // Absolute, because which folder it is depends on where one stands.
                let absolute = std::path::absolute(folder);
                let shown = absolute.as_deref().unwrap_or(folder);
                write!(f, "the folder {}", shown.display())
            }
            Self::Inline(_) => f.write_str("AUTHSEAL_KEYS"),
        }
    }
}

/// Why the keys could not be loaded or made. Everything wrong is named at once,
/// with the command that mends it, and never a key's bytes.
#[derive(Debug, Error)]
#[error("{}", .problems.join("\n"))]
pub struct KeyringError {
    /// One sentence for each thing that is wrong.
    pub problems: Vec<String>,
}

impl KeyringError {
    fn one(problem: impl Into<String>) -> Self {
        Self {
            problems: vec![problem.into()],
        }
    }
}

/// One load's keys, kept for an operation. It counts in no place that all threads share.
pub type CurrentKeys = Guard<Arc<KeySet>>;

/// The keys in use, replaced as a whole by [`Keyring::reload`].
#[derive(Debug)]
pub struct Keyring {
    source: KeySource,
    current: ArcSwap<KeySet>,
    loads: AtomicU64,
}

impl Keyring {
    /// Loads the keys. An empty folder is no error: see
    /// [`Keyring::make_first_key`].
    pub fn load(source: KeySource) -> Result<Self, KeyringError> {
        let set = read(&source)?;
        Ok(Self {
            source,
            current: ArcSwap::from_pointee(set),
            loads: AtomicU64::new(0),
        })
    }

    /// Where the keys come from.
    pub fn source(&self) -> &KeySource {
        &self.source
    }

    /// The keys as of now. Take it once per operation, so that one operation
    /// never sees two sets.
    pub fn current(&self) -> CurrentKeys {
        self.current.load()
    }

    /// Reads the source again and swaps the set as a whole. On an error the last
    /// good set stays in use, also when the folder has vanished: an unmounted disk
    /// is no wish to retire every key.
    ///
    /// `false` if nothing is different; then the set that is in use stays, and what
    /// was worked out under it stays good.
    pub fn reload(&self) -> Result<bool, KeyringError> {
        if let KeySource::Folder(folder) = &self.source
            && !folder.is_dir()
        {
            return Err(KeyringError::one(format!(
                "the keys folder {} has vanished; put it back",
                folder.display()
            )));
        }
        let mut set = read(&self.source)?;
        if set.is_like(&self.current()) {
            return Ok(false);
        }
        set.version = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        self.current.store(Arc::new(set));
        Ok(true)
    }

    /// Makes a key in a folder that has none and returns its kid; `None` when
    /// there is a key already.
    ///
    /// Fails where the folder cannot be written: a key that dies with the
    /// process would silently void every AuthID made with it.
    pub fn make_first_key(&self, now: UnixTime) -> Result<Option<String>, KeyringError> {
        if !self.current().is_empty() {
            return Ok(None);
        }
        let KeySource::Folder(folder) = &self.source else {
            return Err(KeyringError::one("AUTHSEAL_KEYS holds no key"));
        };
        let key = KeyFolder::new(folder).create_key(now, Duration::ZERO)?;
        self.reload()?;
        Ok(Some(key.kid))
    }
}

fn read(source: &KeySource) -> Result<KeySet, KeyringError> {
    match source {
        KeySource::Folder(folder) => folder::load(folder),
        KeySource::Inline(text) => {
            let jwks = jwk::parse_set(text)
                .map_err(|error| KeyringError::one(format!("AUTHSEAL_KEYS {error}")))?;
            // What the one seals, the other would be asked to open.
            let mut kids = HashSet::new();
            if let Some(twice) = jwks.iter().find(|key| !kids.insert(&key.kid)) {
                return Err(KeyringError::one(format!(
                    "AUTHSEAL_KEYS holds two keys of the id \"{}\"",
                    twice.kid
                )));
            }
            Ok(KeySet::new(jwks, Default::default()))
        }
    }
}
