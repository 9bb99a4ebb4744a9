//! Keys that are the same in every run, and sealing by hand what authseal itself
//! would never seal.

use authseal::{
    clock::UnixTime,
    keyring::{CurrentKeys, Jwk, KeySource, Keyring},
    seal::{Grant, Lineage},
    secret::Secret,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

pub const NOW: UnixTime = UnixTime(1_800_000_000);
pub const KID: &str = "key1";
pub const SERVICE: &str = "googledrive";

const JWK: &str = r#"{"kty":"oct","kid":"key1","alg":"dir","enc":"A256GCM","iat":1700000000,
    "k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}"#;
const IV: [u8; 12] = *b"twelve bytes";

/// One key, by which everything here is sealed.
pub fn keys() -> CurrentKeys {
    let set = Secret::new(format!("{{\"keys\":[{JWK}]}}"));
    Keyring::load(KeySource::Inline(set)).unwrap().current()
}

/// The key's own bytes.
pub fn key() -> [u8; 32] {
    *Jwk::parse(JWK.as_bytes()).unwrap().bytes()
}

pub fn grant(refresh_token: &str) -> Grant {
    Grant {
        service: SERVICE.into(),
        refresh_token: Secret::new(refresh_token),
        issued_at: NOW,
        lineage: Lineage::parse("AAAAAAAAAAAAAAAAAAAAAA").unwrap(),
        generation: 3,
        region: None,
        client: None,
        ancestry: Default::default(),
        terms: None,
    }
}

pub fn grant_json(refresh_token: &str) -> String {
    serde_json::to_string(&grant(refresh_token)).unwrap()
}

/// `v2:<service>:<JWE>` with any header over any content, under any key.
pub fn authid(key: &[u8; 32], service: &str, header: &[u8], content: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(header);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let mut sealed = content.to_vec();
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(IV),
            Aad::from(header.as_bytes()),
            &mut sealed,
        )
        .unwrap();
    let [iv, sealed, tag] =
        [&IV[..], &sealed, tag.as_ref()].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    format!("v2:{service}:{header}..{iv}.{sealed}.{tag}")
}

/// What authseal itself writes.
pub fn header(is_compressed: bool) -> String {
    let zip = if is_compressed { r#","zip":"DEF""# } else { "" };
    format!(r#"{{"enc":"A256GCM","kid":"{KID}"{zip},"alg":"dir"}}"#)
}
