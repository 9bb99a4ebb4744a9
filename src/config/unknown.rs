//! Variables that look like settings and are none.

use super::{declaration::PREFIX, fields::nearest, settings::DECLARED};
use crate::environment::Environment;

/// Settings whose name without `AUTHSEAL_` is also that of another program's variable.
const COMMON: [&str; 6] = [
    "APP_NAME",
    "DISPLAY_NAME",
    "FIRST_KEY",
    "LOG_FORMAT",
    "PRIVACY_POLICY_URL",
    "V1_STORAGE",
];

/// Returns a sentence for each `AUTHSEAL_` variable that is not a setting but resembles
/// one, and for each setting without `AUTHSEAL_`. Others are ignored: Kubernetes sets
/// `AUTHSEAL_PORT` and more for a service named authseal.
pub(super) fn unknown_settings(environment: &Environment) -> Vec<String> {
    environment
        .names()
        .filter_map(|variable| {
            let name = variable.strip_suffix("_FILE").unwrap_or(variable);
            let meant = match without_prefix(name) {
                Some(name) => meant_setting(name)?,
                None => forgotten_prefix(name)
                    .filter(|name| !environment.is_set(&format!("{PREFIX}{name}")))?,
            };
            let meant = format!("{PREFIX}{meant}");
            (name != meant).then(|| format!("{variable} is not a setting; did you mean {meant}?"))
        })
        .collect()
}

/// Returns the name without `AUTHSEAL_`, however that is written.
fn without_prefix(name: &str) -> Option<&str> {
    let (start, rest) = name.split_at_checked(PREFIX.len())?;
    start.eq_ignore_ascii_case(PREFIX).then_some(rest)
}

fn meant_setting(name: &str) -> Option<&'static str> {
    let names = DECLARED.iter().map(|declared| declared.name);
    nearest(&name.to_uppercase(), names)
}

/// Returns the setting that is named exactly, but without its prefix.
fn forgotten_prefix(name: &str) -> Option<&'static str> {
    let mut names = DECLARED.iter().map(|declared| declared.name);
    names.find(|known| *known == name && known.contains('_') && !COMMON.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_setting_is_noticed_and_those_of_kubernetes_are_not() {
        let environment = Environment::new([
            ("AUTHSEAL_PUBLC_URL", "x"),
            ("AUTHSEAL_PORT_8080_TCP_ADDR", "x"),
            ("AUTHSEAL_SERVICE_HOST", "x"),
            ("AUTHSEAL_LOG", "info"),
            ("authseal_keys_dir", "x"),
            ("LOGIN_PASSWORD_FILE", "x"),
            ("APP_NAME", "x"),
            ("SERVICES", "x"),
        ]);
        assert_eq!(
            unknown_settings(&environment),
            [
                "AUTHSEAL_PUBLC_URL is not a setting; did you mean AUTHSEAL_PUBLIC_URL?",
                "LOGIN_PASSWORD_FILE is not a setting; did you mean AUTHSEAL_LOGIN_PASSWORD?",
                "authseal_keys_dir is not a setting; did you mean AUTHSEAL_KEYS_DIR?",
            ]
        );
    }
}
