//! Variables that look like settings and are none.

use super::{declaration::PREFIX, fields::nearest, settings::DECLARED};
use crate::environment::Environment;

/// Returns a warning for each `AUTHSEAL_` variable that is not a setting but resembles
/// one. Others are ignored: Kubernetes sets `AUTHSEAL_PORT` and more for a service named
/// authseal.
pub(super) fn unknown_settings(environment: &Environment) -> Vec<String> {
    let names = || DECLARED.iter().map(|declared| declared.name);
    environment
        .names()
        .filter_map(|variable| {
            let name = variable.strip_prefix(PREFIX)?;
            let name = name.strip_suffix("_FILE").unwrap_or(name);
            if names().any(|known| known == name) {
                return None;
            }
            let meant = nearest(name, names())?;
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
