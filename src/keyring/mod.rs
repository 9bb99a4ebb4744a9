//! The server's keys: one JWK per file in the keys folder, or a JWK Set in the
//! environment, and the lineages that have been revoked.
//!
//! [`Keyring`] is what lives as long as the server; [`KeySet`] is what one load
//! found, never changed afterwards and swapped as a whole.

mod admin;
mod folder;
mod jwk;
mod key_set;
mod protection;
mod rewriting;

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
pub use jwk::{Jwk, JwkError, Replaced};
pub use key_set::{KeySet, KeyState, Unusable};
pub use protection::{Passphrase, ProtectionError};

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
    passphrase: Option<Passphrase>,
    current: ArcSwap<KeySet>,
    loads: AtomicU64,
}

impl Keyring {
    /// Loads keys that are not protected. An empty folder is no error: see
    /// [`Keyring::make_first_key`].
    pub fn load(source: KeySource) -> Result<Self, KeyringError> {
        Self::load_protected(source, None)
    }

    /// Loads keys of which some may be encrypted under `passphrase`.
    pub fn load_protected(
        source: KeySource,
        passphrase: Option<Passphrase>,
    ) -> Result<Self, KeyringError> {
        let set = read(&source, passphrase.as_ref())?;
        Ok(Self {
            source,
            passphrase,
            current: ArcSwap::from_pointee(set),
            loads: AtomicU64::new(0),
        })
    }

    /// Where the keys come from.
    pub fn source(&self) -> &KeySource {
        &self.source
    }

    /// The keys folder, to be changed; `None` where the keys stand in the environment.
    pub fn folder(&self) -> Option<KeyFolder> {
        let KeySource::Folder(folder) = &self.source else {
            return None;
        };
        Some(KeyFolder::new(folder).protected_by(self.passphrase.clone()))
    }

    /// All keys as a JWK Set for AUTHSEAL_KEYS: encrypted where there is a passphrase,
    /// unless `in_clear`.
    pub fn export(&self, in_clear: bool) -> Secret {
        let keys = self.current();
        let all: Vec<Secret> = keys.iter().map(Jwk::to_json).collect();
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

    /// Decrypts what a reload would decrypt, which takes a tenth of a second for each new
    /// protected key: for a thread that answers nobody. The reload is quick then.
    pub fn decrypt_ahead(&self) {
        if self.passphrase.is_some() {
            // What is wrong is the reload's to say.
            let _ = read(&self.source, self.passphrase.as_ref());
        }
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
        let mut set = read(&self.source, self.passphrase.as_ref())?;
        set.keep_replaced(&self.current());
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
        let folder = self.folder();
        let folder = folder.ok_or_else(|| KeyringError::one("AUTHSEAL_KEYS holds no key"))?;
        let key = folder.create_key(now, Duration::ZERO)?;
        self.reload()?;
        Ok(Some(key.kid))
    }
}

fn read(source: &KeySource, passphrase: Option<&Passphrase>) -> Result<KeySet, KeyringError> {
    match source {
        KeySource::Folder(folder) => folder::load(folder, passphrase),
        KeySource::Inline(text) => {
            let (jwks, is_protected) = jwk::parse_set(text, passphrase)
                .map_err(|error| KeyringError::one(format!("AUTHSEAL_KEYS {error}")))?;
            // What the one seals, the other would be asked to open.
            let mut kids = HashSet::new();
            if let Some(twice) = jwks.iter().find(|key| !kids.insert(&key.kid)) {
                return Err(KeyringError::one(format!(
                    "AUTHSEAL_KEYS holds two keys of the id \"{}\"",
                    twice.kid
                )));
            }
            let mut set = KeySet::new(jwks, Default::default());
            if is_protected {
                set.protected = set.iter().map(|key| key.kid.clone()).collect();
            }
            Ok(set)
        }
    }
}
