//! Everything that needs no other program: authseal in this process, with the
//! demo provider or one that misbehaves on purpose.

#[path = "../support/mod.rs"]
mod support;

mod advice;
mod authid;
mod broken_authids;
mod demo;
mod demo_provider;
mod emulators;
mod faults;
mod generations;
mod hand_over;
mod jottacloud;
mod jsonp;
mod keys;
mod layers;
mod leaks;
mod login;
mod login_cookie;
mod login_failures;
mod openers;
mod own_provider;
mod pages;
mod pcloud;
mod providers;
mod refresh;
mod revoke;
mod scripting;
mod services;
mod serving;
mod settings;
mod slow_faults;
mod tables;
mod visits;
