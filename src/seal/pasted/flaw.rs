//! Names what is wrong with a text that holds no AuthID.

use thiserror::Error;
use zeroize::Zeroizing;

use super::{bare, letters::is_base64url, tidy::GAP};
use crate::seal::{
    NotAnAuthId,
    authid::VERSION,
    jwe::{IV_CHARACTERS, TAG_CHARACTERS},
};

/// Minimum length in bytes for a text to be taken for the end of an AuthID, or for a
/// token of Microsoft. Words of a sentence are shorter.
const MIN_SEALED_BYTES: usize = 40;

/// Beginnings of providers' own tokens.
const PROVIDER_TOKENS: [(&str, &str); 6] = [
    ("ya29.", "an access token of Google"),
    ("1//", "a refresh token of Google"),
    ("sl.", "an access token of Dropbox"),
    ("M.C", "a refresh token of Microsoft"),
    ("M.R", "a refresh token of Microsoft"),
    ("EwB", "an access token of Microsoft"),
];

/// A reason why a text is not an AuthID. It never repeats the text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Flaw {
    /// The text ends within the AuthID.
    #[error("the AuthID is cut off, and its end is missing")]
    CutAtEnd,
    /// The text has the end of an AuthID only.
    #[error("the beginning of the AuthID is missing, which is v2: and the service")]
    NoBeginning,
    /// A program that shows long texts put dots in place of a part.
    #[error("the AuthID is shortened, with dots in place of a part of it")]
    Shortened,
    /// A character that no AuthID has.
    #[error("character {position} of the AuthID is {kind}, which no AuthID has")]
    Character {
        /// Kind of the character.
        kind: CharacterKind,
        /// Place of the character, counted from 1 at `v2:`, without white space.
        position: usize,
    },
    /// A part has another length than it was made with.
    #[error("characters within the AuthID are missing, or stand there twice")]
    Middle,
    /// More characters stand behind the AuthID, and nothing between them.
    #[error("the AuthID has too many characters at its end, {0} more than it was made with")]
    TooMuchAtEnd(usize),
    /// The header of the JWE is damaged, or of another kind.
    #[error("the AuthID is damaged in its first part, or was not made by authseal")]
    Header,
    /// Two AuthIDs, which are not the same.
    #[error("two different AuthIDs were sent, and only one can be meant")]
    Several,
    /// A token that a provider made.
    #[error("this is {0}, not an AuthID")]
    ProviderToken(&'static str),
    /// An address, such as a target URL of Duplicati, without an AuthID.
    #[error("this is an address with no AuthID in it")]
    Address,
    /// An AuthID of Duplicati's own server that holds its refresh token in clear.
    #[error(
        "this AuthID is unencrypted, as Duplicati's own server makes them; this server does not \
         accept them (AUTHSEAL_ACCEPT_V2_PLAIN)"
    )]
    OldInClear,
    /// An AuthID of Duplicati's own server that names a file of it.
    #[error(
        "this is an AuthID of Duplicati's own server; this server does not have its files \
         (AUTHSEAL_V1_STORAGE)"
    )]
    OldStored,
    /// Nothing that looks like an AuthID.
    #[error("this is not an AuthID of this server, which starts with v2:")]
    Unlike,
}

/// Kind of a character that no AuthID has.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CharacterKind {
    /// A dash in place of a hyphen.
    #[error("a typographic dash")]
    Dash,
    /// A quotation mark.
    #[error("a quotation mark")]
    Quote,
    /// A character of base64 that base64url does not have.
    #[error("a plus sign or a slash")]
    OtherBase64,
    /// An equals sign.
    #[error("an equals sign")]
    Equals,
    /// A percent sign.
    #[error("a percent sign")]
    Percent,
    /// A letter or digit of another alphabet, or with an accent.
    #[error("a letter or digit beyond ASCII")]
    Letter,
    /// A character that could not be decoded.
    #[error("not text in UTF-8")]
    Undecoded,
    /// Any other character of ASCII.
    #[error("a punctuation mark or a control character")]
    Ascii,
    /// Any other character.
    #[error("a sign beyond ASCII")]
    Other,
}

impl CharacterKind {
    pub(super) fn of(char: char) -> Self {
        match char {
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => {
                Self::Dash
            }
            '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' => Self::Quote,
            '+' | '/' => Self::OtherBase64,
            '=' => Self::Equals,
            '%' => Self::Percent,
            '\u{fffd}' => Self::Undecoded,
            _ if char.is_ascii() => Self::Ascii,
            _ if char.is_alphanumeric() => Self::Letter,
            _ => Self::Other,
        }
    }
}

impl From<Flaw> for NotAnAuthId {
    fn from(flaw: Flaw) -> Self {
        Self::Form(flaw)
    }
}

/// Names the flaw of a text that has no beginning of a sealed AuthID.
pub(super) fn of(tidy: &str) -> Flaw {
    let text = bare(tidy);
    let starts_as_one = starts_with_version(text);
    if text.contains('\u{2026}') || text.contains("...") {
        let is_one = starts_as_one || text.starts_with("eyJ") || text.contains(":eyJ");
        return if is_one {
            Flaw::Shortened
        } else {
            Flaw::Unlike
        };
    }
    if starts_as_one && text[VERSION.len()..].chars().all(is_of_a_service) {
        return Flaw::CutAtEnd;
    }
    if let Some(name) = provider_token(text) {
        return Flaw::ProviderToken(name);
    }
    if !starts_as_one && has_end_of_one(tidy) {
        return Flaw::NoBeginning;
    }
    match text.contains("://") {
        true => Flaw::Address,
        false => Flaw::Unlike,
    }
}

fn starts_with_version(text: &str) -> bool {
    let start = text.get(..VERSION.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(VERSION))
}

fn is_of_a_service(char: char) -> bool {
    char.is_ascii_alphanumeric() || ".-_".contains(char)
}

fn provider_token(text: &str) -> Option<&'static str> {
    if text.contains(GAP) {
        return None;
    }
    let known = PROVIDER_TOKENS.iter().find(|(start, _)| {
        let is_long = text.len() > MIN_SEALED_BYTES || *start != "EwB";
        text.starts_with(start) && is_long
    });
    let is_jwt = text.starts_with("eyJ")
        && text.split('.').count() == 3
        && text.split('.').all(|part| !part.is_empty());
    match known {
        Some((_, name)) => Some(name),
        None if is_jwt => Some("a token of a provider, in the form of a JWT"),
        None => None,
    }
}

/// True if the text ends as a JWE does: a vector, a ciphertext and a tag with dots between,
/// or at least a long ciphertext and a tag.
fn has_end_of_one(tidy: &str) -> bool {
    let joined: String = tidy.chars().filter(|char| *char != GAP).collect();
    Zeroizing::new(joined)
        .split(|char: char| !(char.is_ascii() && is_base64url(char as u8)) && char != '.')
        .any(|word| {
            let word = word.trim_end_matches('.');
            let mut parts = word.rsplit('.');
            let tag = parts.next().unwrap_or_default();
            let ciphertext = parts.next().unwrap_or_default();
            let is_iv = |part: &str| part.len() <= IV_CHARACTERS;
            tag.len() == TAG_CHARACTERS
                && (ciphertext.len() >= MIN_SEALED_BYTES
                    || !ciphertext.is_empty() && parts.next().is_some_and(is_iv))
        })
}
