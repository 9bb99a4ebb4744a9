//! Making and opening AuthIDs, `v2:<service>:<JWE>`.
//!
//! Any JOSE library can open the JWE with the JWK alone.

use smol_str::SmolStr;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Flaw, Grant, NoSealingKey, grant_text, jwe, jwe::Compact};
use crate::{
    clock::UnixTime,
    keyring::{KeySet, Unusable},
    secret::Secret,
};

/// Maximum length of an AuthID in bytes; longer text is refused.
pub const MAX_AUTHID_BYTES: usize = 16 * 1024;

pub(super) const VERSION: &str = "v2:";

/// An AuthID's content, and the key it was sealed under.
#[derive(Debug)]
pub struct Opened {
    /// The decrypted grant.
    pub grant: Grant,
    /// The id of the key that opened it.
    pub kid: SmolStr,
}

/// The text does not have the form of an AuthID; the user pasted something else.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotAnAuthId {
    /// The text is empty, or the request has no AuthID.
    #[error("no AuthID was sent")]
    Missing,
    /// The text is longer than [`MAX_AUTHID_BYTES`].
    #[error("this is too long to be an AuthID")]
    TooLong,
    /// The text is not `v2:<service>:<JWE>`, or the JWE is of another kind.
    #[error("{0}")]
    Form(Flaw),
}

/// Reasons why an AuthID could not be opened.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// The text is not an AuthID.
    #[error(transparent)]
    NotAnAuthId(#[from] NotAnAuthId),
    /// The key is missing, unknown or retired. A new login helps if it is unknown or
    /// retired.
    #[error(transparent)]
    Key(#[from] Unusable),
    /// Decryption failed: the AuthID was copied wrongly, or forged.
    #[error("the AuthID is damaged or was changed")]
    Tampered,
    /// The content is authentic, and not one that this version reads. The administrator helps:
    /// a newer authseal has probably sealed it.
    #[error(
        "this version of authseal does not read what is in the AuthID, which a newer one has probably made"
    )]
    Unreadable,
    /// The service named in front of the JWE is not the one in the sealed grant.
    #[error("the AuthID was made for another service than it names")]
    WrongService,
}

/// Seals a grant under the newest active key, as an AuthID.
pub fn seal(keys: &KeySet, now: UnixTime, grant: &Grant) -> Result<Secret, NoSealingKey> {
    let key = keys.sealing(now).ok_or(NoSealingKey)?;
    let grant = grant.to_seal(&key.kid);
    let plaintext =
        Zeroizing::new(serde_json::to_vec(&grant).expect("strings and numbers always serialise"));
    let jwe = jwe::seal(key, &plaintext);
    Ok(Secret::new(format!("{VERSION}{}:{jwe}", grant.service)))
}

/// Opens an AuthID in its one spelling, with nothing around it; [`super::open_pasted`] takes
/// more. Nothing is decompressed or parsed before it is authenticated, and
/// only `dir` with `A256GCM` is accepted.
pub fn open(keys: &KeySet, now: UnixTime, authid: &str) -> Result<Opened, OpenError> {
    let (service, jwe) = split(authid)?;
    let header = jwe.header(keys).ok_or(NotAnAuthId::Form(Flaw::Header))?;
    let key = keys.opening(&header.kid, now)?;
    let plaintext = jwe.open(&header, key).ok_or(OpenError::Tampered)?;
    let grant = str::from_utf8(&plaintext).ok();
    let grant = grant.and_then(grant_text::parse);
    let grant = grant.ok_or(OpenError::Unreadable)?;
    if grant.service != service {
        return Err(OpenError::WrongService);
    }
    let kid = SmolStr::new(header.kid);
    Ok(Opened {
        grant: grant.opened_with(&kid),
        kid,
    })
}

/// Returns the service that a text names as an AuthID does, even a cut or decorated one. It
/// is not verified: use it as a hint to a person, never for a decision.
pub fn named_service(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(VERSION)?;
    let (service, _) = rest.split_once(':')?;
    Some(service)
}

/// Splits `v2:<service>:<JWE>` into its parts. Each AuthID has exactly one accepted
/// spelling.
fn split(authid: &str) -> Result<(&str, Compact<'_>), NotAnAuthId> {
    if authid.is_empty() {
        return Err(NotAnAuthId::Missing);
    }
    if authid.len() > MAX_AUTHID_BYTES {
        return Err(NotAnAuthId::TooLong);
    }
    split_form(authid).ok_or(NotAnAuthId::Form(Flaw::Unlike))
}

