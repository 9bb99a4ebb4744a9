//! Login token that a person makes on the provider's site and pastes here, such as
//! Jottacloud's Personal Login Token: base64url of a JSON object.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use thiserror::Error;

use super::OtherRealm;
use crate::{provider::Realm, secret::Secret};

/// Decodes base64url with or without padding: providers promise neither.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Content of a login token.
#[derive(Debug)]
pub struct LoginToken {
    /// Name of the account.
    pub username: String,
    /// The one-time password.
    pub auth_token: Secret,
    /// The only realm at which it is good. Its `well_known_link` is compared and not
    /// followed: the token endpoint is the one in providers.toml.
    pub realm: Realm,
}

/// The JSON of a login token.
#[derive(Deserialize)]
struct Json {
    username: String,
    auth_token: Secret,
    realm: Option<String>,
    well_known_link: Option<String>,
}

/// Reasons why the pasted text is not sent to the provider. Of the text they contain
/// nothing but the realm and its host.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NotALoginToken {
    /// The text is empty.
    #[error("nothing was pasted")]
    Empty,
    /// The text is an AuthID.
    #[error("this is an AuthID, which is what you get here, not what you paste")]
    AuthId,
    /// The text is not base64url: it is cut off, or something else.
    #[error("it is not whole, or not a login token; copy all of it")]
    NotBase64,
    /// The text is base64url, but not of the right JSON.
    #[error("it is not a login token, or only a part of one; copy all of it")]
    NotJson,
    /// The token does not say where it is good, so it is sent nowhere.
    #[error(
        "it does not say at which realm and at which https address it is good, so it was sent \
         nowhere; copy all of it, or make a new one"
    )]
    NoRealm,
    /// The token is of another realm, where alone it is good.
    #[error(transparent)]
    OfAnotherRealm(Box<OtherRealm>),
}

/// Quotes, which no token has.
const QUOTES: &str = "\"'`\u{2018}\u{2019}\u{201c}\u{201d}\u{ab}\u{bb}";

impl LoginToken {
    /// Parses the pasted text. Blanks, line breaks and quotes that copying adds are ignored.
    pub fn parse(pasted: &str) -> Result<Self, NotALoginToken> {
        let compact: zeroize::Zeroizing<String> = zeroize::Zeroizing::new(
            pasted
                .chars()
                .filter(|char| !char.is_whitespace() && !QUOTES.contains(*char))
                .collect(),
        );
        if compact.is_empty() {
            return Err(NotALoginToken::Empty);
        }
        if compact.starts_with("v2:") {
            return Err(NotALoginToken::AuthId);
        }
        let json = LENIENT
            .decode(compact.as_str())
            .map(zeroize::Zeroizing::new)
            .map_err(|_| NotALoginToken::NotBase64)?;
        let json: Json = serde_json::from_slice(&json).map_err(|_| NotALoginToken::NotJson)?;
        let realm = json.realm.zip(json.well_known_link);
        let realm = realm.and_then(|(name, link)| Realm::of_link(&name, &link));
        Ok(Self {
            username: json.username,
            auth_token: json.auth_token,
            realm: realm.ok_or(NotALoginToken::NoRealm)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};

    use super::*;

    const JSON: &str = r#"{"username":"ann","realm":"jottacloud",
        "well_known_link":"https://id.jottacloud.com/x","auth_token":"once"}"#;

    #[test]
    fn a_whole_token_is_read_however_it_was_copied() {
        let plain = URL_SAFE_NO_PAD.encode(JSON);
        let broken = format!(" {}\r\n{}\n", &plain[..40], &plain[40..]);
        let quoted = format!("\u{201c}{plain}\u{201d}");
        let in_quotes = format!("\"{plain}\"\n");
        for pasted in [plain, URL_SAFE.encode(JSON), broken, quoted, in_quotes] {
            let token = LoginToken::parse(&pasted).unwrap();
            assert_eq!(token.username, "ann");
            assert_eq!(token.auth_token.expose(), "once");
            assert_eq!(
                token.realm.to_string(),
                "realm jottacloud at id.jottacloud.com"
            );
        }
    }

    #[test]
    fn a_wrong_paste_is_told_apart() {
        let whole = URL_SAFE_NO_PAD.encode(JSON);
        let without_link = URL_SAFE_NO_PAD.encode(JSON.replace("well_known", "unknown"));
        for (pasted, expected) in [
            (" \n", NotALoginToken::Empty),
            ("v2:jottacloud:abc", NotALoginToken::AuthId),
            ("my password!", NotALoginToken::NotBase64),
            (&whole[..40], NotALoginToken::NotJson),
            ("e30", NotALoginToken::NotJson),
            (&without_link, NotALoginToken::NoRealm),
        ] {
            assert_eq!(LoginToken::parse(pasted).unwrap_err(), expected, "{pasted}");
        }
    }
}
