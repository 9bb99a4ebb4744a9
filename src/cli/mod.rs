//! The command line, with one file for each command.

mod admin;
mod authid;
mod check;
mod demo;
mod health;
mod import;
mod keys;
mod online;
mod revoke;
mod run;
mod secret_input;
mod serve;
mod shell;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::{app::App, environment::Environment, telemetry};

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
/// returns exit code 1 then.
pub fn main() -> ExitCode {
    let line = run::with_command(std::env::args_os());
    let outcome = match Cli::parse_from(line).command {
        Command::Serve => in_runtime(serve::serve(Environment::of_process())),
        Command::Demo(arguments) => in_runtime(demo::demo(arguments)),
        Command::Check(arguments) => in_runtime(check::check(arguments)),
        Command::Keys(command) => keys::run(command),
        Command::Revoke(arguments) => revoke::revoke(arguments),
        Command::AuthId(command) => authid::run(command),
        Command::Import => import::import(),
        Command::Run(arguments) => in_runtime(run::run(*arguments)),
        Command::Health => in_runtime(health::health()),
        Command::Completions(arguments) => shell::completions(&arguments),
        Command::Man(arguments) => shell::man(&arguments),
    };
    telemetry::finish();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody can be told if standard error cannot be written.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// An error that a command prints for the user.
type CliError = Box<dyn std::error::Error>;

fn in_runtime(command: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    Runtime::new()?.block_on(command)
}

/// The signals that stop the server: SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Installs handlers for both signals. Call it before anything starts: until then
    /// SIGTERM kills the process at once, or is ignored where the process is number 1 of
    /// a container.
    fn take_over() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of the signals.
    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Stops the app. On another signal, exits as soon as the requests in progress have an
    /// answer, and prints the work that is lost.
    async fn stop(mut self, app: App) {
        let early_end = app.early_end();
        let second = early_end.clone();
        tokio::spawn(async move {
            self.asked().await;
            let lost = second.unfinished();
            second.answer_requests().await;
            telemetry::last_line(&format!("second signal: stopping at once. {lost}"));
            std::process::exit(1);
        });
        app.stop().await;
        if early_end.has_begun() {
            // The task above ends the process.
            std::future::pending::<()>().await;
        }
    }
}
