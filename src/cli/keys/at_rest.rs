//! `authseal keys protect`, `unprotect` and `export`: the form in which keys are stored.

use clap::Args;
use serde_json::json;

use crate::{
    cli::{CliError, audit, output::say},
    clock::UnixTime,
    environment::Environment,
    keyring::{KeyFolder, Keyring},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// Print JSON in clear, also where AUTHSEAL_KEYS_PASSPHRASE is set: without this the
    /// set is encrypted then, and AUTHSEAL_KEYS wants the same passphrase
    #[arg(long)]
    plain: bool,
    /// Print JSON; the set in clear is JSON anyway
    #[arg(long)]
    json: bool,
}

pub(super) fn protect(
    environment: &Environment,
    folder: &KeyFolder,
    now: UnixTime,
    as_json: bool,
) -> Result<(), CliError> {
    let protected = folder.protect_keys(now)?;
    record_all(environment, "keys_protected", &protected);
    if as_json {
        say!("{}", json!({ "protected": protected }));
    } else if protected.is_empty() {
        say!("There is no plain key in {}.", folder.path().display());
    } else {
        say!("Encrypted: {}.", protected.join(", "));
        say!(
            "Keep the passphrase elsewhere: without it no key can be read. Older backups hold the keys in clear."
        );
    }
    Ok(())
}

pub(super) fn unprotect(
    environment: &Environment,
    folder: &KeyFolder,
    as_json: bool,
) -> Result<(), CliError> {
    let plain = folder.unprotect_keys()?;
    record_all(environment, "keys_unprotected", &plain);
    if as_json {
        say!("{}", json!({ "unprotected": plain }));
    } else if plain.is_empty() {
        say!("There is no protected key in {}.", folder.path().display());
    } else {
        say!("In clear now: {}.", plain.join(", "));
        say!("While AUTHSEAL_KEYS_PASSPHRASE is set, new keys are encrypted.");
    }
    Ok(())
}

/// Records a change of these keys, if there are any.
fn record_all(environment: &Environment, event: &'static str, kids: &[String]) {
    if !kids.is_empty() {
        let event = audit::by_command(event).with("kids", kids);
        audit::record(environment, &[event]);
    }
}

pub(super) fn export(
    environment: &Environment,
    keyring: &Keyring,
    arguments: &Export,
) -> Result<(), CliError> {
    if arguments.json && !arguments.plain && keyring.has_passphrase() {
        return Err(
            "with AUTHSEAL_KEYS_PASSPHRASE the set is encrypted, which is no JSON: add --plain for \
             the keys in clear, or leave out --json"
                .into(),
        );
    }
    let kids: Vec<String> = keyring
        .current()
        .iter()
        .map(|key| key.kid.clone())
        .collect();
    record_all(environment, "keys_exported", &kids);
    say!("{}", keyring.export(arguments.plain).expose());
    Ok(())
}
