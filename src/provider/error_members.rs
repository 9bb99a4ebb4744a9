//! Members of error answers, as the providers name them.

use serde_json::{Map, Value};

use super::error_code::{
    checked_code, is_of_the_client, is_standard, is_word, leading, numbered, shown, spelled_out,
};

/// Members in which providers put a more precise code, the most precise one first: Google,
/// Microsoft (of its libraries), Huawei, Facebook, and others.
const PRECISE: [&str; 6] = [
    "error_subtype",
    "suberror",
    "sub_error",
    "error_subcode",
    "error_code",
    "errorCode",
];

/// Members with a description, the usual one first.
const DESCRIPTIONS: [&str; 6] = [
    "error_description",
    "message",
    "error_message",
    "errorMessage",
    "msg",
    "error",
];

/// The members of an error answer.
pub(super) struct ErrorMembers<'a> {
    members: &'a Map<String, Value>,
    /// Google and others have an object as `error`.
    nested: Option<&'a Map<String, Value>>,
}

impl<'a> ErrorMembers<'a> {
    pub(super) fn new(members: &'a Map<String, Value>) -> Self {
        Self {
            members,
            nested: members.get("error").and_then(Value::as_object),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name)
    }

    fn nested(&self, name: &str) -> Option<&'a Value> {
        self.nested?.get(name)
    }

    /// Returns the provider's own codes, the most precise one first.
    pub(super) fn precise(&self) -> Vec<String> {
        let mut precise: Vec<String> = numbered(&self.description()).collect();
        // Some answers have Microsoft's numbers without a description.
        let numbers = self.get("error_codes").and_then(Value::as_array);
        precise.extend(numbers.into_iter().flatten().filter_map(shown));
        for name in PRECISE {
            precise.extend(self.get(name).and_then(shown));
            precise.extend(self.nested(name).and_then(shown));
        }
        // Google's lists of causes.
        let lists = ["details", "errors"].map(|name| self.nested(name).and_then(Value::as_array));
        let causes = lists.into_iter().flatten().flatten();
        precise.extend(causes.filter_map(|cause| cause.get("reason").and_then(shown)));
        precise.extend(self.get("error_summary").and_then(first_tag));
        precise
    }

    /// Returns the description: foreign text.
    pub(super) fn description(&self) -> String {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let [usual, others @ ..] = DESCRIPTIONS;
        text(self.get(usual))
            .or_else(|| text(self.nested("message")))
            .or_else(|| others.iter().find_map(|name| text(self.get(name))))
            .unwrap_or_default()
    }

    /// Returns the first word of a code with text behind it.
    pub(super) fn lead(&self) -> Option<&'a str> {
        self.get("error").and_then(Value::as_str).and_then(leading)
    }

    /// Returns the seconds after which the provider wants to be asked again.
    pub(super) fn retry_after(&self) -> Option<u64> {
        let value = self.get("retry_after").or(self.nested("retry_after"));
        value.and_then(Value::as_u64)
    }

    /// Returns the code of the answer, and true if it is a word.
    pub(super) fn main_code(&self, precise: &[String], words: &str) -> Option<(String, bool)> {
        if self.nested.is_some() {
            return self.nested_code(precise);
        }
        let result = self.get("result").and_then(shown);
        match self.get("error") {
            Some(Value::String(text)) if text.is_empty() => result.map(as_word),
            Some(error @ Value::String(text)) => {
                let known = |code: &&str| is_standard(code) || is_of_the_client(code);
                let lead = || leading(text).filter(known).map(str::to_owned);
                let code = shown(error).or_else(lead).or(result);
                let spelled_out = || spelled_out(text).map(|code| (code, false));
                Some(code.map(as_word).or_else(spelled_out).unwrap_or_else(other))
            }
            // Huawei's second number is the more precise one.
            Some(error @ Value::Number(_)) => {
                let second = self.get("sub_error").and_then(shown);
                second.or_else(|| shown(error)).map(as_word)
            }
            _ => self.code_elsewhere(precise, words),
        }
    }

    /// Returns the code in the object `error`.
    fn nested_code(&self, precise: &[String]) -> Option<(String, bool)> {
        let names = [".tag", "code", "type", "status"];
        let mut own = names.iter().filter_map(|name| self.nested(name)).peekable();
        let is_code = own.peek().is_some();
        // Google's `code` is the HTTP status again, and its `status` is a word.
        let status = self.nested("status").and_then(shown);
        let own = status
            .filter(|status| is_word(status))
            .or_else(|| own.find_map(shown))
            .or_else(|| precise.first().cloned());
        own.map(as_word).or_else(|| is_code.then(other))
    }

    /// Returns the code of an answer without `error`.
    fn code_elsewhere(&self, precise: &[String], words: &str) -> Option<(String, bool)> {
        let word = |name: &str| self.get(name).and_then(Value::as_str);
        let code = || self.get("code").and_then(shown);
        if word("type") == Some("error") {
            return Some(code().map_or_else(other, as_word));
        }
        let named = precise.first().cloned();
        let named = named
            .or_else(|| self.get("error_type").and_then(shown))
            .or_else(|| self.get("result").and_then(shown));
        if let Some(named) = named {
            return Some(as_word(named));
        }
        let fails = word("status").is_some_and(|status| {
            let failures = ["error", "fail", "failed", "failure"];
            failures.contains(&status.to_ascii_lowercase().as_str())
        });
        let has_code = self
            .get("code")
            .is_some_and(|code| code.as_u64() != Some(0));
        let has_message = ["message", "msg"]
            .iter()
            .any(|name| self.get(name).is_some());
        let is_error = fails || (has_code && has_message);
        if !is_error {
            return None;
        }
        let spelled_out = || spelled_out(words).map(|code| (code, false));
        let code = code().map(as_word);
        Some(code.or_else(spelled_out).unwrap_or_else(other))
    }
}

fn as_word(code: String) -> (String, bool) {
    let is_word = is_word(&code);
    (code, is_word)
}

fn other() -> (String, bool) {
    (checked_code(""), false)
}

/// Returns Dropbox's tag: the words before the first slash.
fn first_tag(summary: &Value) -> Option<String> {
    let tag = summary.as_str()?.split('/').next()?;
    is_word(tag).then(|| tag.to_owned())
}