fn split_form(authid: &str) -> Option<(&str, Compact<'_>)> {
    let rest = authid.strip_prefix(VERSION)?;
    let colon = memchr::memchr(b':', rest.as_bytes())?;
    let jwe = Compact::split(&rest[colon + 1..])?;
    Some((&rest[..colon], jwe))
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use josekit::jwe::{Dir, JweHeader, serialize_compact};

    use super::*;
    use crate::{
        keyring::{Jwk, KeySource, Keyring},
        seal::{Ancestry, Lineage, Terms, UseLimits},
    };

    const NOW: UnixTime = UnixTime(1_800_000_000);

    /// The keyring, and the key it holds.
    fn keys() -> (Keyring, Jwk) {
        let key = Jwk::generate(NOW, Duration::ZERO);
        let set = format!("{{\"keys\":[{}]}}", key.to_json().expose());
        let keyring = Keyring::load(KeySource::Inline(Secret::new(set))).unwrap();
        (keyring, key)
    }

    fn grant(refresh_token: &str) -> Grant {
        Grant {
            service: "googledrive".into(),
            refresh_token: Secret::new(refresh_token),
            issued_at: NOW,
            lineage: Lineage::random(),
            generation: 3,
            region: None,
            client: None,
            ancestry: Ancestry::default(),
            terms: None,
        }
    }

    /// A JWE with this header over a good grant, under the right key.
    fn sealed_with_header(key: &Jwk, header: serde_json::Value) -> String {
        let header = JweHeader::from_map(header.as_object().unwrap().clone()).unwrap();
        let encrypter = Dir.encrypter_from_bytes(key.bytes()).unwrap();
        let plaintext = serde_json::to_vec(&grant("rt")).unwrap();
        let jwe = serialize_compact(&plaintext, &header, &encrypter).unwrap();
        format!("v2:googledrive:{jwe}")
    }

    #[test]
    fn what_was_sealed_opens_to_the_same_grant() {
        let (keyring, key) = keys();
        let compressible = "abc".repeat(500);
        for refresh_token in ["1//0gshort", &compressible] {
            let grant = grant(refresh_token);
            let authid = seal(&keyring.current(), NOW, &grant).unwrap();
            let opened = open(&keyring.current(), NOW, authid.expose()).unwrap();
            assert_eq!(opened.grant, grant.opened_with(&SmolStr::new(&key.kid)));
            assert_eq!(opened.kid, key.kid);
        }
    }

    #[test]
    fn the_key_knows_how_its_authids_begin() {
        let (keyring, key) = keys();
        let authid = seal(&keyring.current(), NOW, &grant("rt")).unwrap();
        let begin = format!("v2:googledrive:{}..", key.protected_header());
        assert!(authid.expose().starts_with(&begin));
    }

    #[test]
    fn only_a_string_that_gets_shorter_is_compressed() {
        let (keyring, _) = keys();
        let sealed_length = |token: &str| {
            let authid = seal(&keyring.current(), NOW, &grant(token)).unwrap();
            authid.expose().len()
        };
        assert!(sealed_length(&"abc".repeat(500)) < 600);
        assert!(sealed_length("1//0gshort") < 300);
    }

    #[test]
    fn a_lifetime_and_a_network_cost_forty_characters_and_their_absence_none() {
        let (keyring, _) = keys();
        let length = |terms: Terms| {
            let grant = Grant {
                terms: Some(Arc::new(terms)),
                ..grant("1//0gshort")
            };
            let authid = seal(&keyring.current(), NOW, &grant).unwrap();
            authid.expose().len()
        };
        let without = length(Terms::default());
        let unlimited = seal(&keyring.current(), NOW, &grant("1//0gshort")).unwrap();
        assert_eq!(without, unlimited.expose().len());
        for (network, more) in [("192.0.2.0/24", 30), ("2001:db8:1:2::/64", 40)] {
            let limits = UseLimits::new(Some(NOW), [network.parse().unwrap()], None).unwrap();
            let with = length(Terms {
                limits,
                ..Terms::default()
            });
            assert!(with - without <= more, "{network}: {}", with - without);
        }
    }

    #[test]
    fn every_other_kind_of_jwe_is_refused() {
        let (keyring, key) = keys();
        let check = |header, expected: Option<OpenError>| {
            let authid = sealed_with_header(&key, header);
            assert_eq!(open(&keyring.current(), NOW, &authid).err(), expected);
        };
        let kid = &key.kid;
        let not_one = Some(NotAnAuthId::Form(Flaw::Header).into());
        let json = |text: &str| serde_json::from_str(&text.replace("KID", kid)).unwrap();
        check(json(r#"{"enc":"A256GCM","kid":"KID"}"#), None);
        check(json(r#"{"enc":"A256GCM","kid":"KID","typ":"JWE"}"#), None);
        // Its vector has another length.
        let unlike = Some(NotAnAuthId::Form(Flaw::Unlike).into());
        check(json(r#"{"enc":"A128CBC-HS256","kid":"KID"}"#), unlike);
        check(json(r#"{"enc":"A256GCM"}"#), not_one);
        check(
            json(r#"{"enc":"A256GCM","kid":"KID","crit":["x"],"x":1}"#),
            not_one,
        );
        let unknown = Some(Unusable::Unknown.into());
        check(json(r#"{"enc":"A256GCM","kid":"else"}"#), unknown);
    }

    #[test]
    fn a_shortened_tag_is_refused() {
        let (keyring, _) = keys();
        let authid = seal(&keyring.current(), NOW, &grant("rt")).unwrap();
        // 4, 8 and 12 bytes of the tag: lengths that OpenSSL itself accepts.
        for keep in [6, 11, 16] {
            let (rest, tag) = authid.expose().rsplit_once('.').unwrap();
            let shortened = &format!("{rest}.{}", &tag[..keep]);
            assert_eq!(
                open(&keyring.current(), NOW, shortened).unwrap_err(),
                NotAnAuthId::Form(Flaw::Unlike).into()
            );
        }
    }

    #[test]
    fn the_service_in_front_must_be_the_one_inside() {
        let (keyring, _) = keys();
        let authid = seal(&keyring.current(), NOW, &grant("rt")).unwrap();
        let other = authid.expose().replace("googledrive", "dropbox");
        assert_eq!(
            open(&keyring.current(), NOW, &other).unwrap_err(),
            OpenError::WrongService
        );
        assert_eq!(named_service(&other), Some("dropbox"));
    }
}
