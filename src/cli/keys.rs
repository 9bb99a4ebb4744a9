//! `authseal keys`: manages the keys folder.

mod at_rest;
mod list;
mod replace;

use std::{
    io::{self, BufRead, IsTerminal, Write},
    time::Duration,
};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{CliError, audit, in_runtime, output::say};
use crate::{
    app::with_new_key,
    clock::{Clock, UnixTime},
    config::load_keyring,
    environment::Environment,
    keyring::{Jwk, KeyFolder, KeySet, KeyState, Keyring},
};

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key. It opens at once, and seals when it is activated
    New(New),
    /// List the keys, the oldest first
    List(Output),
    /// Set a key's end: from then on it opens nothing
    Retire(Retire),
    /// Replace leaked keys by a new one, in one step: what they sealed opens nowhere
    Replace(replace::ReplaceArguments),
    /// Delete a key's file: nothing that it sealed opens any more
    Remove(Remove),
    /// Encrypt the keys in the folder under AUTHSEAL_KEYS_PASSPHRASE
    Protect(Output),
    /// Write the keys in the folder in clear again
    Unprotect(Output),
    /// Print all keys as a JWK Set, for AUTHSEAL_KEYS. It is as secret as the keys
    Export(at_rest::Export),
}

#[derive(Debug, Args)]
pub(super) struct Output {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// Time in which the key only opens, before it seals, such as 10m: time to reach
    /// every server that shares the keys
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    activate_in: Duration,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct Retire {
    /// The key's id
    kid: String,
    /// Time of the end: a date or time such as 2030-01-31 or 2030-01-31T12:00:00Z, a
    /// duration from now such as 30d, or never. Without it, the key ends at once
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Set the end even if no other key could seal then
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The key's id
    kid: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(command: KeysCommand) -> Result<(), CliError> {
    let environment = Environment::of_process();
    let now = Clock::system().now();
    let keyring = load_keyring(&environment)?;
    let keys = keyring.current();
    match command {
        KeysCommand::New(arguments) => new(&environment, &folder(&keyring)?, now, &arguments),
        KeysCommand::List(output) => {
            in_runtime(list::list(&environment, &keyring, now, output.json))
        }
        KeysCommand::Retire(arguments) => {
            retire(&environment, &folder(&keyring)?, &keys, now, &arguments)
        }
        KeysCommand::Replace(arguments) => {
            replace::replace(&environment, &folder(&keyring)?, &keys, now, &arguments)
        }
        KeysCommand::Remove(arguments) => {
            remove(&environment, &folder(&keyring)?, &keys, now, &arguments)
        }
        KeysCommand::Protect(output) => {
            at_rest::protect(&environment, &folder(&keyring)?, now, output.json)
        }
        KeysCommand::Unprotect(output) => {
            at_rest::unprotect(&environment, &folder(&keyring)?, output.json)
        }
        KeysCommand::Export(arguments) => at_rest::export(&environment, &keyring, &arguments),
    }
}

fn folder(keyring: &Keyring) -> Result<KeyFolder, CliError> {
    let folder = keyring.folder();
    folder.ok_or_else(|| "the keys are in AUTHSEAL_KEYS: change them where you set it".into())
}

fn new(
    environment: &Environment,
    folder: &KeyFolder,
    now: UnixTime,
    arguments: &New,
) -> Result<(), CliError> {
    let key = folder.create_key(now, arguments.activate_in)?;
    let event = with_new_key(audit::by_command("key_made"), &key);
    audit::record(environment, &[event]);
    if arguments.output.json {
        say!(
            "{}",
            json!({"kid": key.kid, "activates": key.nbf.to_string()})
        );
    } else {
        say!("Made {}, which seals from {} on.", key.kid, key.nbf);
        say!("Back up {}.", folder.path().display());
    }
    Ok(())
}

fn retire(
    environment: &Environment,
    folder: &KeyFolder,
    keys: &KeySet,
    now: UnixTime,
    arguments: &Retire,
) -> Result<(), CliError> {
    let key = find(keys, &arguments.kid)?;
    if let Some(replaced) = &key.replaced {
        return Err(format!(
            "{} leaked and was replaced by {}: it opens nothing, and stays so. If that was a \
             mistake: authseal keys replace --undo {}",
            key.kid, replaced.by, key.kid
        )
        .into());
    }
    let at = match arguments.at.as_deref() {
        None => Some(now),
        Some("never") => None,
        Some(text) => Some(parse_time(text, now)?),
    };
    if let Some(at) = at.filter(|_| !arguments.force) {
        let mut others = keys.iter().filter(|other| other.kid != key.kid);
        if !others.any(|other| other.seals_at(at)) {
            return Err(format!(
                "no other key could seal at {at}: make one first with authseal keys new, or add \
                 --force"
            )
            .into());
        }
    }
    folder.retire_key(&key.kid, at)?;
    let ends = at.map(|at| at.to_string());
    let event = audit::by_command("key_retired").with("kid", key.kid.as_str());
    audit::record(environment, &[event.with("ends", ends)]);
    match at {
        _ if arguments.output.json => say!(
            "{}",
            json!({"kid": key.kid, "ends": at.map(|at| at.to_string())})
        ),
        Some(at) => say!("{} opens nothing from {at} on.", key.kid),
        None => say!("{} has no end any more.", key.kid),
    }
    Ok(())
}

fn parse_time(text: &str, now: UnixTime) -> Result<UnixTime, CliError> {
    if let Ok(duration) = humantime::parse_duration(text) {
        return Ok(now.plus(duration));
    }
    UnixTime::parse(text).ok_or_else(|| {
        "write the time like 2030-01-31T12:00:00Z, a duration from now like 30d, or never".into()
    })
}

fn remove(
    environment: &Environment,
    folder: &KeyFolder,
    keys: &KeySet,
    now: UnixTime,
    arguments: &Remove,
) -> Result<(), CliError> {
    let kid = &arguments.kid;
    let dies = match find(keys, kid) {
        Ok(key) => {
            refuse_to_open_a_leaked_one(keys, key)?;
            what_dies(kid, keys.state(key, now))
        }
        Err(_) if folder.is_removed(kid)? => {
            // The command that removed it may have failed before that was on disk.
            folder.remove_key(kid, now)?;
            return say_removed(kid, arguments.output.json);
        }
        // The file is gone already, but a missing file alone does not make a running
        // server drop the key.
        Err(_) if folder.may_miss(kid)? => {
            format!("{kid}.jwk is gone already. A server that still has {kid} drops it.")
        }
        Err(error) => return Err(error),
    };
    if !arguments.yes && !confirm(&dies)? {
        return Err("nothing was removed".into());
    }
    folder.remove_key(kid, now)?;
    let event = audit::by_command("key_removed").with("kid", kid.as_str());
    audit::record(environment, &[event]);
    say_removed(kid, arguments.output.json)
}

fn say_removed(kid: &str, as_json: bool) -> Result<(), CliError> {
    match as_json {
        true => say!("{}", json!({"kid": kid, "removed": true})),
        false => say!("{kid} is removed."),
    }
    Ok(())
}

/// Refuses to remove a key whose file names a leaked key that it replaced, while a server
/// may still have the leaked one: that one would open AuthIDs again.
fn refuse_to_open_a_leaked_one(keys: &KeySet, key: &Jwk) -> Result<(), CliError> {
    let is_replaced_by_it = |other: &&Jwk| {
        let replaced = other.replaced.as_ref();
        replaced.is_some_and(|replaced| replaced.by == key.kid)
    };
    let here = keys.iter().find(is_replaced_by_it);
    let here = here.map(|leaked| leaked.kid.as_str());
    let mut missing = keys.missing();
    let leaked = here.or_else(|| missing.find(|kid| key.replaces.iter().any(|it| it == kid)));
    match leaked {
        None => Ok(()),
        Some(leaked) => Err(format!(
            "without {} the leaked key {leaked} would open again: remove {leaked} first",
            key.kid
        )
        .into()),
    }
}

fn what_dies(kid: &str, state: KeyState) -> String {
    match state {
        KeyState::Retired => format!("{kid} is retired: nothing opens with it any more."),
        KeyState::Pending => format!("{kid} has not sealed yet."),
        KeyState::Opening => {
            format!("No AuthID that {kid} sealed opens any more: their holders must log in again.")
        }
        KeyState::Sealing => format!(
            "{kid} is the key that seals now. No AuthID that it sealed will open any more: their \
             holders must log in again."
        ),
    }
}

fn confirm(what: &str) -> Result<bool, CliError> {
    if !io::stdin().is_terminal() {
        return Err(
            format!("{what} There is no terminal to ask for confirmation: add --yes").into(),
        );
    }
    let mut stdout = io::stdout();
    let asked = write!(stdout, "{what} Remove it? [y/N] ").and_then(|()| stdout.flush());
    asked.map_err(|error| {
        format!("nothing was removed: the question could not be printed ({error}). Add --yes")
    })?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn find<'k>(keys: &'k KeySet, kid: &str) -> Result<&'k Jwk, CliError> {
    keys.iter()
        .find(|key| key.kid == kid)
        .ok_or_else(|| format!("there is no key {kid}: authseal keys list shows them").into())
}
