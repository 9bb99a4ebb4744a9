//! Sealing: the AuthID, which is the only record that authseal ever makes, and
//! the envelope for everything else that leaves the server sealed.
//!
//! Functions here are pure: keys and time are parameters.

mod authid;
mod envelope;
mod grant;
mod jwe;

pub use authid::{MAX_AUTHID_BYTES, NotAnAuthId, OpenError, Opened, named_service, open, seal};
pub use envelope::{Purpose, open_envelope, seal_envelope};
pub use grant::{Ancestry, Grant, Lineage};

use thiserror::Error;

/// No key may seal now: there is none, or every one is pending or retired. An
/// administrator's matter.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("this server has no key that may seal now")]
pub struct NoSealingKey;
