//! What is said to the providers, by the rules of OAuth 2.0 (RFC 6749) and by
//! the quirks that providers.toml lists. The only user of the `oauth2` crate.

mod catalog;
mod client;
mod error;
mod table;
mod token_response;

pub use catalog::Catalog;
pub use client::{Authorization, ProviderClient};
pub use error::ProviderError;
pub use table::{ClientAuthentication, Credentials, Provider, RefreshTokens, Service};
pub use token_response::Tokens;
