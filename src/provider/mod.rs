//! Calls to the providers, by the rules of OAuth 2.0 (RFC 6749) and with the quirks that
//! providers.toml lists. The only module that uses the `oauth2` crate.

mod account;
mod advice;
mod attempt;
mod breaker;
mod callback;
mod catalog;
mod client;
mod confirmation;
mod error;
mod error_answer;
mod error_code;
mod error_members;
mod lane;
mod realm;
mod refresh_request;
mod refusal;
mod refused_answer;
mod retries;
mod revocation;
mod salvage;
mod scope;
mod table;
mod token_endpoint;
mod token_response;

pub use advice::{AdviceTable, CallPhase, Cure};
pub use attempt::{Attempt, Patience, RefreshAnswer};
pub use breaker::LoginTag;
pub use callback::{Issuers, RedirectPath};
pub use catalog::{Catalog, RealmOwner, Withheld};
pub use client::{Account, CodeExchange, ProviderClient};
pub use error::ProviderError;
pub use lane::{Caller, Try};
pub use realm::Realm;
pub use refusal::Refusal;
pub use retries::RetryPauses;
pub use revocation::GrantTokens;
pub use table::{
    ClientAuthentication, Credentials, EndpointUrl, LoginMethod, Provider, Rclone, RefreshTokens,
    Region, RevocationEndpoint, RevocationMethod, Service,
};
pub use token_response::Tokens;
