//! authseal among programs of other people: a browser, an authorization server,
//! reverse proxies, a JOSE library, OAuth libraries, an accessibility checker.
//! `tests/run` installs them.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "cargo test shows it"
)]

#[path = "../support/mod.rs"]
mod support;

mod activation;
mod axe;
mod browser;
mod callback;
mod chart;
mod contact_sheets;
mod demo;
mod deploy_files;
mod devtools;
mod firefox;
mod foreign_opener;
mod hanging;
mod https_opener;
mod jose;
mod keyboard;
mod libraries;
mod login;
mod moving_in;
mod namespaces;
mod new_ui;
mod oidc;
mod old_ui;
mod opener;
mod other_program;
mod package;
mod page;
mod pages;
mod prometheus;
mod proxies;
mod rclone;
mod replicas;
mod revoke;
mod search;
mod site;
mod store_faults;
mod system_faults;
mod terminal;
mod windows;
