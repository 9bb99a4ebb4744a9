//! `authseal completions` and `authseal man`: files for shells and for `man`, made from the
//! command line's own description.

use std::{fs, path::PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, CliError, output};

/// Arguments of `authseal completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionArguments {
    /// Shell whose completions to print, such as: authseal completions bash >
    /// /usr/share/bash-completion/completions/authseal
    shell: Shell,
}

/// Arguments of `authseal man`.
#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Folder for authseal.1 and one page for each command, such as /usr/local/share/man/man1
    folder: PathBuf,
}

pub(super) fn completions(arguments: &CompletionArguments) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "authseal",
        &mut script,
    );
    output::text(&String::from_utf8(script)?);
    Ok(())
}

pub(super) fn man(arguments: &ManArguments) -> Result<(), CliError> {
    fs::create_dir_all(&arguments.folder)?;
    clap_mangen::generate_to(Cli::command(), &arguments.folder)?;
    Ok(())
}
