//! What the test binaries need: an authseal with a provider, a provider that does
//! what a test says, and a browser made of plain requests.

// Each binary uses only a part of it.
#![allow(dead_code, unused_imports)]

mod aes_crypt;
mod answers;
mod authorization;
mod browser;
mod builder;
pub mod clients;
mod demo_settings;
mod dying_provider;
pub mod emulators;
mod finished;
pub mod hand_over;
mod http;
mod installation;
mod program;
mod public_demo;
mod random;
mod scrape;
mod scripted_provider;
mod slow_client;
mod sockets;
mod stranger;
mod test_app;

pub use aes_crypt::aes_crypt;
pub use answers::{Gate, Piece, answer, json, tokens};
pub use authorization::{begin, callback, log_in_by_script, parameter};
pub use browser::Browser;
pub use builder::TestAppBuilder;
pub use demo_settings::{APPLICATIONS, CLIENT_SECRET};
pub use dying_provider::{Death, DyingProvider};
pub use finished::Finished;
pub use http::{Answer, Client, form_request, get, header, post_form, send};
pub use installation::{Installation, ServerProcess};
pub use program::{Program, free_port, run, run_with_input, shell, std_command};
pub use public_demo::PublicDemo;
pub use random::Random;
pub use scrape::Scrape;
pub use scripted_provider::{Asked, ScriptedProvider, gated};
pub use slow_client::{begin_to_stop, connect, hang_up, is_unserved, rest_of, send_refresh};
pub use sockets::{kept_alive, kept_alive_by_server, watched};
pub use stranger::{BegunLogin, believing, elsewhere, revocable};
pub use test_app::{TestApp, authid_on, hand_over_form, login_link, login_links, seal};

/// Longer than anything takes that is going to happen, on a busy machine too.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// The file of the only key in a folder, which may hold other files as well.
pub fn key_file(folder: &std::path::Path) -> std::path::PathBuf {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut keys = paths.filter(|path| path.extension().is_some_and(|it| it == "jwk"));
    let key = keys.next().expect("a key");
    assert_eq!(keys.next(), None);
    key
}

/// Says that a test could not run here. It goes past the capture of `cargo test`, so that it is
/// also seen if the test passes.
pub fn skipped(why: &str) {
    use std::io::Write as _;
    let line = format!("SKIPPED: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Asks again and again until there is an answer.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await;
    answer.unwrap_or_else(|_| panic!("never: {what}"))
}
