//! Sealing of AuthIDs, the only records that authseal makes, and of envelopes, for
//! everything else that leaves the server sealed.
//!
//! The functions take keys and time as parameters.

mod authid;
mod authid_name;
mod base64url;
mod client_mark;
mod envelope;
mod grant;
mod grant_text;
mod jwe;
mod limit_fields;
mod limits;
mod members;
mod pasted;
mod terms;

pub use authid::{MAX_AUTHID_BYTES, NotAnAuthId, OpenError, Opened, named_service, open, seal};
pub use authid_name::{AuthIdName, MAX_NAME_CHARACTERS, NotAName};
pub use client_mark::ClientMark;
pub use envelope::{Purpose, open_envelope, seal_envelope};
pub(crate) use grant::LogName;
pub use grant::{Ancestry, Grant, Lineage};
pub use limits::{LimitPolicy, MAX_NETWORKS, MAX_PER_HOUR, UseLimits, Wider};
pub use pasted::{CharacterKind, Flaw, Pasted, bare, find, from_url, open_pasted};
pub use terms::Terms;

use thiserror::Error;

/// No key may seal now: there is none, or every key is retired. Only an administrator can
/// fix this.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("this server has no key that may seal now")]
pub struct NoSealingKey;
