//! The command line, with one file for each command.

mod admin;
mod authid;
mod check;
mod demo;
mod dumps;
mod health;
mod import;
mod keys;
mod online;
mod output;
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
#[command(version = VERSION, about)]
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
    /// Seal AuthIDs of Duplicati's own server: a list on standard input, JSON lines out.
    Import,
    /// Show what is in a store, or copy it to another.
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Serve, with the options of Duplicati's own server.
    Run(Box<run::RunArguments>),
    /// Ask the running server whether it is ready; for HEALTHCHECK.
    Health,
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
        Command::Import => signals.end(import::import),
        Command::Store(command) => signals.end(|| store::run(command)),
        Command::Health => signals.end(|| in_runtime(health::health())),
        Command::Completions(arguments) => signals.end(|| shell::completions(&arguments)),
        Command::Man(arguments) => signals.end(|| shell::man(&arguments)),
    }
}

/// Exit code of clap.
const WRONG_ARGUMENTS: u8 = 2;

/// An error that a command prints for the user.
type CliError = Box<dyn std::error::Error>;

fn in_runtime(command: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    let runtime = Runtime::new()?;
    let outcome = runtime.block_on(command);
    // A drop of the runtime would wait for every name look-up that has no answer yet.
    runtime.shutdown_background();
    outcome
}
