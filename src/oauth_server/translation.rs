//! A variable of oauth-server becomes the setting of authseal that it means.

use toml::Table;

use crate::environment::Environment;

/// The environment after its settings were translated.
#[derive(Default)]
pub struct Translated {
    /// With the settings of authseal that the others mean.
    pub environment: Environment,
    /// Tables made of CONFIGFILE: they override the built-in ones, and the administrator's
    /// own override them.
    pub tables: Table,
    /// SERVICES: unlike AUTHSEAL_SERVICES it may name what cannot be offered.
    pub services: Option<String>,
    /// One sentence for each setting that was taken over or not used.
    pub notes: Vec<String>,
    /// True if a setting is present that only hosts of oauth-server set.
    pub is_of_that_server: bool,
}

impl Translated {
    /// Takes the variable `old` over as the setting `new`, unless that is set too.
    /// `convert` returns its meaning, or what is wrong with it.
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
