//! Names of users and of AuthIDs in the rules of `revoked.txt`.

use std::borrow::Cow;

/// As long as a name in an AuthID can be.
const MOST_NAME_CHARACTERS: usize = 64;

/// Returns a name as a line has it: in quotes, as JSON has text, if it is not a single word.
/// A `#` would begin a remark, so it is escaped.
pub(super) fn quoted(name: &str) -> Cow<'_, str> {
    let is_plain = |char: char| char.is_alphanumeric() || ".-_@+".contains(char);
    match !name.is_empty() && name.chars().all(is_plain) {
        true => name.into(),
        false => serde_json::Value::from(name)
            .to_string()
            .replace('#', "\\u0023")
            .into(),
    }
}

/// True if an AuthID can have this name: any other would never be matched. A file in another
/// encoding is read with U+FFFD in it.
pub(super) fn can_be_name(name: &str) -> bool {
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ") == name
        && name.chars().count() <= MOST_NAME_CHARACTERS
        && !name.contains(|char: char| char.is_control() || char == char::REPLACEMENT_CHARACTER)
}

/// Splits a line behind the name at its start, which may be in quotes.
pub(super) fn split_name(text: &str) -> Option<(String, &str)> {
    if !text.starts_with('"') {
        let (name, rest) = text.split_once(|char: char| char.is_ascii_whitespace())?;
        return (!name.is_empty() && !name.contains('"')).then(|| (name.to_owned(), rest));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let name = values.next()?.ok()?;
    let rest = &text[values.byte_offset()..];
    let is_apart = rest.starts_with(|char: char| char.is_ascii_whitespace());
    (!name.is_empty() && is_apart).then_some((name, rest))
}
