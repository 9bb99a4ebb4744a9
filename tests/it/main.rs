//! Everything that needs no other program: authseal in this process, with the
//! demo provider or one that misbehaves on purpose.

#[path = "../support/mod.rs"]
mod support;

mod login;
