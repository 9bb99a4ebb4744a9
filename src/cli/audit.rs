//! `authseal audit`: verifies the audit log.

mod record;

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde_json::json;

pub(super) use record::{by_command, record};

use super::{CliError, output::say};
use crate::{
    audit::{AuditFile, AuditTarget, LineHash, Verification, Verifier},
    config::audit_target,
    environment::Environment,
    regular_file,
};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Verify that no line of an audit log was changed or taken out
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The files, the oldest first; - is standard input [default: AUTHSEAL_AUDIT_LOG]
    files: Vec<PathBuf>,
    /// The hash of a line that an earlier run printed: that line must be there
    #[arg(long, value_name = "HASH", value_parser = hash)]
    kept: Vec<LineHash>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn hash(text: &str) -> Result<LineHash, &'static str> {
    LineHash::parse(text).ok_or("write the 64 hexadecimal digits that authseal audit verify prints")
}

pub(super) fn run(command: AuditCommand) -> Result<(), CliError> {
    let AuditCommand::Verify(arguments) = command;
    let files = match arguments.files.is_empty() {
        false => arguments.files,
        true => match audit_target(&Environment::of_process())? {
            Some(AuditTarget::File(path)) => vec![path],
            Some(AuditTarget::Stdout) => {
                return Err(
                    "AUTHSEAL_AUDIT_LOG is stdout: name the file that has the lines".into(),
                );
            }
            None => return Err("name a file, or set AUTHSEAL_AUDIT_LOG".into()),
        },
    };
    let found = verify(&files, &arguments.kept)?;
    match arguments.json {
        true => say!("{}", as_json(&found)),
        false => print(&found),
    }
    match found.broken {
        None => Ok(()),
        Some(broken) => {
            Err(format!("BROKEN: {broken}. Compare with the copy that was shipped").into())
        }
    }
}

fn verify(files: &[PathBuf], kept: &[LineHash]) -> Result<Verification, CliError> {
    let mut verifier = Verifier::default();
    // Before the content: a server may append meanwhile.
    let last = files.last().filter(|path| path.as_path() != Path::new("-"));
    let known = last.and_then(|path| AuditFile::new(path).last_written());
    for path in files {
        let name = path.display().to_string();
        let content = match name.as_str() {
            "-" => {
                let mut content = Vec::new();
                io::stdin().read_to_end(&mut content).map(|_| content)
            }
            _ => regular_file::read(path),
        };
        let content = content.map_err(|error| format!("{name} cannot be read: {error}"))?;
        verifier.read(&name, &content);
    }
    verifier.compare_with_note(known);
    Ok(verifier.finish(kept))
}

fn print(found: &Verification) {
    if let (Some((first, before)), Some(last)) = (&found.first, &found.last) {
        say!("Lines       {}", found.lines);
        say!("First       number {}, {}", first.link.number, first.time);
        say!("Last        number {}, {}", last.link.number, last.time);
        if before.number > 0 {
            say!(
                "Before it   number {}, {}: give the older files first to verify those too",
                before.number,
                before.hash
            );
        }
        say!("Hash        {}", last.link.hash);
    } else {
        say!("Lines       0");
    }
    for note in &found.notes {
        say!("Note: {note}");
    }
    if found.broken.is_none() {
        say!(
            "Every line follows the one before it. Keep the hash of the last one elsewhere: with \
             --kept it shows later that nothing up to here was changed or cut off."
        );
    }
}

fn as_json(found: &Verification) -> serde_json::Value {
    let first = found.first.as_ref().map(|(first, before)| {
        json!({
            "number": first.link.number,
            "time": first.time,
            "after": before.hash.to_string(),
        })
    });
    let last = found.last.as_ref().map(|last| {
        json!({
            "number": last.link.number,
            "time": last.time,
            "hash": last.link.hash.to_string(),
        })
    });
    let broken = found
        .broken
        .as_ref()
        .map(|broken| json!({"file": broken.file, "line": broken.line, "what": broken.what}));
    json!({
        "whole": found.broken.is_none(),
        "lines": found.lines,
        "first": first,
        "last": last,
        "broken": broken,
        "notes": found.notes,
    })
}
