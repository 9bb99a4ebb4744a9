//! Names in an AuthID: of the person who logged in, and of the AuthID itself.

use std::fmt;

use thiserror::Error;

use crate::invisible::is_invisible;

/// Maximum length of a name, in characters.
pub const MAX_NAME_CHARACTERS: usize = 64;

/// A text of 1 to [`MAX_NAME_CHARACTERS`] characters that people see: without control
/// characters and invisible ones, and with single blanks in it only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthIdName(String);

/// The text is no name for an AuthID.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotAName {
    /// There is no visible character in it.
    #[error("is empty")]
    Empty,
    /// It has more than [`MAX_NAME_CHARACTERS`].
    #[error("has more than {MAX_NAME_CHARACTERS} characters")]
    TooLong,
    /// It has a control character, or one that nobody sees.
    #[error("has a character that cannot be seen")]
    Invisible,
}

impl AuthIdName {
    /// Takes a text that a person typed or a proxy sent. White space at its ends goes, and
    /// any between words becomes one blank.
    pub fn new(text: &str) -> Result<Self, NotAName> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let name = words.join(" ");
        if name.is_empty() {
            return Err(NotAName::Empty);
        }
        if name
            .chars()
            .any(|char| char.is_control() || is_invisible(char))
        {
            return Err(NotAName::Invisible);
        }
        match name.chars().count() {
            0..=MAX_NAME_CHARACTERS => Ok(Self(name)),
            _ => Err(NotAName::TooLong),
        }
    }

    /// Reads a name in an AuthID. A table of characters that grows must refuse no AuthID from
    /// before, so only the length is checked, and that no character is one of control.
    pub(super) fn sealed(text: &str) -> Option<Self> {
        let is_long = text.chars().count() > MAX_NAME_CHARACTERS;
        let is_name = !text.is_empty() && !is_long && !text.contains(char::is_control);
        is_name.then(|| Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuthIdName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_tidied_and_one_that_cannot_be_seen_is_refused() {
        let check = |text: &str, expected: Result<&str, NotAName>| {
            let name = AuthIdName::new(text);
            assert_eq!(
                name.as_ref().map(AuthIdName::as_str),
                expected.as_ref().map(|name| *name),
                "{text:?}"
            );
        };
        check(
            " laptop of\u{a0}the\t\naccountant ",
            Ok("laptop of the accountant"),
        );
        check("Jürgen 💾", Ok("Jürgen 💾"));
        check(&"é".repeat(64), Ok(&"é".repeat(64)));
        check(&"é".repeat(65), Err(NotAName::TooLong));
        check(" \n", Err(NotAName::Empty));
        for hidden in ["a\u{202e}b", "\u{200b}", "a\u{7}b", "a\0"] {
            check(hidden, Err(NotAName::Invisible));
        }
    }

    #[test]
    fn a_sealed_name_is_refused_for_nothing_that_a_later_table_of_characters_could_name() {
        for name in ["the laptop", "a\u{202e}b", &"é".repeat(64)] {
            assert!(AuthIdName::sealed(name).is_some(), "{name:?}");
        }
        for other in ["", "the\tlaptop", &"é".repeat(65)] {
            assert_eq!(AuthIdName::sealed(other), None, "{other:?}");
        }
    }
}
