//! The `AUTHSEAL_` settings as text, before they are parsed.

use serde::Deserialize;

use super::fields::nearest;
use crate::environment::Environment;

const PREFIX: &str = "AUTHSEAL_";

/// The values of all `AUTHSEAL_` settings as text; `None` if not set.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub(super) public_url: Option<String>,
    pub(super) listen: Option<String>,
    pub(super) admin_listen: Option<String>,
    pub(super) keys_dir: Option<String>,
    pub(super) keys: Option<String>,
    pub(super) keys_passphrase: Option<String>,
    pub(super) first_key: Option<String>,
    pub(super) providers: Option<String>,
    pub(super) services: Option<String>,
    pub(super) app_name: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) privacy_policy_url: Option<String>,
    pub(super) opener_origins: Option<String>,
    pub(super) store_url: Option<String>,
    pub(super) cache_mb: Option<String>,
    pub(super) max_connections: Option<String>,
    pub(super) tls_cert: Option<String>,
    pub(super) tls_key: Option<String>,
    pub(super) trusted_proxies: Option<String>,
    pub(super) rate_limit: Option<String>,
    pub(super) login_networks: Option<String>,
    pub(super) login_password: Option<String>,
    pub(super) login_header: Option<String>,
    pub(super) login_require: Option<String>,
    pub(super) accept_v2_plain: Option<String>,
    pub(super) v1_storage: Option<String>,
    pub(super) log: Option<String>,
    pub(super) log_format: Option<String>,
}

/// Names of the fields of [`Settings`], without the prefix.
const NAMES: [&str; 28] = [
    "PUBLIC_URL",
    "LISTEN",
    "ADMIN_LISTEN",
    "KEYS_DIR",
    "KEYS",
    "KEYS_PASSPHRASE",
    "FIRST_KEY",
    "PROVIDERS",
    "SERVICES",
    "APP_NAME",
    "DISPLAY_NAME",
    "PRIVACY_POLICY_URL",
    "OPENER_ORIGINS",
    "STORE_URL",
    "CACHE_MB",
    "MAX_CONNECTIONS",
    "TLS_CERT",
    "TLS_KEY",
    "TRUSTED_PROXIES",
    "RATE_LIMIT",
    "LOGIN_NETWORKS",
    "LOGIN_PASSWORD",
    "LOGIN_HEADER",
    "LOGIN_REQUIRE",
    "ACCEPT_V2_PLAIN",
    "V1_STORAGE",
    "LOG",
    "LOG_FORMAT",
];

impl Settings {
    /// Reads the settings from variables or their `_FILE`.
    pub(super) fn of(environment: &Environment, problems: &mut Vec<String>) -> Self {
        let set: Vec<(String, String)> = NAMES
            .iter()
            .filter_map(|name| {
                let name = format!("{PREFIX}{name}");
                let value = environment.get(&name, problems)?;
                Some((name, value))
            })
            .collect();
        envy::prefixed(PREFIX)
            .from_iter(set)
            .expect("every setting is an optional text")
    }
}

/// Returns a warning for each `AUTHSEAL_` variable that is not a setting but resembles
/// one. Others are ignored: Kubernetes sets `AUTHSEAL_PORT` and more for a service named
/// authseal.
pub(super) fn unknown_settings(environment: &Environment) -> Vec<String> {
    environment
        .names()
        .filter_map(|variable| {
            let name = variable.strip_prefix(PREFIX)?;
            let name = name.strip_suffix("_FILE").unwrap_or(name);
            if NAMES.contains(&name) {
                return None;
            }
            let meant = nearest(name, NAMES)?;
            Some(format!(
                "{variable} is not a setting; did you mean {PREFIX}{meant}?"
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_field_of_the_settings() {
        for name in NAMES {
            let set = [(format!("{PREFIX}{name}"), "x".to_owned())];
            envy::prefixed(PREFIX)
                .from_iter::<_, Settings>(set)
                .unwrap();
        }
        let fields = format!(
            "{:?}",
            envy::prefixed(PREFIX)
                .from_iter::<_, Settings>([("AUTHSEAL_NO_SUCH".to_owned(), "x".to_owned(),)])
                .err()
                .unwrap()
        );
        assert_eq!(fields.matches('`').count() / 2 - 1, NAMES.len(), "{fields}");
    }

    #[test]
    fn a_misspelt_setting_is_noticed_and_those_of_kubernetes_are_not() {
        let environment = Environment::new([
            ("AUTHSEAL_PUBLC_URL", "x"),
            ("AUTHSEAL_PORT_8080_TCP_ADDR", "x"),
            ("AUTHSEAL_SERVICE_HOST", "x"),
        ]);
        assert_eq!(
            unknown_settings(&environment),
            ["AUTHSEAL_PUBLC_URL is not a setting; did you mean AUTHSEAL_PUBLIC_URL?"]
        );
    }
}
