//! `authseal revoke`: adds revocations to revoked.txt, or removes them.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{CliError, audit, output::say, secret_input};
use crate::{
    app::with_revocation,
    clock::{Clock, UnixTime},
    config::{key_source, load_keyring, service_ids},
    environment::Environment,
    keyring::{KeyFolder, KeySource, Revocation, Scope},
    oauth_server::OldAuthId,
    seal::{self, AuthIdName, Lineage, OpenError},
};

#[derive(Debug, Args)]
pub(super) struct RevokeArguments {
    /// An AuthID of the login, or its lineage; - or nothing reads it from standard
    /// input
    // A lineage may start with a hyphen.
    #[arg(allow_hyphen_values = true)]
    authid_or_lineage: Option<String>,
    /// A file that contains the AuthID or lineage
    #[arg(long, conflicts_with = "authid_or_lineage")]
    file: Option<PathBuf>,
    #[command(flatten)]
    rule: Rule,
    /// Reason, written to revoked.txt as a comment
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Undo the revocation. A rule without --before: every rule of that service or key, or of all
    #[arg(long)]
    undo: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of a rule, which revokes many logins.
#[derive(Debug, Args)]
struct Rule {
    /// Every login at the service of this id
    #[arg(long, value_name = "ID", group = "scope")]
    service: Option<String>,
    /// Every login whose AuthID was ever sealed under the key of this id
    #[arg(long, value_name = "KID", group = "scope", allow_hyphen_values = true)]
    kid: Option<String>,
    /// Every login of the user of this name, if it is in the AuthID; without --before, those
    /// made until now
    #[arg(long, value_name = "NAME", group = "scope")]
    user: Option<String>,
    /// Every login whose AuthID has this name; without --before, those made until now
    #[arg(long, value_name = "TEXT", group = "scope")]
    label: Option<String>,
    /// Every login
    #[arg(long, group = "scope")]
    all: bool,
    /// Only logins that were made before this time: 2026-11-01, 2026-11-01T12:00:00Z, in UTC,
    /// or now
    #[arg(long, value_name = "TIME", requires = "scope")]
    before: Option<String>,
}

pub(super) fn revoke(mut arguments: RevokeArguments) -> Result<(), CliError> {
    let environment = Environment::of_process();
    let KeySource::Folder(path) = key_source(&environment)? else {
        return Err(
            "with AUTHSEAL_KEYS there is no folder for revoked.txt: revoke at the \
                    provider, or take the key out"
                .into(),
        );
    };
    let folder = KeyFolder::new(&path);
    let revocations = wanted(&environment, &folder, &mut arguments)?;
    let reason = arguments.reason.as_deref();
    let (mut done, mut events) = (Vec::new(), Vec::new());
    let mut outcome = Ok(());
    for revocation in &revocations {
        let changed = folder.set_revoked(revocation, !arguments.undo, reason);
        if let Ok(true) = changed {
            let event = match arguments.undo {
                true => "revocation_undone",
                false => "revoked",
            };
            let event = with_revocation(audit::by_command(event), revocation);
            events.push(event.with_some("note", note(reason)));
        }
        match changed {
            Ok(is_new) if arguments.json => {
                done.push(json!({ "revocation": revocation.to_string(), "changed": is_new }));
            }
            Ok(is_new) => report(&path, revocation, arguments.undo, is_new),
            Err(error) => {
                outcome = Err(error.into());
                break;
            }
        }
    }
    audit::record(&environment, &events);
    if arguments.json {
        let facts = json!({
            "revoked": !arguments.undo,
            "revocations": done,
            "file": path.join("revoked.txt").to_string_lossy(),
            "warnings": damages(&environment),
        });
        // Also after an error: what was changed before it is changed.
        say!("{facts}");
    } else if outcome.is_ok() {
        for warning in damages(&environment) {
            say!("Warning: {warning}");
        }
    }
    outcome
}

/// Returns the revocations that the arguments name.
fn wanted(
    environment: &Environment,
    folder: &KeyFolder,
    arguments: &mut RevokeArguments,
) -> Result<Vec<Revocation>, CliError> {
    let scope = arguments.rule.scope(environment, folder)?;
    let (authid, file) = (arguments.authid_or_lineage.take(), arguments.file.take());
    match (scope, &arguments.rule.before) {
        (None, _) => Ok(vec![login(environment, authid, file)?]),
        (Some(_), _) if authid.is_some() || file.is_some() => {
            Err("give either a login or a rule".into())
        }
        (Some(scope), Some(before)) => Ok(vec![Revocation::Rule(scope, time(before)?)]),
        (Some(scope), None) if arguments.undo => rules(folder, &scope),
        (Some(scope @ (Scope::User(_) | Scope::Label(_))), None) => {
            Ok(vec![Revocation::Rule(scope, time("now")?)])
        }
        (Some(scope), None) => Err(format!(
            "{scope}: add --before with a time, such as --before now: logins that are made \
             after it stay good"
        )
        .into()),
    }
}

impl Rule {
    /// Returns the scope of the rule. An unknown service or key is an error, because the
    /// rule would revoke nothing.
    fn scope(
        &self,
        environment: &Environment,
        folder: &KeyFolder,
    ) -> Result<Option<Scope>, CliError> {
        if self.all {
            return Ok(Some(Scope::All));
        }
        if let Some(service) = &self.service {
            let ids = service_ids(environment);
            let Some(id) = ids.get(service) else {
                return Err(format!(
                    "there is no service {service}: authseal check lists their ids"
                )
                .into());
            };
            return Ok(Some(Scope::Service(id.clone())));
        }
        let name = |text: &str| {
            let name = AuthIdName::new(text).map_err(|why| format!("the name {why}"))?;
            Ok::<_, CliError>(name.as_str().to_owned())
        };
        if let Some(user) = &self.user {
            return Ok(Some(Scope::User(name(user)?)));
        }
        if let Some(label) = &self.label {
            return Ok(Some(Scope::Label(name(label)?)));
        }
        let Some(kid) = &self.kid else {
            return Ok(None);
        };
        // A leaked key whose file is gone is named in the key that replaced it.
        let is_named = || load_keyring(environment).is_ok_and(|keys| keys.current().names(kid));
        match folder.has_had(kid)? || is_named() {
            true => Ok(Some(Scope::Kid(kid.clone()))),
            false => Err(format!(
                "{} has never had a key {kid}: authseal keys list shows those that are there",
                folder.path().display()
            )
            .into()),
        }
    }
}

/// Returns a revocation of the login that an AuthID or a lineage names.
fn login(
    environment: &Environment,
    given: Option<String>,
    file: Option<PathBuf>,
) -> Result<Revocation, CliError> {
    let given = secret_input::read("AuthID or lineage", given, file)?;
    let lineage = match Lineage::parse(given.expose()) {
        Some(lineage) => lineage,
        None => {
            let keys = load_keyring(environment)?.current();
            let pasted = seal::open_pasted(&keys, Clock::system().now(), given.expose());
            match (pasted, OldAuthId::parse(given.expose())) {
                (Ok(pasted), _) => pasted.opened.grant.lineage,
                (Err(OpenError::NotAnAuthId(_)), Some(old)) => old.lineage(),
                (Err(error), _) => return Err(error.into()),
            }
        }
    };
    Ok(Revocation::Lineage(*lineage.as_bytes()))
}

fn time(text: &str) -> Result<UnixTime, CliError> {
    let now = Clock::system().now();
    // Include logins that are made within the current second.
    let next_second = now.plus(std::time::Duration::from_secs(1));
    if text == "now" {
        return Ok(next_second);
    }
    let time = UnixTime::parse(text).ok_or(
        "write the time of --before like 2026-11-01 or 2026-11-01T12:00:00Z, in UTC, or now",
    )?;
    match time <= next_second {
        true => Ok(time),
        false => Err(format!(
            "{time} is still to come, and logins that are made until then would be revoked too: \
             give a time that has passed"
        )
        .into()),
    }
}

fn rules(folder: &KeyFolder, scope: &Scope) -> Result<Vec<Revocation>, CliError> {
    let rules = folder.rules_of(scope)?;
    match rules.is_empty() {
        true => Err(format!(
            "there is no rule on {scope} in {}",
            folder.path().join("revoked.txt").display()
        )
        .into()),
        false => Ok(rules),
    }
}

fn report(folder: &Path, revocation: &Revocation, undo: bool, is_new: bool) {
    let file = folder.join("revoked.txt");
    let file = file.display();
    let done = if undo { "Undid" } else { "Revoked" };
    if !is_new {
        let state = if undo { "is undone" } else { "is" };
        say!("{revocation} {state} in {file} already.");
        return;
    }
    say!("{done} {revocation}, in {file}. A running server follows within 2 seconds.");
    if undo {
        return;
    }
    if let Revocation::Rule(Scope::Service(_) | Scope::All, _) = revocation {
        say!(
            "AuthIDs of Duplicati's own server do not say when they were made: the rule holds for \
             all of them."
        );
    }
    if let Revocation::Rule(Scope::User(_) | Scope::Label(_), _) = revocation {
        say!(
            "AuthIDs without a name in them are not revoked, and names are compared letter by letter: \
             authseal authid show shows them."
        );
    }
    say!("The provider still has the grant: revoke it there too, at /revoke.");
}

/// Returns the reason for the audit log. One in which somebody pasted the AuthID stays out.
fn note(reason: Option<&str>) -> Option<&str> {
    reason.filter(|reason| !reason.contains("v2:"))
}

/// Returns what else is damaged in the keys folder. The new revocation is in force in any
/// case, but revocations that the damage hides are not.
fn damages(environment: &Environment) -> Vec<String> {
    match load_keyring(environment) {
        Ok(keyring) => {
            let troubles = keyring.condition().troubles(Clock::system().now());
            troubles.iter().map(ToString::to_string).collect()
        }
        Err(error) => vec![format!(
            "the keys stay as they were until this is mended:\n{error}"
        )],
    }
}
