//! Everything that needs no other program: authseal in this process, with the
//! demo provider or one that misbehaves on purpose.

#[path = "../support/mod.rs"]
mod support;

mod authid;
mod broken_authids;
mod demo;
mod demo_provider;
mod faults;
mod generations;
mod keys;
mod layers;
mod leaks;
mod login;
mod login_cookie;
mod login_failures;
mod pages;
mod providers;
mod refresh;
mod serving;
mod settings;
mod slow_faults;
mod tables;
