//! Translates a variable of oauth-server to the setting of authseal with the same
//! meaning.

use toml::Table;

use crate::environment::Environment;

/// The result of the translation.
#[derive(Default)]
pub struct Translated {
    /// The environment, with the translated settings of authseal added.
    pub environment: Environment,
    /// Tables made from CONFIGFILE. They override the built-in ones, and the
    /// administrator's own override them.
    pub tables: Table,
    /// Value of SERVICES. Unlike AUTHSEAL_SERVICES it may name services that cannot be
    /// offered.
    pub services: Option<String>,
    /// Notes: one sentence for each setting that was translated or ignored.
    pub notes: Vec<String>,
    /// True if a variable is set that only installations of oauth-server set.
    pub is_of_that_server: bool,
}

impl Translated {
    /// Translates the variable `old` to the setting `new`, unless `new` is set too.
    /// `convert` returns the new value, or what is wrong with the old one.
    pub(super) fn rename(
        &mut self,
        old: &str,
        new: &str,
        problems: &mut Vec<String>,
        convert: impl FnOnce(String) -> Result<String, String>,
    ) {
        let ours = format!("AUTHSEAL_{new}");
        if !self.environment.is_set(old) {
            return;
        }
        if self.environment.is_set(&ours) {
            self.notes.push(format!("{old} is not used: {ours} is set"));
            return;
        }
        let Some(value) = self.environment.get(old, problems) else {
            return;
        };
        match convert(value) {
            Ok(value) => {
                self.notes
                    .push(format!("{old} is taken for {ours}={value}"));
                self.environment.set(&ours, value);
            }
            Err(problem) => problems.push(format!("{old} {problem}")),
        }
    }
}
