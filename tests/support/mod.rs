//! What the test binaries need: an authseal with a provider, a provider that does
//! what a test says, and a browser made of plain requests.

// Each binary uses only a part of it.
#![allow(dead_code, unused_imports)]

mod answers;
mod browser;
mod builder;
pub mod emulators;
mod http;
mod program;
mod random;
mod scripted_provider;
mod test_app;

pub use answers::{answer, json, tokens};
pub use browser::Browser;
pub use builder::{APPLICATIONS, CLIENT_SECRET, TestAppBuilder};
pub use http::{Answer, Client, form_request, get, header, post_form, send};
pub use program::{Program, free_port, run};
pub use random::Random;
pub use scripted_provider::{Asked, Gate, Piece, ScriptedProvider};
pub use test_app::{TestApp, authid_on, login_link, login_links, seal};

/// Longer than anything takes that is going to happen, on a busy machine too.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
