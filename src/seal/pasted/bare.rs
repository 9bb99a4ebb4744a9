//! Takes off what stands around a text: quotes, blanks, and the name of an option.

use super::tidy::is_invisible;

/// Names that stand in front of an AuthID, with any letter case.
const LABELS: [&str; 5] = ["--authid=", "--authid ", "authid=", "authid:", "x-authid:"];

/// Quotes in quotes that are taken off; nobody writes more.
const MAX_LAYERS: usize = 8;

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
