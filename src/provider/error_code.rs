//! Error codes of providers: the standard ones, and the forms in which a code may be shown.

use serde_json::Value;

/// The prefix of Microsoft's numbers in a description.
pub(super) const NUMBERED: &str = "AADSTS";

/// Codes of RFC 6749, RFC 6750, RFC 7009, OpenID Connect and RFC 8707, which every provider
/// may use.
const STANDARD: [&str; 21] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_redirect_uri",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "invalid_token",
    "insufficient_scope",
    "login_required",
    "redirect_uri_mismatch",
    "server_error",
    "slow_down",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "unsupported_token_type",
];

/// Error codes for a client id or secret that the provider does not accept: those of RFC
/// 6749 section 5.2, Google's for an application that was deleted, disabled or restricted
/// in its console, and Zoho's and GitHub's for a wrong id or secret.
const CLIENT: [&str; 8] = [
    "invalid_client",
    "unauthorized_client",
    "deleted_client",
    "disabled_client",
    "restricted_client",
    "invalid_client_id",
    "invalid_client_secret",
    "incorrect_client_credentials",
];

/// True for a code that every provider may use.
pub(super) fn is_standard(code: &str) -> bool {
    STANDARD.contains(&code)
}

/// True for a code that speaks of the client id or secret.
pub(super) fn is_of_the_client(code: &str) -> bool {
    CLIENT.contains(&code)
}

/// Returns the code at the start of a text: Dropbox writes `invalid_client: Invalid
/// client_id or client_secret`.
pub(super) fn leading(text: &str) -> Option<&str> {
    let (code, _) = text.split_once(':')?;
    is_word(code.trim()).then_some(code.trim())
}

/// Returns the standard code that a text spells with blanks and capitals: Zoho writes `Access
/// Denied`.
pub(super) fn spelled_out(text: &str) -> Option<String> {
    let code = text.trim().to_lowercase().replace(' ', "_");
    is_standard(&code).then_some(code)
}

/// Returns Microsoft's numbers in a description, with their prefix.
pub(super) fn numbered(words: &str) -> impl Iterator<Item = String> {
    words.match_indices(NUMBERED).filter_map(|(start, _)| {
        let digits = words[start + NUMBERED.len()..]
            .split(|char: char| !char.is_ascii_digit())
            .next()?;
        is_number(digits).then(|| format!("{NUMBERED}{digits}"))
    })
}

/// Returns a value that may be shown: a short word, or a number other than zero.
pub(super) fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => snake_case(text).unwrap_or_else(|| text.clone()),
        Value::Number(number) if number.as_u64() != Some(0) => number.to_string(),
        _ => return None,
    };
    (is_word(&text) || is_number(&text)).then_some(text)
}

/// Returns an error code that may be shown. RFC 6749 section 5.2 allows more, but any other
/// text could be a token that the provider echoes.
pub(super) fn checked_code(code: &str) -> String {
    shown(&Value::from(code)).unwrap_or_else(|| "unknown error code".to_owned())
}

/// True for a word such as those of RFC 6749 section 5.2.
pub(super) fn is_word(code: &str) -> bool {
    let is_of_one = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (1..=40).contains(&code.len()) && code.bytes().all(is_of_one)
}

/// True for a number of at most eight digits.
fn is_number(code: &str) -> bool {
    (1..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// Writes `accessNotConfigured` and `PERMISSION_DENIED`, Google's, as the words of other codes.
/// Each part needs two letters, which random text seldom has.
fn snake_case(code: &str) -> Option<String> {
    let is_capitals = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    if code.contains('_') && code.bytes().all(is_capitals) {
        return Some(code.to_ascii_lowercase());
    }
    if !code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let mut snake = String::new();
    for char in code.chars() {
        if char.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(char.to_ascii_lowercase());
    }
    let is_long = |part: &str| part.len() > 1;
    (snake.contains('_') && snake.split('_').all(is_long)).then_some(snake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_token_is_no_error_code() {
        for text in [
            "",
            "ya29.A0ARrdaM",
            "Invalid code",
            &"a".repeat(41),
            "123456789",
            "NEVERPRINT",
            "aBcDeFgHiJkL",
        ] {
            assert_eq!(checked_code(text), "unknown error code");
            let value = Value::String(text.to_owned());
            assert_eq!(shown(&value), None, "{text}");
        }
        assert_eq!(checked_code("invalid_grant"), "invalid_grant");
        assert_eq!(checked_code("20192"), "20192");
        assert_eq!(numbered("AADSTS123456789 AADSTSx AADSTS").count(), 0);
    }

    #[test]
    fn a_code_in_another_spelling_is_the_same_code() {
        for (text, expected) in [
            ("accessNotConfigured", "access_not_configured"),
            ("PERMISSION_DENIED", "permission_denied"),
            ("InvalidAuthenticationToken", "invalid_authentication_token"),
        ] {
            let value = Value::String(text.to_owned());
            assert_eq!(shown(&value).as_deref(), Some(expected));
        }
        assert_eq!(leading("invalid_client: Invalid"), Some("invalid_client"));
        assert_eq!(leading("Note: invalid_client"), None);
        assert_eq!(
            spelled_out("Access Denied").as_deref(),
            Some("access_denied")
        );
        assert_eq!(spelled_out("Not Found"), None);
    }
}
