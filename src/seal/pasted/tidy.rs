//! Undoes what happens to a text on its way: percent-encoding, invisible characters, line
//! breaks.

use std::str::Chars;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::letters::is_base64url;
use crate::invisible::is_invisible;

/// Stands for each run of white space, line breaks and the signs that mark them. No
/// AuthID has one.
pub(super) const GAP: char = '\n';

/// A URL in a URL is encoded twice, and a shell script may hold one in quotes of its own.
const MAX_ENCODINGS: usize = 3;

/// Returns the text decoded, without invisible characters, and with one [`GAP`] for each
/// run of white space.
pub(super) fn tidy(text: &str) -> Zeroizing<String> {
    let decoded = percent_decoded(text);
    let mut tidy = Zeroizing::new(String::with_capacity(decoded.len()));
    let mut chars = decoded.chars();
    let mut starts_line = false;
    loop {
        // Most of a text, in one step.
        let plain = chars.as_str().bytes().take_while(|byte| is_plain(*byte));
        let (run, rest) = chars.as_str().split_at(plain.count());
        starts_line &= run.is_empty();
        tidy.push_str(run);
        chars = rest.chars();
        let Some(char) = chars.next() else {
            break;
        };
        if is_invisible(char) {
            continue;
        }
        let is_gap = match char {
            '\n' | '\r' => {
                starts_line = true;
                true
            }
            // Mail clients quote with these.
            '>' => starts_line,
            '\\' => skip_escaped(&mut chars) || skip_break(&mut chars, &mut starts_line),
            // Continued lines of PowerShell and cmd, and of quoted-printable (RFC 2045
            // section 6.7).
            '`' | '^' | '=' => skip_break(&mut chars, &mut starts_line),
            _ => char.is_whitespace(),
        };
        if !is_gap {
            starts_line = false;
            tidy.push(char);
        } else if !tidy.ends_with(GAP) {
            tidy.push(GAP);
        }
    }
    tidy
}

/// True for the characters of an AuthID.
fn is_plain(byte: u8) -> bool {
    is_base64url(byte) || byte == b'.' || byte == b':'
}

/// Skips a run of backslashes, and the letter behind it if they are an escaped line break
/// or tab, also one that was escaped more than once. Returns true if they are.
fn skip_escaped(chars: &mut Chars<'_>) -> bool {
    let rest = chars.as_str().trim_start_matches('\\');
    let behind = rest.strip_prefix(['n', 'r', 't']);
    *chars = behind.unwrap_or(rest).chars();
    behind.is_some()
}

/// Skips blanks and the line break behind them, if there is one.
fn skip_break(chars: &mut Chars<'_>, starts_line: &mut bool) -> bool {
    let rest = chars.as_str().trim_start_matches([' ', '\t']);
    let behind = rest.strip_prefix(['\n', '\r']);
    if let Some(behind) = behind {
        *chars = behind.chars();
        *starts_line = true;
    }
    behind.is_some()
}

fn percent_decoded(text: &str) -> Zeroizing<String> {
    let mut decoded = Zeroizing::new(text.to_owned());
    for _ in 0..MAX_ENCODINGS {
        if !has_escape(decoded.as_bytes()) {
            break;
        }
        let next = percent_decode_str(&decoded).decode_utf8_lossy();
        decoded = Zeroizing::new(next.into_owned());
    }
    decoded
}

fn has_escape(text: &[u8]) -> bool {
    text.windows(3).any(|three| {
        three[0] == b'%' && three[1].is_ascii_hexdigit() && three[2].is_ascii_hexdigit()
    })
}
