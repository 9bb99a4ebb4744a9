//! Advice from providers.toml: the meaning of a provider's error, by the moment at which it
//! comes, and the person who can do something about it.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    Refusal,
    error_code::{NUMBERED, is_standard},
};

/// Keys that are no words of a provider.
const OWN_WORDS: [&str; 2] = [Refusal::SCOPE_MISSING, Refusal::NO_REFRESH_TOKEN];

/// The request that a provider refused. The same error code means something else in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallPhase {
    /// A login: the authorization request, or the exchange of its code.
    Code,
    /// A login with a pasted login token.
    LoginToken,
    /// A refresh.
    Refresh,
    /// A revocation.
    Revocation,
}

impl CallPhase {
    /// True if there is no AuthID yet.
    pub fn is_login(self) -> bool {
        matches!(self, Self::Code | Self::LoginToken)
    }

    /// Returns the name for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Code | Self::LoginToken => "login",
            Self::Refresh => "refresh",
            Self::Revocation => "revocation",
        }
    }
}

/// The person or the event that makes a request succeed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cure {
    /// The user logs in again.
    Login,
    /// The user acts at the provider first.
    User,
    /// The administrator of the user's organisation acts.
    Organisation,
    /// The administrator of this server acts.
    Server,
    /// Time passes.
    Wait,
}

/// The advice on one error of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    /// For every phase that has no text of its own.
    text: Option<String>,
    /// For logins.
    login: Option<String>,
    /// For refreshes.
    refresh: Option<String>,
    /// For revocations.
    revoke: Option<String>,
    cure: Option<Cure>,
}

/// The advice on one error of one provider, as a sentence or a table in providers.toml.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice(Texts);

impl Advice {
    fn sentence(text: &str) -> Self {
        Self(Texts {
            text: Some(text.to_owned()),
            ..Texts::default()
        })
    }

    /// Returns the text for a phase. `is_of_grant` is true for a code that speaks of the code
    /// of a login, and of the refresh token of a refresh: a text for both would be wrong.
    fn text(&self, phase: CallPhase, is_of_grant: bool) -> Option<&str> {
        let Texts {
            text,
            login,
            refresh,
            revoke,
            ..
        } = &self.0;
        let elsewhere = text.as_ref().filter(|_| !is_of_grant);
        let (own, common) = match phase {
            CallPhase::Code | CallPhase::LoginToken => (login, elsewhere),
            CallPhase::Refresh => (refresh, text.as_ref()),
            CallPhase::Revocation => (revoke, elsewhere),
        };
        own.as_ref().or(common).map(String::as_str)
    }

    fn says_nothing(&self) -> bool {
        let Texts {
            text,
            login,
            refresh,
            revoke,
            ..
        } = &self.0;
        [text, login, refresh, revoke]
            .iter()
            .all(|text| text.is_none())
    }
}

/// Reads a sentence, or a table of [`Texts`].
impl<'de> Deserialize<'de> for Advice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Advice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sentence, or a table with text, login, refresh, revoke and cure")
            }

            fn visit_str<E>(self, text: &str) -> Result<Advice, E> {
                Ok(Advice::sentence(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Advice, A::Error> {
                let advice = Advice(Texts::deserialize(MapAccessDeserializer::new(map))?);
                if advice.says_nothing() {
                    return Err(A::Error::custom(
                        "advice needs one of text, login, refresh and revoke",
                    ));
                }
                Ok(advice)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// All advice of one provider, by a word of its errors.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct AdviceTable(BTreeMap<String, Advice>);

/// The advice that was found for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FoundAdvice<'a> {
    /// Its key.
    pub(super) word: &'a str,
    /// The text for the phase.
    pub(super) text: Option<&'a str>,
    pub(super) cure: Option<Cure>,
}

impl AdviceTable {
    /// True if there is advice on exactly this word.
    pub(super) fn has(&self, word: &str) -> bool {
        self.0.contains_key(word)
    }

    /// Finds the advice on exactly this word.
    pub(super) fn on(
        &self,
        word: &str,
        phase: CallPhase,
        is_of_grant: bool,
    ) -> Option<FoundAdvice<'_>> {
        let (word, advice) = self.0.get_key_value(word)?;
        Some(FoundAdvice {
            word,
            text: advice.text(phase, is_of_grant),
            cure: advice.0.cure,
        })
    }

    /// Finds the advice whose key is a sign in a description: a code that is no standard one, or
    /// several words, in any letter case. The longest key wins.
    pub(super) fn within(
        &self,
        text: &str,
        phase: CallPhase,
        is_of_grant: impl Fn(&str) -> bool,
    ) -> Option<FoundAdvice<'_>> {
        let longest = self.longest(text, is_sign)?;
        self.on(longest, phase, is_of_grant(longest))
    }

    /// Finds the advice whose key is several words that a description has. They speak of no
    /// grant, whatever the code does.
    pub(super) fn on_phrase(&self, text: &str, phase: CallPhase) -> Option<FoundAdvice<'_>> {
        let longest = self.longest(text, is_phrase)?;
        self.on(longest, phase, false)
    }

    /// True if the provider's own codes are Microsoft's numbers.
    pub(super) fn has_numbers(&self) -> bool {
        self.0.keys().any(|key| key.starts_with(NUMBERED))
    }

    fn longest(&self, text: &str, is_one: impl Fn(&str) -> bool) -> Option<&String> {
        let text = text.to_lowercase();
        let is_said = |key: &&String| is_one(key) && has_word(&text, &key.to_lowercase());
        self.0.keys().filter(is_said).max_by_key(|key| key.len())
    }
}

