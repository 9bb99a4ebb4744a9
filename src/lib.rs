//! authseal: a self-hosted OAuth token-sealing proxy.
//!
//! A person logs in once; the refresh token is sealed into a string, the AuthID,
//! which its holder trades for access tokens. The server keeps nothing.
//!
//! This is the map. A module imports only from layers below its own; siblings
//! never import each other. `tests/it/layers.rs` holds the code to this table:
//!
//! ```text
//! cli
//! app
//! config
//! server
//! refresh login
//! oauth_server
//! provider seal demo
//! keyring outbound listen store
//! audit
//! limit file_lock
//! secret clock public_url telemetry pages environment invisible percent json_text
//! regular_file
//! ```
//!
//! The path of one request, from socket to provider and back:
//! `listen::HttpServer::serve` → `server::dispatch` → `server::handlers` → `login` or `refresh` →
//! `seal`, `provider` → `outbound`; errors come back through `server::errors`.

#![warn(missing_docs)]

// Public is what the program, tests and benchmarks import. Everything else is private, so that
// rustc sees dead code.

pub mod app;
mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod environment;
mod file_lock;
mod invisible;
mod json_text;
pub mod keyring;
mod limit;
pub mod listen;
pub mod login;
pub mod oauth_server;
pub mod outbound;
mod pages;
mod percent;
pub mod provider;
pub mod public_url;
pub mod refresh;
mod regular_file;
pub mod seal;
pub mod secret;
pub mod server;
pub mod store;
pub mod telemetry;
