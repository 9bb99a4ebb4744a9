//! Token responses (RFC 6749 section 5.1), parsed as leniently as real providers require.

use std::time::Duration;

use oauth2::{AccessToken, RefreshToken, Scope, TokenResponse, basic::BasicTokenType};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use crate::secret::Secret;

/// Lifetime if `expires_in` is missing, as RFC 6749 section 5.1 allows. No provider's
/// access tokens live shorter.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Limit of the lifetime: ten years, because clients store seconds in 32 bits.
const LONGEST_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The tokens of a token response.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token (RFC 6749 section 1.4).
    pub access_token: Secret,
    /// Lifetime from now.
    pub expires_in: Duration,
    /// A refresh token, if the provider sent one.
    pub refresh_token: Option<Secret>,
    /// Name of the account, if the answer to a login has it; foreign text. `None` for a
    /// refresh. A secret, so that it is not logged.
    pub account: Option<Secret>,
    /// The scopes that were granted, if the provider names them. Foreign text.
    pub granted: Option<String>,
}

/// The response of RFC 6749 section 5.1, where `expires_in` may be missing or a string,
/// `token_type` may be missing, and a missing `refresh_token` may be any JSON.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct LenientTokenResponse {
    #[serde(deserialize_with = "visible")]
    access_token: AccessToken,
    #[serde(default = "bearer", skip_deserializing)]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "string_or_number")]
    refresh_token: Option<RefreshToken>,
    #[serde(default, deserialize_with = "text_or_list")]
    scope: Option<String>,
}

/// Refuses an empty access token, which a client would take for a good one, and characters
/// other than visible ASCII, which an `Authorization` header cannot hold (RFC 6750 section
/// 2.1).
fn visible<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccessToken, D::Error> {
    let token = AccessToken::deserialize(deserializer)?;
    let text = token.secret();
    // All of it is looked at, because a loop without an exit takes many bytes at once.
    let is_visible = { text.bytes() }.fold(true, |all, byte| all & byte.is_ascii_graphic());
    if text.is_empty() || !is_visible {
        return Err(D::Error::custom("the access token is empty or no token"));
    }
    Ok(token)
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64().map(|seconds| seconds as u64),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// Takes a number as its digits. Some languages write `false`, 0, `[]` or `{}` for a missing
/// value, which must not make the access token unusable.
fn string_or_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<RefreshToken>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(RefreshToken::new(text)),
        Value::Number(number) if number.as_i64() != Some(0) => {
            Some(RefreshToken::new(number.to_string()))
        }
        _ => None,
    })
}

/// Takes a list as its texts, separated by blanks.
fn text_or_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Array(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            Some(texts.join(" "))
        }
        _ => None,
    })
}

impl TokenResponse for LenientTokenResponse {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

impl From<LenientTokenResponse> for Tokens {
    fn from(response: LenientTokenResponse) -> Self {
        Self {
            expires_in: response
                .expires_in()
                .unwrap_or(DEFAULT_LIFETIME)
                .min(LONGEST_LIFETIME),
            access_token: Secret::new(response.access_token.into_secret()),
            refresh_token: response
                .refresh_token
                .map(|token| Secret::new(token.into_secret()))
                .filter(|token| !token.expose().is_empty()),
            account: None,
            granted: response.scope,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expires_in: u64, refresh_token: Option<&str>) {
        let tokens = Tokens::from(serde_json::from_str::<LenientTokenResponse>(json).unwrap());
        assert_eq!(tokens.access_token.expose(), "a", "{json}");
        assert_eq!(tokens.expires_in.as_secs(), expires_in, "{json}");
        let refresh_token = refresh_token.map(Secret::new);
        assert!(tokens.refresh_token == refresh_token, "{json}");
    }

    #[test]
    fn every_form_of_expires_in_is_understood() {
        check(r#"{"access_token":"a","expires_in":3599}"#, 3599, None);
        check(r#"{"access_token":"a","expires_in":"3599"}"#, 3599, None);
        check(r#"{"access_token":"a","expires_in":60.9}"#, 60, None);
        check(r#"{"access_token":"a","expires_in":-5}"#, 0, None);
        check(r#"{"access_token":"a","expires_in":null}"#, 1800, None);
        check(r#"{"access_token":"a","expires_in":"soon"}"#, 1800, None);
        check(r#"{"access_token":"a"}"#, 1800, None);
        let forever = r#"{"access_token":"a","expires_in":1e300}"#;
        check(forever, LONGEST_LIFETIME.as_secs(), None);
    }

    #[test]
    fn what_fits_no_header_is_no_access_token() {
        for token in ["", "a b", "a\\n", "\u{e4}"] {
            let json = format!(r#"{{"access_token":"{token}"}}"#);
            assert!(serde_json::from_str::<LenientTokenResponse>(&json).is_err());
        }
    }

    #[test]
    fn an_empty_refresh_token_is_none() {
        for none in ["\"\"", "null", "false", "0", "[]", "{}"] {
            let json = format!(r#"{{"access_token":"a","refresh_token":{none}}}"#);
            check(&json, 1800, None);
        }
        let number = r#"{"access_token":"a","refresh_token":12345678901234567890}"#;
        check(number, 1800, Some("12345678901234567890"));
        check(
            r#"{"access_token":"a","token_type":"MAC","refresh_token":"r"}"#,
            1800,
            Some("r"),
        );
    }
}
