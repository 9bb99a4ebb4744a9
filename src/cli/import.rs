//! `authseal import`: converts old AuthIDs to sealed ones.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};

use super::{
    CliError, audit,
    output::{self, say},
    progress::TerminalCount,
    secret_input,
};
use crate::{
    clock::{Clock, UnixTime},
    config::Config,
    environment::Environment,
    keyring::CurrentKeys,
    oauth_server::{OldAuthId, OldAuthIds},
    provider::Catalog,
    seal::{self, LimitPolicy, OpenError},
    secret::Secret,
};

/// The parts that are needed to open old AuthIDs and seal new ones.
struct Importer {
    catalog: Catalog,
    keys: CurrentKeys,
    old_authids: OldAuthIds,
    new_limits: LimitPolicy,
    now: UnixTime,
}

/// Arguments of `authseal import`.
#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// Print the counts and notes as JSON too, in a last line of standard output
    #[arg(long)]
    json: bool,
}

/// Prints one JSON line for each AuthID on standard input. Sends no request to providers:
/// the first refresh shows if a login is still valid.
pub(super) fn import(arguments: &ImportArguments) -> Result<(), CliError> {
    let environment = Environment::of_process();
    let config = Config::load(environment.clone())?;
    let importer = Importer {
        catalog: config.offer.catalog,
        keys: config.keyring.current(),
        // Accepts AuthIDs in clear regardless of AUTHSEAL_ACCEPT_V2_PLAIN: the
        // administrator runs this command.
        old_authids: OldAuthIds::new(true, config.old_authids.v1_storage, Clock::system()),
        new_limits: config.new_limits,
        now: Clock::system().now(),
    };
    let (mut done, mut failed) = (0, 0);
    let mut notes = BTreeMap::new();
    let mut progress = TerminalCount::begin();
    for (index, line) in secret_input::lines()?.enumerate() {
        let line = line?;
        let authid = line.trim();
        if authid.is_empty() {
            continue;
        }
        let mut answer = match importer.import(authid) {
            Ok(answer) => {
                done += 1;
                notes.extend(importer.note(&answer));
                answer
            }
            Err(error) => {
                failed += 1;
                json!({ "error": error.to_string() })
            }
        };
        answer["line"] = json!(index + 1);
        say!("{answer}");
        progress.show(format_args!("{done} sealed, {failed} not"));
        if output::is_broken() {
            // What is sealed from here on would be lost.
            break;
        }
    }
    drop(progress);
    if done > 0 {
        let event = audit::by_command("imported").with("count", done);
        audit::record(&environment, &[event]);
    }
    if arguments.json {
        say!(
            "{}",
            json!({ "sealed": done, "failed": failed, "notes": notes })
        );
    } else {
        output::remark(format_args!("{done} sealed, {failed} not"));
        for (service, note) in notes {
            output::remark(format_args!("{service}: {note}"));
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err("the lines with \"error\" were not sealed".into()),
    }
}

impl Importer {
    fn import(&self, authid: &str) -> Result<Value, CliError> {
        let authid = match seal::open_pasted(&self.keys, self.now, authid) {
            // The AuthID is sealed already.
            Ok(pasted) => pasted.authid.unwrap_or_else(|| Secret::new(authid)),
            Err(error @ OpenError::NotAnAuthId(_)) => match self.old_authids.parse(authid) {
                Some(Ok(old)) => self.seal(old)?,
                Some(Err(_)) => {
                    return Err("set AUTHSEAL_V1_STORAGE to the folder of V1 AuthIDs".into());
                }
                None => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        };
        let service = seal::named_service(authid.expose());
        Ok(json!({ "authid": authid.expose(), "type": service }))
    }

    /// Returns the service of a sealed AuthID with its note, which matters to somebody who
    /// changes the client id while moving.
    fn note(&self, answer: &Value) -> Option<(String, String)> {
        let service = self.catalog.find(answer["type"].as_str()?)?;
        Some((service.id.clone(), service.note.clone()?))
    }

    fn seal(&self, old: OldAuthId) -> Result<Secret, CliError> {
        let mut grant = self.old_authids.open_blocking(old, self.now)?;
        let Some(service) = self.catalog.find(&grant.service) else {
            return Err(format!("this server does not offer {}", grant.service).into());
        };
        grant.service = service.id.as_str().into();
        grant.terms = self.new_limits.terms_at(self.now);
        Ok(seal::seal(&self.keys, self.now, &grant)?)
    }
}
