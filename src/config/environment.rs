//! The environment: `AUTHSEAL_` settings, client credentials, and `_FILE`.

use std::{collections::BTreeMap, ffi::OsString, fs};

use serde::Deserialize;

use super::fields::nearest;

const PREFIX: &str = "AUTHSEAL_";

/// Variables as they are set, before anything is checked.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// What [`Environment::expand`] knows besides.
    placeholders: BTreeMap<String, String>,
}

/// The `AUTHSEAL_` settings, as text.
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

/// The names of [`Settings`], without prefix.
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

impl Environment {
    /// The process's own environment. Variables that are not Unicode are none of
    /// ours.
    pub fn of_process() -> Self {
        Self::new(
            std::env::vars_os().filter_map(|(name, value): (OsString, OsString)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            }),
        )
    }

    /// An environment of these variables.
    pub fn new<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            placeholders: BTreeMap::new(),
        }
    }

    /// The same with one more variable.
    pub fn with(mut self, name: &str, value: String) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a variable, for this process's own eyes.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.variables.insert(name.to_owned(), value);
    }

    /// Gives a placeholder a value, unless a variable has its name.
    pub(super) fn define(&mut self, name: &str, value: &str) {
        self.placeholders.insert(name.to_owned(), value.to_owned());
    }

    /// The text with every `%NAME%` replaced that is known.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('%') {
            expanded.push_str(before);
            let value = behind.split_once('%').and_then(|(name, behind)| {
                let variable = self.get(name, &mut Vec::new());
                let known = variable.or_else(|| self.placeholders.get(name).cloned())?;
                Some((known, behind))
            });
            match value {
                Some((value, behind)) => {
                    expanded.push_str(&value);
                    rest = behind;
                }
                None => {
                    expanded.push('%');
                    rest = behind;
                }
            }
        }
        expanded + rest
    }

    /// A variable, or the content of the file that `<name>_FILE` names, without
    /// the line end that editors leave. Empty counts as not set.
    pub fn get(&self, name: &str, problems: &mut Vec<String>) -> Option<String> {
        let set = |name: &str| self.variables.get(name).filter(|value| !value.is_empty());
        let file_name = format!("{name}_FILE");
        match (set(name), set(&file_name)) {
            (Some(_), Some(_)) => {
                problems.push(format!("{name} and {file_name} are both set; keep one"));
                None
            }
            (Some(value), None) => Some(value.clone()),
            (None, Some(path)) => match fs::read_to_string(path) {
                Ok(text) => {
                    let value = text.trim_end_matches(['\r', '\n']);
                    if value.is_empty() {
                        problems.push(format!("{file_name} names {path}, which is empty"));
                        return None;
                    }
                    Some(value.to_owned())
                }
                Err(error) => {
                    problems.push(format!(
                        "{file_name} names {path}, which cannot be read: {error}"
                    ));
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// Whether the variable itself is set.
    pub(super) fn has(&self, name: &str) -> bool {
        let value = self.variables.get(name);
        value.is_some_and(|value| !value.is_empty())
    }

    /// Whether a variable, or its `_FILE`, is set.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.has(name) || self.has(&format!("{name}_FILE"))
    }

    /// The `AUTHSEAL_` settings.
    pub(super) fn settings(&self, problems: &mut Vec<String>) -> Settings {
        let set: Vec<(String, String)> = NAMES
            .iter()
            .filter_map(|name| {
                let name = format!("{PREFIX}{name}");
                let value = self.get(&name, problems)?;
                Some((name, value))
            })
            .collect();
        envy::prefixed(PREFIX)
            .from_iter(set)
            .expect("every setting is an optional text")
    }

    /// A warning for each `AUTHSEAL_` variable that is none of ours but looks
    /// like one. Others are let be: Kubernetes sets `AUTHSEAL_PORT` and more for
    /// a service of that name.
    pub(super) fn unknown_settings(&self) -> Vec<String> {
        self.variables
            .keys()
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
    fn a_file_gives_the_value_without_its_line_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "secret\r\n").unwrap();
        let path = file.path().to_str().unwrap();
        let mut problems = Vec::new();
        let environment = Environment::new([("A_FILE", path)]);
        assert_eq!(
            environment.get("A", &mut problems).as_deref(),
            Some("secret")
        );
        assert!(problems.is_empty());

        let both = Environment::new([("A_FILE", path), ("A", "x")]);
        assert_eq!(both.get("A", &mut problems), None);
        let missing = Environment::new([("A_FILE", "/no/such/file")]);
        assert_eq!(missing.get("A", &mut problems), None);
        assert!(problems[0].contains("both set"), "{problems:?}");
        assert!(problems[1].contains("/no/such/file"), "{problems:?}");
    }

    #[test]
    fn a_misspelt_setting_is_noticed_and_those_of_kubernetes_are_not() {
        let environment = Environment::new([
            ("AUTHSEAL_PUBLC_URL", "x"),
            ("AUTHSEAL_PORT_8080_TCP_ADDR", "x"),
            ("AUTHSEAL_SERVICE_HOST", "x"),
        ]);
        assert_eq!(
            environment.unknown_settings(),
            ["AUTHSEAL_PUBLC_URL is not a setting; did you mean AUTHSEAL_PUBLIC_URL?"]
        );
    }
}
