//! Reasons why the folder of a store cannot be used.

use std::{io, path::PathBuf};

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};
use thiserror::Error;

/// The folder of a store cannot be used. No message holds a name or a value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FileFault {
    /// Another process has the folder's lock.
    #[error(
        "another authseal uses it, {holder}; two servers must not share a folder. Stop that one, or \
         use a Redis for both"
    )]
    InUse {
        /// Process and host, as the other one wrote them into the lock file.
        holder: String,
    },
    /// Others may read or write the folder or a file, or it belongs to another user.
    #[error("{problem}")]
    Exposed {
        /// The problem, with the command that mends it.
        problem: String,
    },
    /// The folder or its file is gone.
    #[error(
        "{} has existed and is missing; nothing was made in its place. Mount its volume, or restore \
         it from a backup. To begin without the logins that were in it, delete the store's {history} \
         too", path.display()
    )]
    Missing {
        /// The file that is missing.
        path: PathBuf,
        /// Name of the file that says that it has existed.
        history: &'static str,
    },
    /// There is no store in the folder, or no folder, and none may be made.
    #[error("there is no store in that folder")]
    Absent,
    /// The file is not one that authseal wrote, or was changed.
    #[error(
        "{} is damaged ({cause}); no other is made in its place. Restore it from a backup, or move it away \
         together with the store's {history}: logins of single-use providers are then lost",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Error message of the engine.
        cause: String,
        /// Name of the file that says that it has existed.
        history: &'static str,
    },
    /// A newer authseal wrote the file.
    #[error("it has format {format}, of a newer authseal; use that version")]
    Newer {
        /// The format version in the file.
        format: u64,
    },
    /// The file was removed, or another was put in its place, while it was in use.
    #[error(
        "its file was moved, deleted or replaced while authseal used it, or its volume is gone; put \
         it back"
    )]
    Vanished,
    /// No space is left, or a quota or limit is reached.
    #[error("no space is left on its volume; make room")]
    Full,
    /// The volume is read-only.
    #[error(
        "its volume is read-only; a disk with errors is often made so. Look at the system's log"
    )]
    ReadOnly,
    /// The file system has no locks.
    #[error(
        "its file system has no locks, so that nothing keeps a second server out; use a folder on a \
         local disk"
    )]
    NoLocks,
    /// Another error of the operating system.
    #[error("{cause}")]
    System {
        /// Its message.
        cause: String,
    },
}

impl FileFault {
    /// True if the server must not start: another one runs, or the folder has to be made
    /// safe first.
    pub fn is_of_setup(&self) -> bool {
        matches!(self, Self::InUse { .. } | Self::Exposed { .. })
    }
}

/// An error of the engine, before it is known which file it is about.
#[derive(Debug)]
pub(super) enum EngineError {
    Damaged(String),
    Fault(FileFault),
}

impl From<io::Error> for EngineError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::UnexpectedEof | Kind::InvalidData => Self::Damaged(error.to_string()),
            _ => Self::Fault(error.into()),
        }
    }
}

impl From<io::Error> for FileFault {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => Self::Full,
            Kind::ReadOnlyFilesystem => Self::ReadOnly,
            Kind::StaleNetworkFileHandle => Self::Vanished,
            _ if error.get_ref().is_some_and(|inner| inner.is::<Self>()) => {
                let inner = error.into_inner().and_then(|inner| inner.downcast().ok());
                *inner.expect("it is one")
            }
            _ => Self::System {
                cause: error.to_string(),
            },
        }
    }
}

impl From<StorageError> for EngineError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Io(error) => error.into(),
            StorageError::Corrupted(cause) => Self::Damaged(cause),
            other => Self::Fault(FileFault::System {
                cause: other.to_string(),
            }),
        }
    }
}

/// Converts errors of the engine that may be about the file or about the engine's use.
macro_rules! engine_errors {
    ($($error:ident),*) => {
        $(impl From<$error> for EngineError {
            fn from(error: $error) -> Self {
                match error {
                    $error::Storage(error) => error.into(),
                    other => Self::Damaged(other.to_string()),
                }
            }
        })*
    };
}

engine_errors!(CommitError, DatabaseError, TableError, TransactionError);
