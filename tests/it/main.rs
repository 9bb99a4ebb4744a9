//! Everything that needs no other program: authseal in this process, with the
//! demo provider or one that misbehaves on purpose.

#[path = "../support/mod.rs"]
mod support;

mod advice;
mod authid;
mod authid_commands;
mod broken_authids;
mod demo;
mod demo_provider;
mod disk_full;
mod emulators;
mod faults;
mod fleet;
mod generations;
mod hand_over;
mod jottacloud;
mod jsonp;
mod key_commands;
mod key_faults;
mod key_kill;
mod key_reload;
mod keys;
mod layers;
mod leaks;
mod lineage_store;
mod lineages;
mod login;
mod login_cookie;
mod login_failures;
mod metrics;
mod mistakes;
mod newest_grant;
mod online;
mod openers;
mod own_provider;
mod pages;
mod pcloud;
mod providers;
mod refresh;
mod renew;
mod revoke;
mod revoke_commands;
mod scripting;
mod services;
mod serving;
mod settings;
mod slow_faults;
mod store_away;
mod tables;
mod v2_authid;
mod validity;
mod visits;
