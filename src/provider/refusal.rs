//! A refusal of a provider, as pages, reasons, the log and metrics may show it.

use std::fmt;

use super::{
    CallPhase, Cure, Provider,
    error_answer::ErrorAnswer,
    error_code::{NUMBERED, is_of_the_client, is_standard, is_word},
};

/// An error answer of a provider, reduced to what may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The request that was refused.
    pub phase: CallPhase,
    /// The error code of RFC 6749 section 5.2.
    pub code: String,
    /// The provider's own, more precise code.
    pub precise: Option<String>,
    /// Advice from providers.toml.
    pub advice: Option<String>,
    /// The person or event that helps, from providers.toml.
    pub cure: Option<Cure>,
    /// True if the advice is on a code or words of the provider's own, which are more precise
    /// than the standard code.
    pub names_the_cause: bool,
    /// True if the provider says by this error, as providers.toml knows, that the refresh
    /// token was issued to another client id.
    pub of_another_client: bool,
    /// A code that providers.toml or a standard knows, or "other": the value of a metric's
    /// label, which no answer can make up.
    pub known: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        match &self.precise {
            Some(precise) => write!(f, ", {precise}"),
            None => Ok(()),
        }
    }
}

impl Refusal {
    /// True for Microsoft's and OpenID Connect's codes for a grant that the provider knows, and
    /// whose user must act there.
    pub fn wants_the_user(&self) -> bool {
        let codes = ["interaction_required", "login_required", "consent_required"];
        codes.contains(&self.code.as_str())
    }

    /// True for a code that blames this server's application at the provider, or its request.
    pub fn blames_the_application(&self) -> bool {
        let codes = [
            "invalid_redirect_uri",
            "invalid_request",
            "invalid_scope",
            "invalid_target",
            "redirect_uri_mismatch",
            "unsupported_response_type",
        ];
        is_of_the_client(&self.code) || codes.contains(&self.code.as_str())
    }

    /// True if a code of the provider's own, or one that blames the client id or secret, decides
    /// who can help, so that the status of the answer says nothing more.
    pub(super) fn is_decided(&self) -> bool {
        let is_precise = !is_standard(&self.known) || is_of_the_client(&self.known);
        is_precise && self.cure.is_some_and(|cure| cure != Cure::Wait)
    }

    /// Returns the refusal of an answer whose status says that time helps: without advice that
    /// says something else.
    pub(super) fn of_passing_fault(self) -> Self {
        let codes = ["server_error", "slow_down", "temporarily_unavailable"];
        let is_fitting = self.cure == Some(Cure::Wait) || codes.contains(&self.code.as_str());
        Self {
            advice: self.advice.filter(|_| is_fitting),
            cure: self.cure.filter(|_| is_fitting),
            ..self
        }
    }

    /// True if only a provider whose table has the code can have sent it: a number in the form of
    /// its codes, or a code that is no standard one, and not words of a description.
    pub fn names_its_sender(&self) -> bool {
        let has_number = [Some(&self.code), self.precise.as_ref()]
            .into_iter()
            .flatten()
            .any(|code| code.starts_with(NUMBERED));
        let known = &self.known;
        let is_own = is_word(known) && known != Self::OTHER;
        has_number || (is_own && !is_standard(known) && !is_of_the_client(known))
    }

    /// The name in a metric for codes that nothing known lists.
    pub const OTHER: &str = "other";
    /// The word in providers.toml for advice on a login that gave fewer scopes than were asked
    /// for.
    pub const SCOPE_MISSING: &str = "scope_missing";
    /// The word in providers.toml for advice on a login that gave no refresh token.
    pub const NO_REFRESH_TOKEN: &str = "no_refresh_token";
}

impl Provider {
    /// True for an error code that speaks of the code of a login, or of the refresh token of a
    /// refresh.
    pub(super) fn is_grant_error(&self, code: &str) -> bool {
        code == "invalid_grant" || self.grant_errors.iter().any(|error| error == code)
    }

    /// Reads the error of a callback, which is foreign text.
    pub fn refused_login(&self, error: &str, description: &str) -> Refusal {
        ErrorAnswer::of_callback(error, description).refusal(self, CallPhase::Code)
    }

    /// Reads the error of a callback that anybody could have sent, reduced to what may be shown
    /// of it: a code that a standard or providers.toml lists, and a number in the form of the
    /// provider's. `None` if there is neither.
    pub fn known_refusal(&self, error: &str, description: &str) -> Option<Refusal> {
        let answer = ErrorAnswer::of_callback(error, description);
        let number = answer.number_of(self).map(str::to_owned);
        let refusal = answer.refusal(self, CallPhase::Code);
        let is_code = |code: &str| is_word(code) || code.starts_with(NUMBERED);
        let known = match refusal.known.as_str() {
            Refusal::OTHER => None,
            // Words of a description are no code.
            known if is_code(known) => Some(known.to_owned()),
            _ => Some(refusal.code.clone()).filter(|code| is_standard(code)),
        };
        let (code, precise) = match (known, number) {
            (Some(known), number) => (known.clone(), number.filter(|number| *number != known)),
            (None, Some(number)) => (number, None),
            (None, None) => return None,
        };
        let precise = precise.filter(|_| !code.starts_with(NUMBERED));
        Some(Refusal {
            code,
            precise,
            ..refusal
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::provider::ProviderError;

    #[test]
    fn a_provider_that_says_to_wait_is_not_asked_again_at_once() {
        let failing = |status, cure, asked: Option<u64>| ProviderError::Failing {
            status,
            retry_after: asked.map(Duration::from_secs),
            refusal: Some(Box::new(Refusal {
                phase: CallPhase::Refresh,
                code: "access_denied".into(),
                precise: None,
                advice: None,
                cure,
                names_the_cause: false,
                of_another_client: false,
                known: "access_denied".into(),
            })),
        };
        let pause = Duration::from_secs(1);
        for (error, expected) in [
            (failing(400, Some(Cure::Wait), None), None),
            (failing(400, Some(Cure::Wait), Some(3)), Some(3)),
            (failing(503, Some(Cure::Wait), None), Some(1)),
            (failing(400, None, None), Some(1)),
        ] {
            let again = error.pause_before_retry(true, pause);
            assert_eq!(again, expected.map(Duration::from_secs), "{error:?}");
        }
    }
}
