//! Error answers of providers, reduced to the codes that may be shown.
//!
//! RFC 6749 section 5.2 has one code for each kind of error. Providers add a more precise one,
//! each in a member of its own, and that is the one which people search for.

use std::time::Duration;

use serde_json::Value;

use super::{
    CallPhase, Provider, Refusal,
    advice::{FoundAdvice, has_word},
    error_code::{NUMBERED, checked_code, is_of_the_client, is_standard, is_word, numbered},
    error_members::ErrorMembers,
};

/// Bytes of a page or a text that are searched.
const LONGEST_TEXT: usize = 16 * 1024;

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
    /// Time after which the provider wants to be asked again, in seconds.
    retry_after: Option<u64>,
}

impl ErrorAnswer {
    /// Reads the JSON of an error; `None` if it tells of none.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let Value::Object(members) = serde_json::from_slice(body).ok()? else {
            return None;
        };
        let members = ErrorMembers::new(&members);
        let (words, mut precise) = (members.description(), members.precise());
        let (code, has_word) = members.main_code(&precise, &words)?;
        precise.retain(|one| *one != code);
        Some(Self {
            code,
            precise,
            words,
            lead: members.lead().map(str::to_owned),
            has_word,
            retry_after: members.retry_after(),
        })
    }

    /// Reads a page or a text. `None` unless it has one of Microsoft's numbers, or words, on
    /// which there is advice: anything else can stand on a page of another program.
    pub(super) fn of_text(body: &[u8], provider: &Provider, phase: CallPhase) -> Option<Self> {
        let words = String::from_utf8_lossy(&body[..body.len().min(LONGEST_TEXT)]);
        let advice = &provider.advice;
        let precise: Vec<String> = numbered(&words)
            .filter(|number| advice.has(number))
            .collect();
        let is_known = !precise.is_empty() || advice.on_phrase(&words, phase).is_some();
        is_known.then(|| Self {
            code: checked_code(""),
            precise,
            words: words.into_owned(),
            lead: None,
            has_word: false,
            retry_after: None,
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
            retry_after: None,
        }
    }

    /// Returns the time after which the provider wants to be asked again, if the body has it.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after.map(Duration::from_secs)
    }

    /// True for an error in the form of RFC 6749 section 5.2, or one of the providers' own.
    /// Other programs that answer with a 4xx have `error` as well, as "Not Found" or a number.
    pub(super) fn is_of_a_token_endpoint(&self) -> bool {
        self.has_word || self.precise.iter().any(|code| is_word(code))
    }

    /// True if there is advice on the description, or on a code that is no standard one.
    pub(super) fn is_known_to(&self, provider: &Provider, phase: CallPhase) -> bool {
        let advice = &provider.advice;
        let is_listed = |code: &String| advice.has(code) && !is_standard(code);
        self.precise.iter().chain([&self.code]).any(is_listed)
            || advice.within(&self.words, phase, |_| false).is_some()
    }

    /// Returns the number of Microsoft's in the description, known or not, if the provider's
    /// codes are such numbers.
    pub(super) fn number_of(&self, provider: &Provider) -> Option<&str> {
        let has_usual_length = |code: &&String| {
            let digits = code.strip_prefix(NUMBERED).map_or(0, str::len);
            (5..=7).contains(&digits)
        };
        let number = self.precise.iter().find(has_usual_length)?;
        provider.advice.has_numbers().then_some(number.as_str())
    }

    /// Finds the advice: by the provider's own codes, by its description, by the code of the
    /// standard. To a code that blames the client a description adds something only by several
    /// words.
    fn find<'p>(&self, provider: &'p Provider, phase: CallPhase) -> Option<FoundAdvice<'p>> {
        let advice = &provider.advice;
        let of_grant = |word: &str| provider.is_grant_error(word);
        let by_code = |code: &String| {
            let prefixed = advice.on(&format!("{NUMBERED}{code}"), phase, false);
            prefixed.or_else(|| advice.on(code, phase, of_grant(code)))
        };
        let by_words = || match is_of_the_client(&self.code) {
            true => advice.on_phrase(&self.words, phase),
            false => advice.within(&self.words, phase, of_grant),
        };
        self.precise
            .iter()
            .find_map(by_code)
            .or_else(by_words)
            .or_else(|| advice.on(&self.code, phase, of_grant(&self.code)))
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
    fn errors_in_other_forms_than_the_standards_are_read() {
        // put.io, HiDrive, premiumize.me, and others of their kinds.
        check(
            r#"{"error_message":"x","error_type":"invalid_grant","status":"ERROR","status_code":400}"#,
            "invalid_grant",
            &[],
        );
        check(
            r#"{"error_type":"INVALID_REDIRECT_URI","status":"ERROR"}"#,
            "invalid_redirect_uri",
            &[],
        );
        check(r#"{"code":"401","msg":"Unauthorized"}"#, "401", &[]);
        check(
            r#"{"code":"TOKEN_REVOKED","message":"x"}"#,
            "token_revoked",
            &[],
        );
        check(
            r#"{"status":"error","message":"Invalid client"}"#,
            "invalid_client",
            &[],
        );
        check(
            r#"{"status":"failure","message":"In words"}"#,
            "unknown error code",
            &[],
        );
        check(
            r#"{"errorCode":"expired_token","errorMessage":"x"}"#,
            "expired_token",
            &[],
        );
        // Google's and Dropbox's answers to too many requests.
        check(
            r#"{"error":{"code":403,"message":"x","errors":[{"reason":"quotaExceeded"}]}}"#,
            "403",
            &["quota_exceeded"],
        );
        let busy = r#"{"error_summary":"too_many_requests/.","error":{"reason":{".tag":"too_many_requests"},"retry_after":7}}"#;
        check(busy, "too_many_requests", &[]);
        let busy = ErrorAnswer::read(busy.as_bytes()).unwrap();
        assert_eq!(busy.retry_after(), Some(Duration::from_secs(7)));
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
            r#"{"status":"success"}"#,
            r#"{"status":"ok","message":"invalid"}"#,
            r#"{"code":0,"msg":"ok"}"#,
        ] {
            assert!(ErrorAnswer::read(body.as_bytes()).is_none(), "{body}");
        }
    }
}
