//! Everything that needs no other program: authseal in this process, with the
//! demo provider or one that misbehaves on purpose.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "cargo test shows it"
)]

#[path = "../support/mod.rs"]
mod support;

mod access_log;
mod advice;
mod authid;
mod authid_commands;
mod broken_authids;
mod cancelled;
mod citations;
mod clients;
mod command_output;
mod config_json;
mod confirmation;
mod connections;
mod demo;
mod demo_provider;
mod disk_full;
mod draining;
mod emulators;
mod endpoints_page;
mod faults;
mod fleet;
mod format_page;
mod forwarded;
mod gates;
mod generations;
mod guesses;
mod hand_over;
mod http2_floods;
mod import;
mod jottacloud;
mod jsonp;
mod key_absence;
mod key_commands;
mod key_faults;
mod key_folder;
mod key_kill;
mod key_leak;
mod key_memory;
mod key_protection;
mod key_reload;
mod key_replaced;
mod keys;
mod lanes;
mod late_forms;
mod layers;
mod leaks;
mod left_alone;
mod lineage_store;
mod lineages;
mod login;
mod login_cookie;
mod login_failures;
mod metrics;
mod mistakes;
mod mix_up;
mod mixed_content;
mod moving_in;
mod names;
mod newest_grant;
mod oauth;
mod old_authids;
mod online;
mod openers;
mod outbound_proxy;
mod outbound_roots;
mod own_provider;
mod pages;
mod passwords;
mod pasted;
mod pcloud;
mod providers;
mod rate_limit;
mod refresh;
mod renew;
mod retries;
mod revocation_rules;
mod revocations;
mod revoke;
mod revoke_commands;
mod revoked_meanwhile;
mod rotation;
mod salvage;
mod scripting;
mod services;
mod serving;
mod set_clock;
mod settings;
mod slow_faults;
mod store_away;
mod strangers;
mod strangers_apart;
mod tables;
mod tls;
mod token;
mod token_errors;
mod turns;
mod unencrypted;
mod unix_socket;
mod unread_log;
mod v2_authid;
mod validity;
mod visits;
mod wide_networks;
