//! Takes off what stands around a text: quotes, blanks, and the name of an option.

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::invisible::is_invisible;

/// Names that stand in front of an AuthID, with any letter case.
const LABELS: [&str; 5] = ["--authid=", "--authid ", "authid=", "authid:", "x-authid:"];

/// Quotes in quotes that are taken off; nobody writes more.
const MAX_LAYERS: usize = 8;

/// Beginning of an AuthID that is encoded as a whole.
const ENCODED: &str = "v2%3a";

/// Quotes that belong together.
const QUOTES: [(char, char); 9] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('<', '>'),
    ('\u{201c}', '\u{201d}'),
    ('\u{201e}', '\u{201c}'),
    ('\u{2018}', '\u{2019}'),
    ('\u{ab}', '\u{bb}'),
    ('\u{bb}', '\u{ab}'),
];

/// Returns the text without white space, invisible characters, pairs of quotes and
/// `--authid=` around it. Nothing within is changed.
pub fn bare(text: &str) -> &str {
    let is_blank = |char: char| char.is_whitespace() || is_invisible(char);
    let mut bare = text.trim_matches(is_blank);
    for _ in 0..MAX_LAYERS {
        match without_label(bare).or_else(|| without_quotes(bare)) {
            Some(inner) => bare = inner.trim_matches(is_blank),
            None => break,
        }
    }
    bare
}

/// Returns the AuthID of a target URL of Duplicati, or one that is encoded as a whole for
/// such a URL, decoded once. The AuthID may be of any kind.
pub fn from_url(text: &str) -> Option<Zeroizing<String>> {
    let text = bare(text);
    let start = text.get(..ENCODED.len());
    if start.is_some_and(|start| start.eq_ignore_ascii_case(ENCODED)) {
        return Some(decoded(text));
    }
    let (_, address) = text.split_once("://")?;
    let (_, query) = address.split_once('?')?;
    let authid = query
        .split('&')
        .find_map(|field| field.strip_prefix("authid="));
    authid.map(decoded)
}

fn decoded(text: &str) -> Zeroizing<String> {
    Zeroizing::new(percent_decode_str(text).decode_utf8_lossy().into_owned())
}

fn without_label(text: &str) -> Option<&str> {
    LABELS.iter().find_map(|label| {
        let (start, rest) = text.split_at_checked(label.len())?;
        start.eq_ignore_ascii_case(label).then_some(rest)
    })
}

fn without_quotes(text: &str) -> Option<&str> {
    QUOTES.iter().find_map(|(left, right)| {
        let inner = text.strip_prefix(*left)?;
        // As a line of a list or of JSON ends.
        let inner = inner.strip_suffix(',').unwrap_or(inner);
        inner.strip_suffix(*right)
    })
}
