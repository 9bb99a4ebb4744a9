//! Reads secrets for commands from standard input or a file, so that they do not appear
//! in a shell's history.

use std::{
    convert::Infallible,
    fs::File,
    io::{self, BufRead, Read},
    path::PathBuf,
};

use zeroize::Zeroizing;

use super::{CliError, prompt};
use crate::secret::Secret;

/// Limit of the input in bytes, far above any AuthID or refresh token.
const MAX_BYTES: u64 = 64 * 1024;

/// Byte order marks of UTF-16, which older versions of PowerShell write.
const LITTLE_ENDIAN: [u8; 2] = [0xff, 0xfe];
const BIG_ENDIAN: [u8; 2] = [0xfe, 0xff];

/// Parses an option that can hold a secret, although it is a path in most cases, into a
/// type that Debug does not print.
pub(super) fn secret_option(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// Returns the given secret, or reads it from the file; `-` or nothing reads standard
/// input. A terminal is asked for it; `what` names it.
pub(super) fn read(
    what: &str,
    given: Option<String>,
    file: Option<PathBuf>,
) -> Result<Secret, CliError> {
    let text = match (given, file) {
        (_, Some(path)) => {
            // It may be a pipe: a shell's <(command).
            let mut bytes = Zeroizing::new(Vec::new());
            File::open(&path)
                .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes))
                .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            decoded(&bytes)
        }
        (Some(text), None) if text != "-" => Zeroizing::new(text),
        _ => match prompt::secret(what)? {
            Some(line) => line,
            None => {
                let mut bytes = Zeroizing::new(Vec::new());
                io::stdin().take(MAX_BYTES).read_to_end(&mut bytes)?;
                decoded(&bytes)
            }
        },
    };
    match text.trim() {
        "" => Err(format!(
            "nothing was given: write the {what} to standard input, or name its file with --file"
        )
        .into()),
        text => Ok(Secret::new(text)),
    }
}

/// Returns the lines of standard input as they come.
pub(super) fn lines() -> Result<Box<dyn Iterator<Item = io::Result<Zeroizing<String>>>>, CliError> {
    let mut stdin = io::stdin().lock();
    let start = stdin.fill_buf()?;
    if start.starts_with(&LITTLE_ENDIAN) || start.starts_with(&BIG_ENDIAN) {
        let mut bytes = Zeroizing::new(Vec::new());
        stdin.read_to_end(&mut bytes)?;
        let lines: Vec<_> = decoded(&bytes)
            .lines()
            .map(|line| Ok(Zeroizing::new(line.to_owned())))
            .collect();
        return Ok(Box::new(lines.into_iter()));
    }
    let lines = stdin.split(b'\n');
    Ok(Box::new(lines.map(|line| {
        line.map(|line| decoded(&Zeroizing::new(line)))
    })))
}

/// Decodes UTF-8, or UTF-16 with its byte order mark. Bytes that are neither become
/// U+FFFD, which no AuthID holds.
fn decoded(bytes: &[u8]) -> Zeroizing<String> {
    let utf16 = |from: fn([u8; 2]) -> u16| {
        let (units, _) = bytes[2..].as_chunks::<2>();
        let units: Zeroizing<Vec<u16>> =
            Zeroizing::new(units.iter().map(|unit| from(*unit)).collect());
        String::from_utf16_lossy(&units)
    };
    Zeroizing::new(if bytes.starts_with(&LITTLE_ENDIAN) {
        utf16(u16::from_le_bytes)
    } else if bytes.starts_with(&BIG_ENDIAN) {
        utf16(u16::from_be_bytes)
    } else {
        let text = String::from_utf8_lossy(bytes);
        text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_and_a_byte_order_mark_are_decoded() {
        let utf16 = |to: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}v2:a".encode_utf16().flat_map(to).collect()
        };
        for bytes in [
            b"v2:a".to_vec(),
            b"\xef\xbb\xbfv2:a".to_vec(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ] {
            assert_eq!(*decoded(&bytes), "v2:a");
        }
        assert_eq!(*decoded(b"v2:\xa0a"), "v2:\u{fffd}a");
    }
}
