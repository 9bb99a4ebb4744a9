//! `authseal check`: loads the settings as `serve` does, and prints the result.

mod facts;
mod listening;
mod report;
mod text;

use clap::Args;

use super::{
    CliError, online,
    output::{self, say},
};
use crate::{
    app::{Descriptors, certificate_host, certificate_warnings},
    audit::{AuditFile, AuditTarget},
    clock::Clock,
    config::{Config, key_source},
    environment::Environment,
    keyring::{Inspection, KeyFolder, KeySource, Revocation, Scope},
};
use report::{Report, Verdict};

/// Arguments of `authseal check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Also try to reach the endpoints of every offered service, and the store
    #[arg(long)]
    online: bool,
    /// Print one JSON object, for programs: docs/operations.md describes it
    #[arg(long)]
    json: bool,
}

pub(super) async fn check(arguments: CheckArguments) -> Result<(), CliError> {
    let report = report(arguments.online).await;
    if arguments.json {
        say!("{}", report.to_json()?);
    } else {
        // The verdict and the errors come first. They are on standard error, as those of
        // every command are.
        output::remark_text(&text::errors(&report));
        output::text(&text::report(&report));
    }
    match report.verdict() {
        Verdict::Ready | Verdict::Warnings => Ok(()),
        // Everything has been printed.
        Verdict::Errors => Err(String::new().into()),
    }
}

/// Collects everything that is known without printing any of it.
async fn report(is_online: bool) -> Report {
    let now = Clock::system().now();
    let config = match Config::load(Environment::of_process()) {
        Ok(config) => config,
        Err(rejected) => {
            // The location of the keys may be known in spite of the problems.
            let source = key_source(&Environment::of_process()).ok();
            let inspection = source.and_then(|source| inspect(&source, false));
            let folder = inspection.into_iter().flat_map(|found| found.problems);
            let mut report = Report::new(now, &rejected.offer);
            report.errors.extend(rejected.problems);
            report.errors.extend(folder);
            return report;
        }
    };
    config.keyring.look_for_start(config.makes_first_key);
    let mut report = Report::new(now, &config.offer);
    let has_store = config.memory.store.is_some();
    let descriptors = Descriptors::of_system(config.edge.max_connections, has_store);
    report
        .errors
        .extend(descriptors.err().map(|error| error.to_string()));
    report.warnings.clone_from(&config.warnings);
    if let Some(certificate) = &config.certificate {
        let host = certificate_host(&config);
        let flaws = certificate_warnings(certificate, now, host.as_ref());
        report.warnings.extend(flaws);
    }
    if report.offered.is_empty() {
        let sentence =
            "no service is offered yet: set the credentials of one, as named under Not offered";
        report.warnings.push(sentence.to_owned());
    }
    let unusable = listening::try_addresses(&config).await;
    report.errors.extend(unusable.errors);
    report.warnings.extend(unusable.warnings);
    report.errors.extend(unwritable_audit_log(&config));
    report.notes.clone_from(&config.notes);
    let (folder, problems) = look_at_keys(&config);
    report.errors.extend(problems);
    report.settings = Some(facts::settings(&config, folder));
    report.admin_consent = facts::admin_consent(&config);
    if is_online && report.errors.is_empty() {
        let found = online::try_all(&config).await;
        report.errors.extend(found.problems());
        report.warnings.extend(found.warnings());
        report.online = Some(found);
    }
    report
}

/// Returns the facts of the keys folder, and the problems of the folder and of its content.
fn look_at_keys(config: &Config) -> (Vec<String>, Vec<String>) {
    let keyring = &config.keyring;
    let condition = keyring.condition();
    let troubles = condition.troubles(Clock::system().now());
    let mut problems: Vec<String> = troubles.iter().map(ToString::to_string).collect();
    let needs_key = keyring.current().is_empty() && !condition.is_waiting();
    let inspection = inspect(keyring.source(), needs_key).unwrap_or_default();
    problems.extend(inspection.problems);
    problems.extend(rules_without_service(config));
    problems.extend(no_sealing_key(config));
    (inspection.facts, problems)
}

/// Returns a problem if no line could be appended to the audit log.
fn unwritable_audit_log(config: &Config) -> Option<String> {
    let Some(AuditTarget::File(path)) = &config.audit else {
        return None;
    };
    let error = AuditFile::new(path).check().err()?;
    Some(format!("AUTHSEAL_AUDIT_LOG: {}: {error}", path.display()))
}

fn inspect(source: &KeySource, needs_key: bool) -> Option<Inspection> {
    match source {
        KeySource::Folder(path) => Some(KeyFolder::new(path).inspect(needs_key)),
        KeySource::Inline(_) => None,
    }
}

/// Returns a problem if all keys have ended: nobody can log in, and a replaced refresh token
/// would be lost.
fn no_sealing_key(config: &Config) -> Option<String> {
    let keys = config.keyring.current();
    let seals = keys.sealing(Clock::system().now()).is_some();
    (!seals && !keys.is_empty()).then(|| {
        format!(
            "every key of {} has ended, so nobody can log in: make one with authseal keys new",
            config.keyring.source()
        )
    })
}

/// Returns a problem for each rule about a service that does not exist.
fn rules_without_service(config: &Config) -> Vec<String> {
    let is_known = |id: &str| {
        config.offer.catalog.by_id(id).is_some()
            || config.offer.withheld.iter().any(|service| service.id == id)
    };
    let keys = config.keyring.current();
    let unknown = keys
        .revocations()
        .filter_map(|revocation| match revocation {
            Revocation::Rule(Scope::Service(id), _) if !is_known(&id) => Some(id),
            _ => None,
        });
    unknown
        .map(|id| format!("revoked.txt has a rule on the service {id}, which does not exist: it revokes nothing"))
        .collect()
}
