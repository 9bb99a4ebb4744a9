//! `authseal keys`.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    time::Duration,
};

use clap::{Args, Subcommand};
use serde_json::json;

use super::Failure;
use crate::{
    clock::{Clock, UnixTime},
    config::key_source,
    environment::Environment,
    keyring::{Jwk, KeyFolder, KeySet, KeySource, KeyState, Keyring},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key. It opens at once, and seals when it is activated
    New(New),
    /// List the keys, the oldest first
    List(Output),
    /// Set a key's end: from then on it opens nothing
    Retire(Retire),
    /// Delete a key's file: nothing that it sealed opens any more
    Remove(Remove),
    /// Print all keys as a JWK Set, for AUTHSEAL_KEYS. It is as secret as the keys
    Export(Output),
}

#[derive(Debug, Args)]
pub(super) struct Output {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// How long it only opens before it seals, such as 10m: time to reach every
    /// server that shares the keys
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    activate_in: Duration,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct Retire {
    /// The key's id
    kid: String,
    /// When: a date or time such as 2030-01-31 or 2030-01-31T12:00:00Z, a duration
    /// from now such as 30d, or never. At once, if left out
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Also when no other key could seal then
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The key's id
    kid: String,
    /// Don't ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    let source = key_source(&Environment::of_process())?;
    let now = Clock::system().now();
    let keys = Keyring::load(source.clone())?.current();
    match command {
        Command::New(arguments) => new(&folder(source)?, now, &arguments),
        Command::List(output) => {
            list(&source, &keys, now, output.json);
            Ok(())
        }
        Command::Retire(arguments) => retire(&folder(source)?, &keys, now, &arguments),
        Command::Remove(arguments) => remove(&folder(source)?, &keys, now, &arguments),
        // JSON is all that it prints.
        Command::Export(_) => {
            let all: Vec<String> = keys
                .iter()
                .map(|key| key.to_json().expose().to_owned())
                .collect();
            println!("{{\"keys\":[{}]}}", all.join(","));
            Ok(())
        }
    }
}

fn folder(source: KeySource) -> Result<KeyFolder, Failure> {
    match source {
        KeySource::Folder(path) => Ok(KeyFolder::new(path)),
        KeySource::Inline(_) => {
            Err("the keys stand in AUTHSEAL_KEYS: change them where you set it".into())
        }
    }
}

fn new(folder: &KeyFolder, now: UnixTime, arguments: &New) -> Result<(), Failure> {
    let key = folder.create_key(now, arguments.activate_in)?;
    if arguments.output.json {
        println!("{}", json!({"kid": key.kid, "activates": key.nbf}));
    } else {
        println!("Made {}, which seals from {} on.", key.kid, key.nbf);
        println!("Back up {}.", folder.path().display());
    }
    Ok(())
}

fn list(source: &KeySource, keys: &KeySet, now: UnixTime, as_json: bool) {
    if as_json {
        let all: Vec<_> = keys.iter().map(|key| described(keys, key, now)).collect();
        println!("{}", json!({ "keys": all }));
        return;
    }
    if keys.is_empty() {
        println!(
            "There is no key yet in {source}. authseal keys new, or authseal serve, makes one."
        );
        return;
    }
    println!(
        "{:<10} {:<8} {:>8}  activates             ends",
        "kid", "state", "age"
    );
    for key in keys.iter() {
        println!(
            "{:<10} {:<8} {:>8}  {}  {}",
            key.kid,
            keys.state(key, now).as_str(),
            in_words(now.since(key.iat)),
            key.nbf,
            key.exp.map_or("never".to_owned(), |exp| exp.to_string())
        );
    }
}

fn described(keys: &KeySet, key: &Jwk, now: UnixTime) -> serde_json::Value {
    json!({
        "kid": key.kid,
        "state": keys.state(key, now).as_str(),
        "made": key.iat,
        "activates": key.nbf,
        "ends": key.exp,
        "age_seconds": now.since(key.iat).as_secs(),
    })
}

/// The largest unit alone: "3d", "5h".
fn in_words(age: Duration) -> String {
    let words = humantime::format_duration(Duration::from_secs(age.as_secs())).to_string();
    words.split(' ').next().unwrap_or_default().to_owned()
}

fn retire(
    folder: &KeyFolder,
    keys: &KeySet,
    now: UnixTime,
    arguments: &Retire,
) -> Result<(), Failure> {
    let key = find(keys, &arguments.kid)?;
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
    match at {
        _ if arguments.output.json => println!("{}", json!({"kid": key.kid, "ends": at})),
        Some(at) => println!("{} opens nothing from {at} on.", key.kid),
        None => println!("{} has no end any more.", key.kid),
    }
    Ok(())
}

fn parse_time(text: &str, now: UnixTime) -> Result<UnixTime, Failure> {
    if let Ok(duration) = humantime::parse_duration(text) {
        return Ok(now.plus(duration));
    }
    let time = humantime::parse_rfc3339(text)
        .or_else(|_| humantime::parse_rfc3339(&format!("{text}T00:00:00Z")))
        .map_err(
            |_| "write the time like 2030-01-31T12:00:00Z, a duration from now like 30d, or never",
        )?;
    Ok(UnixTime::from(time))
}

fn remove(
    folder: &KeyFolder,
    keys: &KeySet,
    now: UnixTime,
    arguments: &Remove,
) -> Result<(), Failure> {
    let key = find(keys, &arguments.kid)?;
    let state = keys.state(key, now);
    if !arguments.yes && !confirm(&what_dies(&key.kid, state))? {
        return Err("nothing was removed".into());
    }
    folder.remove_key(&key.kid)?;
    if arguments.output.json {
        println!("{}", json!({"kid": key.kid, "removed": true}));
    } else {
        println!("{} is removed.", key.kid);
    }
    Ok(())
}

fn what_dies(kid: &str, state: KeyState) -> String {
    match state {
        KeyState::Retired => format!("{kid} is retired: nothing opens with it any more."),
        KeyState::Pending => format!("{kid} has not sealed yet."),
        KeyState::Opening => {
            format!("Every AuthID that {kid} sealed dies: their holders must log in again.")
        }
        KeyState::Sealing => format!(
            "{kid} is the key that seals now. Every AuthID that it sealed dies: their holders must \
             log in again."
        ),
    }
}

fn confirm(what: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(format!("{what} Nobody is here to ask; add --yes").into());
    }
    print!("{what} Remove it? [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn find<'k>(keys: &'k KeySet, kid: &str) -> Result<&'k Jwk, Failure> {
    keys.iter()
        .find(|key| key.kid == kid)
        .ok_or_else(|| format!("there is no key {kid}: authseal keys list shows them").into())
}
