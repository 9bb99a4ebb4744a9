//! The keys, as the settings name them.

use std::path::Path;

use super::{cross_checks::keys_given_twice, settings::KeySettings};
use crate::{
    environment::Environment,
    keyring::{KeySource, Keyring},
};

/// Settings of a server that runs as a service (deploy/systemd, the Debian package).
const SERVICE_SETTINGS: &str = "/etc/authseal/authseal.env";

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

    /// Adds a problem if a command would work on a new folder, while this machine's service has
    /// its keys elsewhere.
    pub(super) fn check_folder_of_command(
        &self,
        environment: &Environment,
        problems: &mut Vec<String>,
    ) {
        let is_default = !["AUTHSEAL_KEYS", "AUTHSEAL_KEYS_DIR"]
            .iter()
            .any(|name| environment.is_set(name));
        if is_default && let Some(problem) = elsewhere(&self.folder, Path::new(SERVICE_SETTINGS)) {
            problems.push(problem);
        }
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

fn elsewhere(folder: &Path, service_settings: &Path) -> Option<String> {
    (!folder.exists() && service_settings.exists()).then(|| {
        format!(
            "there is no folder {} here, and this machine's service has its settings in {}: run \
             authseal-as-service in place of authseal, or set AUTHSEAL_KEYS_DIR",
            folder.display(),
            service_settings.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_makes_no_second_keys_folder_beside_a_services() {
        let folder = tempfile::tempdir().unwrap();
        let (keys, settings) = (folder.path().join("keys"), folder.path().join("env"));
        assert_eq!(elsewhere(&keys, &settings), None);
        std::fs::write(&settings, "").unwrap();
        let problem = elsewhere(&keys, &settings).unwrap();
        assert!(problem.contains("authseal-as-service"), "{problem}");
        std::fs::create_dir(&keys).unwrap();
        assert_eq!(elsewhere(&keys, &settings), None);
    }
}
