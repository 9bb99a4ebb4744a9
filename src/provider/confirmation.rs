//! Answers that confirm a revocation. RFC 7009 section 2.2 wants status 200 and ignores the
//! body, but the sign-in page of a network on the way answers with 200, too.

use http::StatusCode;
use serde_json::Value;

/// Members that hold a success as a truth value.
const SUCCESSES: [&str; 4] = ["ok", "revoked", "succeeded", "success"];
/// Members that hold the result as a word or a number.
const RESULTS: [&str; 8] = [
    "code",
    "message",
    "msg",
    "result",
    "status",
    "statuscode",
    "status_code",
    "type",
];
/// Parts of words for a failure.
const FAILURES: [&str; 7] = [
    "denied",
    "error",
    "expired",
    "fail",
    "forbidden",
    "invalid",
    "unauthor",
];

/// True if the provider confirms: the status is one of success, and the body is empty or JSON
/// that says nothing of a failure.
pub(super) fn is_confirmed(status: StatusCode, body: &[u8]) -> bool {
    let is_success = matches!(status, StatusCode::OK | StatusCode::NO_CONTENT);
    let is_said = || match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => !members.iter().any(|(name, value)| tells(name, value)),
        Ok(Value::Array(items)) => items.is_empty(),
        Ok(Value::String(text)) => !is_failure(&text),
        Ok(Value::Null | Value::Bool(true)) => true,
        _ => false,
    };
    is_success && (body.trim_ascii().is_empty() || is_said())
}

/// True if a member tells of a failure.
fn tells(name: &str, value: &Value) -> bool {
    let name = name.to_ascii_lowercase();
    match value {
        value if name.starts_with("err") || ["exception", "fault"].contains(&&*name) => {
            holds_something(value)
        }
        Value::Bool(false) => SUCCESSES.contains(&&*name) || RESULTS.contains(&&*name),
        Value::String(text) if SUCCESSES.contains(&&*name) => {
            ["", "0", "false", "no"].contains(&text.to_lowercase().as_str()) || is_failure(text)
        }
        Value::String(text) => RESULTS.contains(&&*name) && is_failure(text),
        Value::Number(number) if SUCCESSES.contains(&&*name) => number.as_f64() == Some(0.0),
        Value::Number(number) => {
            RESULTS.contains(&&*name) && number.as_u64().is_none_or(|number| number >= 300)
        }
        _ => false,
    }
}

/// True for a word or a number of a failure.
fn is_failure(text: &str) -> bool {
    let text = text.to_lowercase();
    match text.trim().parse::<u64>() {
        Ok(number) => number >= 300,
        Err(_) => FAILURES.iter().any(|part| text.contains(part)),
    }
}

/// False for the values by which languages say that there is nothing.
fn holds_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(number) => number.as_i64() != Some(0),
        Value::Bool(true) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_a_token_endpoint_confirms() {
        for (status, body, expected) in [
            (200, "", true),
            (200, " \r\n", true),
            (204, "", true),
            (200, "null", true),
            (200, "{}", true),
            (200, "[]", true),
            (200, "\"ok\"", true),
            (200, r#"{"status":"success"}"#, true),
            (200, r#"{"success":true,"error":null}"#, true),
            (200, r#"{"code":0,"msg":"done"}"#, true),
            (200, r#"{"status":200,"errors":[]}"#, true),
            (200, r#"{"error":"","error_description":""}"#, true),
            (202, "", false),
            (200, "<html><body>Sign in</body></html>", false),
            (200, "<!DOCTYPE html><title>Welcome</title>", false),
            (200, "Success", false),
            (200, "0", false),
            (200, "false", false),
            (200, "\"invalid token\"", false),
            (200, r#"{"status":"failure"}"#, false),
            (200, r#"{"Status":"ERROR"}"#, false),
            (200, r#"{"success":false}"#, false),
            (200, r#"{"success":"false"}"#, false),
            (200, r#"{"ok":0}"#, false),
            (200, r#"{"result":2094}"#, false),
            (200, r#"{"code":"401","msg":"no"}"#, false),
            (200, r#"{"status":-1}"#, false),
            (200, r#"{"errors":[{"reason":"x"}]}"#, false),
            (200, r#"{"errorCode":"x"}"#, false),
            (200, r#"{"message":"Invalid OAuth token"}"#, false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_confirmed(status, body.as_bytes()), expected, "{body}");
        }
    }
}
