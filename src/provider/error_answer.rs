//! Error answers of providers, reduced to the codes that may be shown.
//!
//! RFC 6749 section 5.2 has one code for each kind of error. Providers add a more precise one,
//! each in a member of its own, and that is the one which people search for.

use serde_json::{Map, Value};

use super::{
    CallPhase, Provider, Refusal,
    advice::{FoundAdvice, has_word},
    error_code::{
        NUMBERED, checked_code, is_of_the_client, is_standard, is_word, leading, numbered, shown,
        spelled_out,
    },
};

/// Members in which providers put a more precise code, the most precise one first: Google,
/// Microsoft (of its libraries), Huawei, Facebook, and others.
const PRECISE: [&str; 5] = [
    "error_subtype",
    "suberror",
    "sub_error",
    "error_subcode",
    "error_code",
];

/// An error answer. Its codes can be shown; the description is only searched.
#[derive(Debug)]
pub(super) struct ErrorAnswer {
    /// The code of RFC 6749, or what the provider has in its place.
    code: String,
    /// The provider's own codes, the most precise one first.
    precise: Vec<String>,
    /// The provider's description: foreign text.
    words: String,
    /// The first word of a code with text behind it.
    lead: Option<String>,
    /// True if the code is a word, as RFC 6749 wants it.
    has_word: bool,
}

impl ErrorAnswer {
    /// Reads the JSON of an error; `None` if it tells of none.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let Value::Object(members) = serde_json::from_slice(body).ok()? else {
            return None;
        };
        let nested = members.get("error").and_then(Value::as_object);
        let mut precise: Vec<String> = Vec::new();
        let words = description(&members, nested);
        precise.extend(numbered(&words));
        precise.extend(numbers(&members));
        for name in PRECISE {
            precise.extend(members.get(name).and_then(shown));
            precise.extend(nested.and_then(|nested| nested.get(name)).and_then(shown));
        }
        precise.extend(nested.into_iter().flat_map(reasons));
        precise.extend(members.get("error_summary").and_then(first_tag));
        let (code, has_word) = main_code(&members, nested, &precise)?;
        precise.retain(|one| *one != code);
        Some(Self {
            code,
            precise,
            words,
            lead: members
                .get("error")
                .and_then(Value::as_str)
                .and_then(leading)
                .map(str::to_owned),
            has_word,
        })
    }

    /// Reads the parameters of a callback (RFC 6749 section 4.1.2.1).
    pub(super) fn of_callback(error: &str, description: &str) -> Self {
        Self {
            code: checked_code(error),
            precise: numbered(description).collect(),
            words: description.to_owned(),
            lead: None,
            has_word: is_word(error),
        }
    }

    /// True for an error in the form of RFC 6749 section 5.2, or one of the providers' own.
    /// Other programs that answer with a 4xx have `error` as well, as "Not Found" or a number.
    pub(super) fn is_of_a_token_endpoint(&self) -> bool {
        self.has_word
    }

    /// True if the description has words on which there is advice.
    pub(super) fn has_known_words(&self, provider: &Provider, phase: CallPhase) -> bool {
        provider.advice.within(&self.words, phase, false).is_some()
    }

    /// Finds the advice: by the provider's own codes, by its description, by the code of the
    /// standard. A description adds nothing to a code that blames the client.
    fn find<'p>(&self, provider: &'p Provider, phase: CallPhase) -> Option<FoundAdvice<'p>> {
        let advice = &provider.advice;
        let of_grant = |word: &str| provider.is_grant_error(word);
        let by_code = |code: &String| {
            let prefixed = advice.on(&format!("{NUMBERED}{code}"), phase, false);
            prefixed.or_else(|| advice.on(code, phase, of_grant(code)))
        };
        let is_of_grant = of_grant(&self.code);
        let by_words = || match is_of_the_client(&self.code) {
            true => None,
            false => advice.within(&self.words, phase, is_of_grant),
        };
        self.precise
            .iter()
            .find_map(by_code)
            .or_else(by_words)
            .or_else(|| advice.on(&self.code, phase, is_of_grant))
    }

    /// Reduces the answer to what may be shown.
    pub(super) fn refusal(mut self, provider: &Provider, phase: CallPhase) -> Refusal {
        if !self.has_word
            && let Some(lead) = self.lead.take_if(|lead| provider.advice.has(lead))
        {
            self.code = lead;
        }
        let found = self.find(provider, phase);
        let word = found.map(|found| found.word);
        // Some descriptions have the code that the members leave out.
        let is_code = |word: &&str| is_word(word) || numbered(word).next().is_some();
        let precise = word.filter(is_code).filter(|word| *word != self.code);
        let standard = || is_standard(&self.code).then_some(&*self.code);
        let is_of_the_cause =
            |found: &FoundAdvice<'_>| found.text.is_some() && found.word != self.code;
        Refusal {
            phase,
            known: word.or_else(standard).unwrap_or(Refusal::OTHER).to_owned(),
            precise: precise
                .map(str::to_owned)
                .or_else(|| self.precise.first().cloned()),
            advice: found.and_then(|found| found.text).map(str::to_owned),
            cure: found.and_then(|found| found.cure),
            names_the_cause: found.as_ref().is_some_and(is_of_the_cause),
            of_another_client: self.speaks_of_another_client(provider),
            code: self.code,
        }
    }

    fn speaks_of_another_client(&self, provider: &Provider) -> bool {
        let is_said = |sign: &String| self.code == *sign || has_word(&self.words, sign);
        provider.other_client_errors.iter().any(is_said)
    }

    /// True for a code that a page may name even if anybody could have sent the answer: a
    /// standard or providers.toml lists it.
    pub(super) fn is_known_to(&self, provider: &Provider) -> bool {
        let has_advice = |code: &String| provider.advice.has(code);
        is_standard(&self.code) || self.precise.iter().any(has_advice) || has_advice(&self.code)
    }
}

