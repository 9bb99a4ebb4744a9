//! Migrates from Duplicati's own oauth-server (v1.0.1): translates its settings to
//! settings of authseal, and its AuthIDs to grants.

mod aes_crypt;
mod authids;
mod entries;
mod entry;
mod family;
mod old_authid;
mod secrets;
mod settings;
mod source;
mod translation;

use toml::Table;

pub use authids::OldAuthIds;
pub(crate) use authids::{OldAuthIdError, Proof};
pub(crate) use old_authid::OldAuthId;
pub(crate) use translation::Translated;

use crate::environment::Environment;

/// Variables that only installations of oauth-server set.
const SIGNS: [&str; 5] = ["APPNAME", "SERVICES", "SECRETS", "CONFIGFILE", "STORAGE"];

/// Variables without a meaning here, and the advice that replaces them.
const WITHOUT_MEANING: [(&str, &str); 4] = [
    ("SEQ_URL", TO_SEQ),
    ("SEQ_APIKEY", TO_SEQ),
    (CERTIFICATE, PEM),
    ("ASPNETCORE_Kestrel__Certificates__Default__Password", PEM),
];
const TO_SEQ: &str = "logs go to standard error: set AUTHSEAL_LOG_FORMAT=json and let your log \
                      collector carry them to Seq";
const CERTIFICATE: &str = "ASPNETCORE_Kestrel__Certificates__Default__Path";
const PEM: &str = "set AUTHSEAL_TLS_CERT and AUTHSEAL_TLS_KEY to PEM files, which openssl pkcs12 \
                   makes of a PFX file";

/// Translates all settings of oauth-server that are set. Adds a problem for each that
/// cannot be read. `built_in` are the compiled-in tables.
pub fn translate(
    environment: &Environment,
    built_in: &Table,
    problems: &mut Vec<String>,
) -> Translated {
    let mut all = Translated {
        environment: environment.clone(),
        is_of_that_server: SIGNS.iter().any(|name| environment.is_set(name)),
        ..Translated::default()
    };
    all.host_name(problems);
    for (old, new) in [
        ("APPNAME", "APP_NAME"),
        ("DISPLAYNAME", "DISPLAY_NAME"),
        ("PRIVACY_POLICY_URL", "PRIVACY_POLICY_URL"),
    ] {
        all.rename(old, new, problems, Ok);
    }
    all.services(problems);
    all.listening(problems);
    all.storage(problems);
    all.secrets(problems);
    all.entries(built_in, problems);
    for (old, instead) in WITHOUT_MEANING {
        if all.environment.is_set(old) {
            all.notes.push(format!("{old} is not used: {instead}"));
        }
    }
    all
}
