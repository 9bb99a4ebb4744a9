//! Reasons as clients can show them: `X-Reason` is one line of ASCII.

use deunicode::deunicode;

/// Maximum length of a reason: Duplicati shows it in one line of a message.
pub(super) const MAX_REASON_CHARACTERS: usize = 300;

/// Returns one line of printable ASCII without a full stop at its end. Letters beyond ASCII
/// are spelled out, because clients read headers as Latin-1.
pub(super) fn one_line(text: &str, max_characters: usize) -> String {
    let line: String = deunicode(text)
        .chars()
        .map(|char| match char {
            ' '..='~' => char,
            _ => ' ',
        })
        .take(max_characters)
        .collect();
    line.trim().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_ascii_and_ends_without_a_full_stop() {
        let check = |text: &str, expected: &str| assert_eq!(one_line(text, 40), expected);
        check("Elkjøp is away.", "Elkjop is away");
        check("Größe: “München” – nein", "Grosse: \"Munchen\" - nein");
        check("two\r\nlines\tand a tab", "two  lines and a tab");
        check(
            &"long ".repeat(20),
            "long long long long long long long long",
        );
        check("...", "");
    }
}