/// Returns the code of the answer, and true if it is a word.
fn main_code(
    members: &Map<String, Value>,
    nested: Option<&Map<String, Value>>,
    precise: &[String],
) -> Option<(String, bool)> {
    let word = |code: String| {
        let is_word = is_word(&code);
        (code, is_word)
    };
    let other = || (checked_code(""), false);
    let result = members.get("result").and_then(shown);
    if let Some(nested) = nested {
        let names = [".tag", "code", "type", "status"];
        let mut own = names.iter().filter_map(|name| nested.get(*name)).peekable();
        let is_code = own.peek().is_some();
        // Google's `code` is the HTTP status again, and its `status` is a word.
        let status = nested.get("status").and_then(shown);
        let own = status
            .filter(|status| is_word(status))
            .or_else(|| own.find_map(shown))
            .or_else(|| precise.first().cloned());
        return own.map(word).or_else(|| is_code.then(other));
    }
    match members.get("error") {
        Some(Value::String(text)) if text.is_empty() => result.map(word),
        Some(error @ Value::String(text)) => {
            let known = |code: &&str| is_standard(code) || is_of_the_client(code);
            let lead = || leading(text).filter(known).map(str::to_owned);
            let code = shown(error).or_else(lead).or(result);
            let spelled_out = || spelled_out(text).map(|code| (code, false));
            Some(code.map(word).or_else(spelled_out).unwrap_or_else(other))
        }
        // Huawei's second number is the more precise one.
        Some(error @ Value::Number(_)) => {
            let second = members.get("sub_error").and_then(shown);
            second.or_else(|| shown(error)).map(word)
        }
        _ if members.get("type").and_then(Value::as_str) == Some("error") => {
            Some(members.get("code").and_then(shown).map_or_else(other, word))
        }
        _ => members
            .get("error_summary")
            .and_then(first_tag)
            .or(result)
            .map(word),
    }
}

