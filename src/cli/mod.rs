//! The command line, with one file for each command.

mod admin;
mod audit;
mod authid;
mod check;
mod demo;
mod dumps;
mod health;
mod import;
mod keys;
mod online;
mod output;
mod progress;
mod prompt;
mod revoke;
mod run;
mod secret_input;
mod serve;
mod shell;
mod signals;
mod slow_start;
mod store;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::{environment::Environment, telemetry};
use signals::{EarlySignals, StopSignals};

/// Version, and in a released program its commit and date.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), env!("AUTHSEAL_BUILD"));

/// A self-hosted OAuth token-sealing proxy: log in once, get an AuthID, and let
/// Duplicati trade it for access tokens. Settings come from the environment: see
/// README.md.
#[derive(Debug, Parser)]
#[command(version = VERSION, about, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve logins and refreshes.
    Serve,
    /// Try authseal on this machine with a built-in provider: no settings, no account.
    Demo(demo::DemoArguments),
    /// Show the settings, the offered services, and everything that is wrong.
    Check(check::CheckArguments),
    /// Make, list, retire, remove and export keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Revoke one login, on this server: no AuthID of it opens any more.
    Revoke(revoke::RevokeArguments),
    /// Show the content of an AuthID, or make one.
    #[command(subcommand, name = "authid")]
    AuthId(authid::AuthIdCommand),
    /// Verify the audit log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Seal AuthIDs of Duplicati's own server: a list on standard input, JSON lines out.
    Import(import::ImportArguments),
    /// Show what is in a store, or copy it to another.
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Serve, with the options of Duplicati's own server.
    Run(Box<run::RunArguments>),
    /// Ask the running server whether it is ready; for HEALTHCHECK.
    Health(health::HealthArguments),
    /// Print completions for a shell.
    Completions(shell::CompletionArguments),
    /// Write manual pages into a folder.
    Man(shell::ManArguments),
}

/// Runs the command that the arguments name. Prints an error to standard error, and
/// returns exit code 1 then. Arguments that cannot be parsed are exit code 2; see
/// `output::finish` for the codes of output that cannot be written.
pub fn main() -> ExitCode {
    dumps::forbid();
    let signals = EarlySignals::take_over();
    let line = run::with_command(std::env::args_os());
    let command = match Cli::try_parse_from(line) {
        Ok(cli) => cli.command,
        Err(error) if error.use_stderr() => {
            // Nobody can be told if standard error cannot be written.
            let _ = error.print();
            return ExitCode::from(WRONG_ARGUMENTS);
        }
        // The text of --help or --version.
        Err(help) => {
            output::noted(help.print());
            return output::finish();
        }
    };
    let outcome = signals
        .map_err(CliError::from)
        .and_then(|signals| run_command(command, signals));
    telemetry::finish();
    match outcome {
        Ok(()) => output::finish(),
        Err(error) => {
            let text = error.to_string();
            // `check` has printed what is wrong before everything else.
            if !text.is_empty() {
                output::remark(text);
            }
            ExitCode::FAILURE
        }
    }
}

fn run_command(command: Command, signals: EarlySignals) -> Result<(), CliError> {
    let environment = Environment::of_process;
    match command {
        Command::Serve => in_runtime(serve::serve(environment(), signals.stop_server()?)),
        Command::Run(arguments) => in_runtime(run::run(*arguments, signals.stop_server()?)),
        Command::Demo(arguments) => in_runtime(demo::demo(arguments, signals.stop_server()?)),
        Command::Check(arguments) => signals.end(|| in_runtime(check::check(arguments))),
        Command::Keys(command) => signals.end(|| keys::run(command)),
        Command::Revoke(arguments) => signals.end(|| revoke::revoke(arguments)),
        Command::AuthId(command) => signals.end(|| authid::run(command)),
        Command::Audit(command) => signals.end(|| audit::run(command)),
        Command::Import(arguments) => signals.end(|| import::import(&arguments)),
        Command::Store(command) => signals.end(|| store::run(command)),
        Command::Health(arguments) => signals.end(|| in_runtime(health::health(arguments))),
        Command::Completions(arguments) => signals.end(|| shell::completions(&arguments)),
        Command::Man(arguments) => signals.end(|| shell::man(&arguments)),
    }
}

/// Exit code of clap.
const WRONG_ARGUMENTS: u8 = 2;

/// The codes of docs/commands.md, for the help.
const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    an error, which is on standard error
  2    arguments that are wrong
  74   done, but the output could not be written
  141  done, but the reader of the output had left

docs/commands.md describes them, and what --json prints.";

/// An error that a command prints for the user.
type CliError = Box<dyn std::error::Error>;

fn in_runtime(command: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    let runtime = Runtime::new()?;
    let outcome = runtime.block_on(command);
    // A drop of the runtime would wait for every name look-up that has no answer yet.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;

    /// Commands without `--json`, with the reason.
    const WITHOUT_JSON: [(&str, &str); 6] = [
        (
            "serve",
            "prints its log, which AUTHSEAL_LOG_FORMAT=json makes JSON",
        ),
        ("run", "is serve"),
        ("demo", "is a server for people to look at"),
        ("authid seal", "prints one AuthID and nothing else"),
        ("completions", "prints a script"),
        ("man", "writes files, and prints nothing"),
    ];

    /// Returns the names of the commands that have no commands below them, by `--json` or not.
    fn by_json(command: &clap::Command, path: &str, found: &mut [BTreeSet<String>; 2]) {
        for command in command.get_subcommands() {
            let path = format!("{path} {}", command.get_name());
            if command.has_subcommands() {
                by_json(command, &path, found);
                continue;
            }
            let has_json = command
                .get_arguments()
                .any(|it| it.get_long() == Some("json"));
            found[usize::from(has_json)].insert(path.trim_start().to_owned());
        }
    }

    #[test]
    fn every_command_that_prints_facts_has_json_which_the_docs_describe() {
        let mut found = Default::default();
        by_json(&Cli::command(), "", &mut found);
        let [without, with] = found;
        assert_eq!(
            without,
            WITHOUT_JSON.map(|(name, _)| name.to_owned()).into()
        );
        let page = include_str!("../../docs/commands.md");
        for name in with {
            assert!(page.contains(&format!("\n| `{name}` | ")), "{name} --json");
        }
    }

    #[test]
    fn the_help_and_the_docs_list_the_same_exit_codes() {
        let page = include_str!("../../docs/commands.md");
        let codes = EXIT_CODES
            .lines()
            .filter_map(|line| line.strip_prefix("  "));
        for code in codes.filter_map(|line| line.split(' ').next()) {
            assert!(page.contains(&format!("\n| {code} | ")), "{code}");
        }
    }

    #[test]
    fn every_option_and_argument_has_a_help() {
        fn look_at(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = (command.get_name(), argument.get_id());
                assert!(argument.get_help().is_some(), "{name:?}");
            }
            command.get_subcommands().for_each(look_at);
        }
        look_at(&Cli::command());
    }
}
