//! Text that is the same in a JSON string as outside of it. It is read eight bytes at a time,
//! where serde_json looks at each byte.

/// A byte in each of the eight places.
const fn everywhere(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// True if a JSON string escapes nothing of the text. It looks at all of it, because a loop without
/// an exit takes many bytes at once.
pub(crate) fn is_unescaped(text: &[u8]) -> bool {
    let is_same = |byte: u8| (byte >= b' ') & (byte != b'"') & (byte != b'\\');
    text.iter().fold(true, |all, byte| all & is_same(*byte))
}

/// Counts the bytes before the first one that a JSON string escapes (RFC 8259 section 7): a
/// quotation mark, a backslash, or a control character.
pub(crate) fn unescaped(text: &[u8]) -> usize {
    let mut pieces = text.chunks_exact(8);
    let mut before = 0;
    for piece in &mut pieces {
        // The first byte is the lowest one, so that a carry cannot mark a byte before it.
        let bytes = u64::from_le_bytes(piece.try_into().expect("a piece has eight bytes"));
        let marked = below(bytes, b' ')
            | below(bytes ^ everywhere(b'"'), 1)
            | below(bytes ^ everywhere(b'\\'), 1);
        if marked != 0 {
            return before + marked.trailing_zeros() as usize / 8;
        }
        before += 8;
    }
    let is_escaped = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    let rest = pieces.remainder();
    before + rest.iter().position(is_escaped).unwrap_or(rest.len())
}

/// Marks the highest bit of each byte that is smaller than `limit`, and perhaps of some behind
/// the first of them.
const fn below(bytes: u64, limit: u8) -> u64 {
    bytes.wrapping_sub(everywhere(limit)) & !bytes & everywhere(0x80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_ends_at_the_first_character_that_serde_json_escapes(
            text in "([ -~]{0,20}|\\PC{0,9}|[\"\\\\\u{0}-\u{1f}\u{7f}é]{0,2}){0,4}",
        ) {
            let escaped = |char: &char| serde_json::to_string(char).unwrap().len() != char.len_utf8() + 2;
            let before: usize = text.chars().take_while(|char| !escaped(char)).map(char::len_utf8).sum();
            prop_assert_eq!(unescaped(text.as_bytes()), before);
            prop_assert_eq!(is_unescaped(text.as_bytes()), before == text.len());
        }
    }
}