/// True for a key of several words, which is no code.
fn is_phrase(key: &str) -> bool {
    key.contains(' ')
}

/// True for a key that means itself wherever a description has it. A short word such as
/// `unauthorized`, and a standard code, can stand in a description of anything.
fn is_sign(key: &str) -> bool {
    let of_parts = is_phrase(key) || key.contains('_') || key.starts_with(NUMBERED);
    of_parts && !is_standard(key) && !OWN_WORDS.contains(&key)
}

/// True if the text has this word, with no letter, digit or `_` beside it.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        let is_edge =
            |char: Option<char>| char.is_none_or(|char| !char.is_alphanumeric() && char != '_');
        is_edge(before) && is_edge(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(toml: &str) -> AdviceTable {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn advice_is_found_by_whole_words_only() {
        let table = table(
            "AADSTS70000 = \"expired\"\nAADSTS700016 = \"no such application\"\n\
             invalid_grant = \"general\"\nunauthorized = \"short\"\n\
             invalid_rapt = \"policy\"\n\"Account has been deleted\" = \"gone\"",
        );
        let check = |text: &str, expected: Option<&str>| {
            let found = table.within(text, CallPhase::Refresh, |_| false);
            assert_eq!(found.and_then(|found| found.text), expected, "{text}");
        };
        check("AADSTS70000: The user", Some("expired"));
        check("x AADSTS700016: App", Some("no such application"));
        check("AADSTS7000001", None);
        check("AADSTS70000 AADSTS700016", Some("no such application"));
        check("reauth related error (invalid_rapt)", Some("policy"));
        check("invalid_rapts", None);
        check("invalid_rapt_type", None);
        check("account has been deleted.", Some("gone"));
        // A standard code or a short word in a description means nothing.
        check("invalid_grant", None);
        check("unauthorized", None);
    }

    #[test]
    fn each_phase_has_a_text_of_its_own_on_a_grant() {
        let table = table(
            "one = \"later\"\ntwo = { login = \"first\", refresh = \"later\", cure = \"login\" }\n\
             three = { text = \"always\", cure = \"organisation\" }\n\
             four = { refresh = \"later\", revoke = \"at last\" }",
        );
        let check = |word: &str, is_of_grant, [login, refresh, revoke]: [Option<&str>; 3]| {
            let text = |phase| table.on(word, phase, is_of_grant).unwrap().text;
            assert_eq!(text(CallPhase::Code), login, "{word}");
            assert_eq!(text(CallPhase::LoginToken), login, "{word}");
            assert_eq!(text(CallPhase::Refresh), refresh, "{word}");
            assert_eq!(text(CallPhase::Revocation), revoke, "{word}");
        };
        let (first, later, always) = (Some("first"), Some("later"), Some("always"));
        check("one", true, [None, later, None]);
        check("one", false, [later, later, later]);
        check("two", true, [first, later, None]);
        check("three", false, [always, always, always]);
        check("four", false, [None, later, Some("at last")]);
        let organisation = table.on("three", CallPhase::Code, false).unwrap();
        assert_eq!(organisation.cure, Some(Cure::Organisation));
    }

    #[test]
    fn a_table_of_advice_without_a_text_is_refused() {
        for text in [
            "a = { cure = \"login\" }",
            "a = { text = \"b\", cures = \"login\" }",
            "a = { text = \"b\", cure = \"prayer\" }",
            "a = 3",
        ] {
            assert!(toml::from_str::<AdviceTable>(text).is_err(), "{text}");
        }
    }
}
