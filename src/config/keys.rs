//! The keys, as the settings name them.

use super::{cross_checks::keys_given_twice, settings::KeySettings};
use crate::{
    environment::Environment,
    keyring::{KeySource, Keyring},
};

impl KeySettings {
    /// Returns the location of the keys; `None` if two are given.
    pub(super) fn source(
        &self,
        environment: &Environment,
        problems: &mut Vec<String>,
    ) -> Option<KeySource> {
        if let Some(problem) = keys_given_twice(environment) {
            problems.push(problem);
            return None;
        }
        Some(match &self.set {
            Some(set) => KeySource::Inline(set.clone()),
            None => KeySource::Folder(self.folder.clone()),
        })
    }

    /// Loads the keys, and never makes any.
    pub(super) fn keyring(
        &self,
        environment: &Environment,
        problems: &mut Vec<String>,
    ) -> Option<Keyring> {
        let source = self.source(environment, problems)?;
        Keyring::load_protected(source, self.passphrase.clone())
            .inspect_err(|error| problems.extend(error.problems.iter().cloned()))
            .ok()
    }
}
