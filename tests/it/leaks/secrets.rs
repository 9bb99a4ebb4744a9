//! What to search for, and in which spellings.

use std::{collections::BTreeSet, fs, path::Path};

use authseal::{
    clock::Clock,
    keyring::{KeySource, Keyring},
    seal,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::support::{Asked, Browser, key_file};

/// Everything that only its rightful holder may see, as it comes up.
#[derive(Default)]
pub struct Secrets(BTreeSet<String>);

impl Secrets {
    pub fn add(&mut self, secret: &str) {
        assert!(secret.len() >= 12, "too short to search for: {secret}");
        self.0.insert(secret.to_owned());
    }

    /// The AuthID, what is inside, and its parts; its first part is no secret.
    pub fn add_authid(&mut self, authid: &str, keys: &Path) {
        let keyring = Keyring::load(KeySource::Folder(keys.into())).unwrap();
        let opened = seal::open(&keyring.current(), Clock::system().now(), authid).unwrap();
        self.add(opened.grant.refresh_token.expose());
        self.add(&opened.grant.lineage.to_string());
        self.add(authid);
        for part in authid.split('.').skip(1).filter(|part| !part.is_empty()) {
            self.add(part);
        }
    }

    pub fn add_cookies(&mut self, browser: &Browser) {
        for (name, value) in &browser.cookies {
            self.add(value);
            self.add(value.split_once('.').unwrap().1);
            // The nonce: whoever has it and the cookie finishes the login.
            self.add(name.split_once('-').unwrap().1);
        }
    }

    pub fn add_key(&mut self, keys: &Path) {
        let jwk = fs::read_to_string(key_file(keys)).unwrap();
        let jwk: serde_json::Value = serde_json::from_str(&jwk).unwrap();
        self.add(jwk["k"].as_str().unwrap());
    }

    /// What the provider was sent: codes, verifiers, refresh tokens.
    pub fn add_form(&mut self, asked: &Asked) {
        for (name, value) in asked.form() {
            if ["code", "code_verifier", "refresh_token", "client_secret"].contains(&&*name) {
                self.add(&value);
            }
        }
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn assert_absent(&self, text: &str, place: &str) {
        for secret in &self.0 {
            assert!(
                !text.contains(secret.as_str()),
                "{secret} is in {place}:\n{text}"
            );
            let encoded = STANDARD.encode(secret);
            assert!(!text.contains(&encoded), "{secret} is in {place} as base64");
            let debugged = format!("{:?}", secret.as_bytes());
            let debugged = debugged.trim_matches(['[', ']']);
            assert!(!text.contains(debugged), "{secret} is in {place} as bytes");
        }
    }
}
