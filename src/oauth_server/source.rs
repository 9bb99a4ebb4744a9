//! Reads the file that a variable of oauth-server names, or the data in the variable
//! itself.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::{
    environment::Environment,
    regular_file::{self, LARGEST_OF_SETTINGS},
};

/// Parses JSON that must have this shape. The text of serde_json's error is left out,
/// because it could show a secret.
pub(super) fn read_json<T: DeserializeOwned>(data: &[u8], shape: &str) -> Result<T, String> {
    // Remove the byte order mark that editors on Windows write.
    let json = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    serde_json::from_slice(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("must be {shape}; it is not at line {line}, column {column}")
    })
}

/// Returns the content of the named file, or the data after `base64:`. `%NAME%` in the
/// path is replaced by a variable. Problems never show the value, because the variable
/// may hold the content itself by mistake.
pub(super) fn content(
    variable: &str,
    environment: &Environment,
    problems: &mut Vec<String>,
) -> Option<Zeroizing<Vec<u8>>> {
    let file_variable = format!("{variable}_FILE");
    if environment.is_set(&file_variable) && !environment.has(variable) {
        problems.push(format!(
            "{file_variable} has no meaning: {variable} itself names the file"
        ));
        return None;
    }
    let value = environment.get(variable, problems)?;
    let prefix = value.get(..7).unwrap_or_default();
    let data = if prefix.eq_ignore_ascii_case("base64:") {
        let data = STANDARD.decode(value[7..].trim());
        data.map_err(|_| "is no base64 after \"base64:\"".to_owned())
    } else {
        let path = environment.expand(&value);
        regular_file::read_at_most(path.as_ref(), LARGEST_OF_SETTINGS).map_err(|error| {
            format!("must be base64: and the data, or name a file that can be read: {error}")
        })
    };
    data.map(Zeroizing::new)
        .map_err(|problem| problems.push(format!("{variable} {problem}")))
        .ok()
}
