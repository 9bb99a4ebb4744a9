//! Extracts the refresh token from an answer that is otherwise unusable.
//!
//! A provider that has replaced a refresh token does not accept the old one again. So the
//! new one is searched for in any answer: one that is cut off, has a member twice, a number
//! out of range, another status, or text around it.

use http::StatusCode;
use memchr::{memchr, memchr2};

use crate::secret::Secret;

/// Limit of a refresh token. Those of all providers are far shorter, and AuthIDs have at
/// most 16 KiB.
const LONGEST: usize = 8 * 1024;

/// Returns the last `refresh_token` of an answer that gives tokens, and `None` for an error
/// that only mentions the name.
pub(super) fn refresh_token(status: StatusCode, body: &[u8]) -> Option<Secret> {
    let found = match body.contains(&b'{') {
        true => Found::in_json(body),
        false => Found::in_form(body),
    };
    let gives_tokens = found.has_access_token || (status.is_success() && !found.has_error);
    found.refresh_token.filter(|_| gives_tokens)
}

#[derive(Default)]
struct Found {
    refresh_token: Option<Secret>,
    has_access_token: bool,
    has_error: bool,
}

impl Found {
    /// Reads every pair of a name and a string, at any depth, up to the end of the text.
    fn in_json(body: &[u8]) -> Self {
        let mut found = Self::default();
        let mut rest = body;
        while let Some((name, behind)) = next_string(rest) {
            rest = behind;
            let Some(value) = after_colon(behind) else {
                continue;
            };
            match string_at_start(value) {
                Some((text, behind)) => {
                    found.note(&name, &text);
                    rest = behind;
                }
                // Some providers send an error as an object.
                None => found.has_error |= name == "error" && value.starts_with(b"{"),
            }
        }
        found
    }

    /// Reads a form: RFC 6749 requires JSON, but some endpoints used to answer with a form.
    fn in_form(body: &[u8]) -> Self {
        let mut found = Self::default();
        let mut pairs = body.trim_ascii().split(|byte| *byte == b'&').peekable();
        while let Some(pair) = pairs.next() {
            for (name, value) in form_urlencoded::parse(pair) {
                // The last value may be cut off.
                if pairs.peek().is_some() || name != "refresh_token" {
                    found.note(&name, &value);
                }
            }
        }
        found
    }

    fn note(&mut self, name: &str, value: &str) {
        match name {
            "access_token" => self.has_access_token |= !value.trim().is_empty(),
            "error" => self.has_error |= !value.trim().is_empty(),
            "refresh_token" if is_token(value) => self.refresh_token = Some(Secret::new(value)),
            _ => {}
        }
    }
}

/// True for a text that can be a token. Stricter than RFC 6749 appendix A.17, which allows
/// "is required" and "***": a wrong match would replace a token that may still be good.
fn is_token(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

/// Returns the next string, and the rest of the text.
fn next_string(text: &[u8]) -> Option<(String, &[u8])> {
    string_at_start(&text[memchr(b'"', text)?..])
}

/// Returns the string that begins here, unescaped, and the rest of the text. A string that
/// is not valid JSON is returned as empty.
fn string_at_start(text: &[u8]) -> Option<(String, &[u8])> {
    if text.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        match text[at] {
            b'"' => break,
            _ => at += 2,
        }
    }
    let (string, rest) = text.split_at(at + 1);
    Some((serde_json::from_slice(string).unwrap_or_default(), rest))
}

fn after_colon(text: &[u8]) -> Option<&[u8]> {
    let value = text.trim_ascii_start().strip_prefix(b":")?;
    Some(value.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: Option<&str>) {
        let status = StatusCode::from_u16(status).unwrap();
        let found = refresh_token(status, body.as_bytes());
        let found = found.as_ref().map(Secret::expose);
        assert_eq!(found, expected, "{status} {body}");
    }

    #[test]
    fn it_is_found_whatever_is_wrong_with_the_rest() {
        for body in [
            r#"{"access_token":"a","access_token":"b","refresh_token":"new"}"#,
            r#"{"refresh_token":"new","expires_in":1e400}"#,
            "\u{feff}{\"refresh_token\":\"new\"}",
            r#"{"access_token":"a ","refresh_token":"new"}"#,
            r#"{"refresh_token":"new","expires_in":"#,
            r#"{"refresh_token" : "new", "scope": ["a", {"b": nul"#,
            r#"HTTP said: {"data":{"refresh_token":"new"}} thank you"#,
            r#"{"refresh_token":"older","refresh_token":"new"}"#,
            r#"{"note":"a \"refresh_token\":\"x\"","refresh_token":"n\u0065w"}"#,
            r#"{"refresh_token":"new","error":null,"error_description":""}"#,
            "access_token=a&refresh_token=new&expires_in=3600",
        ] {
            check(200, body, Some("new"));
            check(201, body, Some("new"));
        }
        check(
            502,
            r#"{"access_token":"a","refresh_token":"new"}"#,
            Some("new"),
        );
    }

    #[test]
    fn what_only_speaks_of_it_is_not_believed() {
        check(400, r#"{"refresh_token":"is required"}"#, None);
        check(
            400,
            r#"{"error":"invalid_grant","refresh_token":"r"}"#,
            None,
        );
        check(
            200,
            r#"{"error":"invalid_request","refresh_token":"r"}"#,
            None,
        );
        check(200, r#"{"error":{"refresh_token":"is required"}}"#, None);
        check(
            200,
            r#"{"success":false,"refresh_token":"is required"}"#,
            None,
        );
        check(200, r#"{"success":false,"refresh_token":"***"}"#, None);
        check(200, "access_token=a&refresh_token=cut-o", None);
        check(200, r#"{"refresh_token":""}"#, None);
        check(200, r#"{"refresh_token":null}"#, None);
        check(200, r#"{"refresh_token":"cut o"#, None);
        check(200, r#"["refresh_token","new"]"#, None);
        check(200, "", None);
    }

    #[test]
    fn bytes_that_are_no_text_hide_nothing_behind_them() {
        let body = b"{\"name\":\"\xff\xfe\",\"refresh_token\":\"new\"}";
        let found = refresh_token(StatusCode::OK, body);
        assert_eq!(found.as_ref().map(Secret::expose), Some("new"));
    }
}
