//! Names and sealed values that outlive a request, for a while.
//!
//! The store knows nothing of what it holds: names are hashes, values are
//! envelopes that only their rightful holder makes the server open. It is the
//! memory of this process, or Redis that several processes share.

mod connection;
mod lease;
mod memory;
mod news;
mod shared;
mod turn;
mod url;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use thiserror::Error;

pub use lease::Lease;
pub use memory::Memory;
pub use news::NEWS_LIFETIME;
pub use shared::Shared;
pub use turn::{LeaseTimes, Phase, Record, StoreTime, Turn};
pub use url::StoreUrl;

use crate::secret::Secret;

/// A hash, so that whoever reads the store learns no lineage or token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name([u8; 32]);

impl Name {
    /// The name for a secret `key` among those of one `kind`.
    pub fn new(kind: &str, key: &[u8]) -> Self {
        let hash = digest(&SHA256, &[kind.as_bytes(), b"\0", key].concat());
        let mut name = [0; 32];
        name.copy_from_slice(hash.as_ref());
        Self(name)
    }

    /// The name of something else that is kept about the same thing.
    pub fn about(&self, kind: &str) -> Self {
        Self::new(kind, &self.0)
    }

    fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads base64url.
    fn parse(text: &str) -> Option<Self> {
        let mut name = [0; 32];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut name).ok()?;
        (length == name.len()).then_some(Self(name))
    }
}

/// Why the shared store did not do its work. Nothing of these holds a name or a
/// value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// No connection. Is the address right, and does it run?
    #[error("cannot be reached: {cause}")]
    Unreachable {
        /// In the client library's words.
        cause: String,
    },
    /// It answers, but does not do what was asked: it is full, read-only, or wants
    /// another password.
    #[error("refuses: {cause}")]
    Refused {
        /// In its own words.
        cause: String,
    },
    /// It did not answer in time.
    #[error("does not answer in time")]
    TooSlow,
    /// Another server is at work on this name, and takes long.
    #[error("is waiting for another server that is refreshing the same login")]
    Held,
    /// Another server may have something to store for this name, and lost the store.
    #[error("is waiting for another server that has not stored what became of a refresh")]
    Owed {
        /// Others wait at most for so long.
        free_in: Duration,
    },
    /// Another server has taken over what this one was at work on.
    #[error("has given this login to another server")]
    Lost,
}

impl StoreError {
    /// A word for metrics.
    fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Refused { .. } => "refused",
            Self::TooSlow => "too_slow",
            Self::Held => "held",
            Self::Owed { .. } => "owed",
            Self::Lost => "lost",
        }
    }
}

/// A store of values that any server may be asked for.
#[derive(Clone, Debug)]
pub enum Store {
    /// One process, which keeps everything to itself.
    Memory(Memory),
    /// Several processes, or one that is restarted.
    Shared(Shared),
}

impl Store {
    /// Keeps a value for `lifetime`, in place of an older one.
    pub async fn put(
        &self,
        name: Name,
        value: Secret,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        match self {
            Self::Memory(memory) => {
                memory.put(name, value, lifetime);
                Ok(())
            }
            Self::Shared(shared) => shared.put(&name, &value, lifetime).await,
        }
    }

    /// The value, while it lives.
    pub async fn get(&self, name: &Name) -> Result<Option<Secret>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.get(name)),
            Self::Shared(shared) => shared.get(name).await,
        }
    }

    /// The value, which nobody else gets any more.
    pub async fn take(&self, name: &Name) -> Result<Option<Secret>, StoreError> {
        match self {
            Self::Memory(memory) => Ok(memory.take(name)),
            Self::Shared(shared) => shared.take(name).await,
        }
    }
}
