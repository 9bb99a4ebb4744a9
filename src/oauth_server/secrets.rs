//! Reads secrets.json, plain or encrypted with AES Crypt: one flat object of client ids
//! and client secrets.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    aes_crypt,
    source::{content, read_json},
    translation::Translated,
};
use crate::secret::Secret;

const VARIABLE: &str = "SECRETS";
const PASSPHRASE: &str = "SECRETS_PASSPHRASE";

#[derive(Deserialize)]
#[serde(transparent)]
struct Secrets(BTreeMap<String, Secret>);

impl Translated {
    /// Adds the credentials of the file to the environment; variables that are set
    /// already win.
    pub(super) fn secrets(&mut self, problems: &mut Vec<String>) {
        let before = problems.len();
        let Some(data) = content(VARIABLE, &self.environment, problems) else {
            return;
        };
        let passphrase = self.environment.get(PASSPHRASE, problems).map(Secret::new);
        if problems.len() > before {
            return;
        }
        let opened = match passphrase {
            Some(passphrase) => aes_crypt::open(&data, passphrase.expose())
                .map_err(|error| format!("{error} ({PASSPHRASE})")),
            None if data.starts_with(b"AES") => {
                Err(format!("is encrypted: set {PASSPHRASE} to its passphrase"))
            }
            None => Ok(data),
        };
        let shape = "one JSON object of texts, such as {\"GD_CLIENT_ID\": \"...\"}";
        let secrets = opened.and_then(|json| read_json(&json, shape));
        match secrets {
            Ok(Secrets(secrets)) => self.take_secrets(secrets),
            Err(problem) => problems.push(format!("what {VARIABLE} names {problem}")),
        }
    }

    fn take_secrets(&mut self, secrets: BTreeMap<String, Secret>) {
        let mut taken = Vec::new();
        for (name, value) in secrets {
            // Only credentials become variables, so that the file cannot change a
            // setting.
            let is_credential = name.ends_with("_CLIENT_ID") || name.ends_with("_CLIENT_SECRET");
            if is_credential && !self.environment.is_set(&name) {
                self.environment.set(&name, value.expose().to_owned());
                taken.push(name);
            } else {
                self.environment.define(&name, value.expose());
            }
        }
        self.notes.push(match taken.is_empty() {
            true => format!("{VARIABLE} has nothing that is not set already"),
            false => format!("{VARIABLE} gives {}", taken.join(", ")),
        });
    }
}
