//! Storage of sealed values by name, for a limited time: in the memory of this process, in a
//! folder of this machine, or in a Redis that several processes share.
//!
//! Names are hashes, and values are envelopes. The server can open one only for a client
//! that presents the AuthID or token that it belongs to.

mod address;
mod availability;
mod connection;
mod entry;
mod file_store;
mod inspection;
mod lease;
mod listing;
mod login_store;
mod memory;
mod news;
mod one_time;
mod redis_store;
mod swap;
mod turn;
mod url;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use thiserror::Error;

pub use address::StoreAddress;
pub use entry::{CopyReport, CopySide, Entry, StoreContents};
pub use file_store::{Creation, Disk, DiskCall, FileFault, FileStore};
pub(crate) use inspection::StoreInspection;
pub use login_store::{Lease, LoginStore};
pub use memory::Memory;
pub use news::{NEWS_LIFETIME, News};
pub use one_time::{OneTime, OneTimeMemory, OneTimeStore};
pub use redis_store::RedisStore;
pub use turn::{LeaseTimes, Phase, Record, StoreTime, TurnState};
pub use url::StoreUrl;

/// Lifetime of a login's state: at least that of any unused refresh token (`idle_days` in
/// providers.toml).
pub const LOGIN_LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// Name of a value: a hash, so that the store's contents reveal no lineage or token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name([u8; 32]);

impl Name {
    /// Makes the name of the secret `key`, different for each `kind` of value.
    pub fn new(kind: &str, key: &[u8]) -> Self {
        let hash = digest(&SHA256, &[kind.as_bytes(), b"\0", key].concat());
        let mut name = [0; 32];
        name.copy_from_slice(hash.as_ref());
        Self(name)
    }

    /// Makes the name of another `kind` of value about the same thing.
    pub fn about(&self, kind: &str) -> Self {
        Self::new(kind, &self.0)
    }

    fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Parses base64url.
    fn parse(text: &str) -> Option<Self> {
        let mut name = [0; 32];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut name).ok()?;
        (length == name.len()).then_some(Self(name))
    }
}

/// A command to the store failed, or a lease could not be had. No error holds a name or a
/// value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// No connection. Check that the address is right and that Redis runs.
    #[error("cannot be reached: {cause}")]
    Unreachable {
        /// Error message of the client library.
        cause: String,
    },
    /// Redis answers with an error: it is full, read-only, or requires another password.
    #[error("refuses: {cause}")]
    Refused {
        /// Error message of Redis.
        cause: String,
    },
    /// The folder cannot be used.
    #[error("cannot be used: {0}")]
    File(FileFault),
    /// Redis or the disk did not answer in time.
    #[error("does not answer in time")]
    TooSlow,
    /// Another server has the lease on this name and did not end it in time.
    #[error("is waiting for another server that is refreshing the same login")]
    Held,
    /// Another server sent a refresh token and has not stored the result; it may have lost
    /// Redis.
    #[error("is waiting for another server that has not stored the result of a refresh")]
    Owed {
        /// Remaining wait until another server may take the name over, at most.
        free_in: Duration,
    },
    /// Another server has taken over this server's lease.
    #[error("has given this login to another server")]
    Lost,
}

impl StoreError {
    /// Returns the name of the failure for metrics.
    fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Refused { .. } => "refused",
            Self::File(_) => "unusable",
            Self::TooSlow => "too_slow",
            Self::Held => "held",
            Self::Owed { .. } => "owed",
            Self::Lost => "lost",
        }
    }
}
