//! Files that a variable of oauth-server names, or data that stands in it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::environment::Environment;

/// Reads a file's JSON, which must have this shape. serde_json's own words are left
/// out: they could show a secret.
pub(super) fn read_json<T: DeserializeOwned>(data: &[u8], shape: &str) -> Result<T, String> {
    // What Windows' editors put in front.
    let json = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    serde_json::from_slice(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("must be {shape}; it is not at line {line}, column {column}")
    })
}

/// The content of a file, or what stands behind `base64:`. `%NAME%` in a path is a
/// variable. No complaint shows the value: somebody may have put the content there.
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
        std::fs::read(environment.expand(&value)).map_err(|error| {
            format!("must be base64: and the data, or name a file that can be read: {error}")
        })
    };
    data.map(Zeroizing::new)
        .map_err(|problem| problems.push(format!("{variable} {problem}")))
        .ok()
}