fn description(members: &Map<String, Value>, nested: Option<&Map<String, Value>>) -> String {
    let text = |members: &Map<String, Value>, name| {
        members.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    text(members, "error_description")
        .or_else(|| text(nested?, "message"))
        .or_else(|| text(members, "message"))
        .or_else(|| text(members, "error"))
        .unwrap_or_default()
}

/// Returns Microsoft's numbers in a member, which some answers have without a description.
fn numbers(members: &Map<String, Value>) -> impl Iterator<Item = String> {
    let numbers = members.get("error_codes").and_then(Value::as_array);
    numbers.into_iter().flatten().filter_map(shown)
}

/// Returns the reasons in Google's lists of causes.
fn reasons(nested: &Map<String, Value>) -> impl Iterator<Item = String> {
    let lists = ["details", "errors"].map(|name| nested.get(name).and_then(Value::as_array));
    let causes = lists.into_iter().flatten().flatten();
    causes.filter_map(|cause| cause.get("reason").and_then(shown))
}

/// Returns Dropbox's tag: the words before the first slash.
fn first_tag(summary: &Value) -> Option<String> {
    let tag = summary.as_str()?.split('/').next()?;
    is_word(tag).then(|| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, code: &str, precise: &[&str]) {
        let answer = ErrorAnswer::read(body.as_bytes()).unwrap_or_else(|| panic!("{body}"));
        assert_eq!(answer.code, code, "{body}");
        assert_eq!(answer.precise, precise, "{body}");
    }

    #[test]
    fn the_providers_own_code_is_kept_whichever_member_it_is_in() {
        // Microsoft, as three reports have it.
        check(
            r#"{"error":"interaction_required","error_description":"AADSTS53003: Access has been blocked by Conditional Access policies.\r\nTrace ID: 36a9bfd2","error_codes":[53003],"suberror":"message_only"}"#,
            "interaction_required",
            &["AADSTS53003", "53003", "message_only"],
        );
        check(
            r#"{"error":"invalid_grant","error_codes":[700082],"trace_id":"x"}"#,
            "invalid_grant",
            &["700082"],
        );
        check(
            r#"{"error":"invalid_grant","error_description":"AADSTS50173: The provided grant has expired","suberror":"bad_token"}"#,
            "invalid_grant",
            &["AADSTS50173", "bad_token"],
        );
        // Google.
        check(
            r#"{"error":"invalid_grant","error_description":"reauth related error (rapt_required)","error_uri":"https://support.google.com/a/answer/9368756","error_subtype":"rapt_required"}"#,
            "invalid_grant",
            &["rapt_required"],
        );
        // pCloud.
        check(
            r#"{"result":2012,"error":"Invalid 'code' provided."}"#,
            "2012",
            &[],
        );
        // Dropbox.
        check(
            r#"{"error_summary":"expired_access_token/...","error":{".tag":"expired_access_token"}}"#,
            "expired_access_token",
            &[],
        );
        check(
            r#"{"error_summary":"user_suspended/.","error":"Something in words"}"#,
            "unknown error code",
            &["user_suspended"],
        );
        // Box, Facebook and those like it, Huawei.
        check(
            r#"{"type":"error","status":401,"code":"unauthorized","message":"Unauthorized"}"#,
            "unauthorized",
            &[],
        );
        check(
            r#"{"error":{"message":"Error validating access token","type":"OAuthException","code":190,"error_subcode":463,"fbtrace_id":"Ax"}}"#,
            "190",
            &["463"],
        );
        check(
            r#"{"error":{"code":"InvalidAuthenticationToken","message":"x"}}"#,
            "invalid_authentication_token",
            &[],
        );
        // Google's APIs.
        check(
            r#"{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}],"errors":[{"reason":"accessNotConfigured"}]}}"#,
            "permission_denied",
            &["service_disabled", "access_not_configured"],
        );
        // Dropbox and Zoho, with text for people.
        check(
            r#"{"error":"invalid_client: Invalid client_id or client_secret"}"#,
            "invalid_client",
            &[],
        );
        check(
            r#"{"error":"Access Denied","error_description":"You have made too many requests"}"#,
            "access_denied",
            &[],
        );
        check(
            r#"{"error":1203,"sub_error":20152,"error_description":"invalid"}"#,
            "20152",
            &[],
        );
    }

    #[test]
    fn an_answer_that_tells_of_no_error_is_none() {
        for body in [
            "",
            "[]",
            "<html>",
            "{}",
            r#"{"error":null}"#,
            r#"{"error":false}"#,
            r#"{"error":""}"#,
            r#"{"error":0}"#,
            r#"{"error":{}}"#,
            r#"{"error":{"message":"Something in words"}}"#,
            r#"{"result":0}"#,
            r#"{"code":"abcdef"}"#,
        ] {
            assert!(ErrorAnswer::read(body.as_bytes()).is_none(), "{body}");
        }
    }
}
