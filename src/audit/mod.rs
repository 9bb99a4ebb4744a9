//! The audit log: logins, refusals, renewals, revocations and changes of keys, as lines of JSON.
//!
//! Each line has the SHA-256 hash of the line before it, so that a line that was changed or
//! taken out shows. `docs/audit.md` says what that proves, and what it does not.

mod appending;
mod chain;
mod event;
mod file;
mod recorder;
mod repeats;
mod target;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use chain::LineHash;
pub(crate) use event::AuditEvent;
pub(crate) use file::AuditFile;
pub(crate) use recorder::AuditLog;
pub(crate) use repeats::Occasion;
pub use target::AuditTarget;
pub(crate) use verify::{Verification, Verifier};
