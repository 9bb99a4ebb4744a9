//! Trades an AuthID for an access token:
//! open → revoked? → cache → one shared call per lineage → provider → reseal.

mod authid_reader;
mod cache;
mod carried_call;
mod client_fault;
mod engine;
mod error;
mod inspect;
mod limit_checks;
mod lineages;
mod login_memory;
mod login_state;
mod newest_grant;
mod news;
mod presented;
mod provider_call;
mod recent_revocations;
mod reseal;
mod revoke;
mod rotation;
mod send_permit;
mod shared_calls;
mod store_writer;

pub use authid_reader::AuthIdReader;
pub use client_fault::{ClientFault, ClientFaultKind};
pub use engine::{RefreshEngine, Refreshed};
pub use error::{NewestUnknown, RefreshError};
pub use inspect::{AuthIdReport, LoginStanding, ReportedKey};
pub use news::NewsFollower;
pub use presented::PresentedAuthId;
pub use revoke::RevokeError;
