//! Reads secrets for commands from standard input or a file, so that they do not appear
//! in a shell's history.

use std::{
    fs,
    io::{self, Read},
    path::PathBuf,
};

use super::CliError;
use crate::secret::Secret;

/// Limit of the input in bytes, far above any AuthID or refresh token.
const MAX_BYTES: u64 = 64 * 1024;

/// Returns the given secret, or reads it from the file; `-` or nothing reads standard
/// input.
pub(super) fn read(given: Option<String>, file: Option<PathBuf>) -> Result<Secret, CliError> {
    let text = match (given, file) {
        (_, Some(path)) => fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?,
        (Some(text), None) if text != "-" => text,
        _ => {
            let mut text = String::new();
            io::stdin().take(MAX_BYTES).read_to_string(&mut text)?;
            text
        }
    };
    match text.trim() {
        "" => Err("nothing was given".into()),
        text => Ok(Secret::new(text)),
    }
}
