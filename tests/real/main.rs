//! authseal among programs of other people: a browser, an authorization server,
//! a JOSE library, an accessibility checker. `tests/run` installs them.

#[path = "../support/mod.rs"]
mod support;

mod axe;
mod browser;
mod callback;
mod demo;
mod devtools;
mod jose;
mod keyboard;
mod login;
mod oidc;
mod other_program;
mod pages;
mod site;
