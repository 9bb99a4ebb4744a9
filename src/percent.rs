//! Percent-encoding (RFC 3986 section 2.1) of addresses that people write.

use percent_encoding::percent_decode_str;

/// Decodes the text; `None` if a `%` in it is not followed by two hexadecimal digits, or if
/// the result is not UTF-8.
pub fn decoded(text: &str) -> Option<String> {
    let is_code = |code: &str| {
        let digits = code.get(..2);
        digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let is_whole = text.split('%').skip(1).all(is_code);
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .ok()
        .filter(|_| is_whole)
        .map(|text| text.into_owned())
}

/// True if every `%` in the text encodes something.
pub fn is_encoded(text: &str) -> bool {
    decoded(text).is_some()
}
