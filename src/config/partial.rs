//! Parts of the settings, for commands that need nothing else.

use std::{collections::HashMap, net::SocketAddr};

use super::{
    Config, Rejected,
    offer::Offer,
    settings::{AdminSettings, AuditSettings, KeySettings, MemorySettings, ProcessSettings},
};
use crate::{
    audit::AuditTarget,
    environment::Environment,
    keyring::{KeySource, Keyring},
    store::StoreAddress,
};

/// Reads only the admin address.
pub fn admin_address(environment: &Environment) -> Result<SocketAddr, Rejected> {
    let mut problems = Vec::new();
    let admin = AdminSettings::read(environment, &mut problems);
    accepted(Some(admin.listen), problems)
}

/// Reads only whether the memory of this process may be dumped. A wrong value counts as no;
/// the other settings report it.
pub fn is_dumpable(environment: &Environment) -> bool {
    let mut problems = Vec::new();
    ProcessSettings::read(environment, &mut problems).is_dumpable
}

/// Reads only the location of the keys.
pub fn key_source(environment: &Environment) -> Result<KeySource, Rejected> {
    let mut problems = Vec::new();
    let keys = KeySettings::read(environment, &mut problems);
    keys.check_folder_of_command(environment, &mut problems);
    accepted(keys.source(environment, &mut problems), problems)
}

/// Reads only the address of the store; `None` if there is none.
pub fn store_address(environment: &Environment) -> Result<Option<StoreAddress>, Rejected> {
    let mut problems = Vec::new();
    let memory = MemorySettings::read(environment, &mut problems);
    accepted(Some(memory.store), problems)
}

/// Reads only the place of the audit log; `None` if there is none.
pub fn audit_target(environment: &Environment) -> Result<Option<AuditTarget>, Rejected> {
    let mut problems = Vec::new();
    let audit = AuditSettings::read(environment, &mut problems);
    accepted(Some(audit.target), problems)
}

/// Loads only the keys.
pub fn load_keyring(environment: &Environment) -> Result<Keyring, Rejected> {
    let mut problems = Vec::new();
    let keys = KeySettings::read(environment, &mut problems);
    keys.check_folder_of_command(environment, &mut problems);
    accepted(keys.keyring(environment, &mut problems), problems)
}

fn accepted<T>(part: Option<T>, problems: Vec<String>) -> Result<T, Rejected> {
    match part {
        Some(part) if problems.is_empty() => Ok(part),
        _ => Err(Rejected {
            problems,
            offer: Offer::default(),
        }),
    }
}

/// Returns the id of the service for every name that an AuthID may have: ids and aliases
/// of offered services, and ids of services that are not offered.
pub fn service_ids(environment: &Environment) -> HashMap<String, String> {
    let offer = match Config::load(environment.clone()) {
        Ok(config) => config.offer,
        // A command may run without some of the server's settings; the tables are known
        // anyway.
        Err(rejected) => rejected.offer,
    };
    let offered = offer.catalog.iter().flat_map(|service| {
        let names = service.aliases.iter().chain([&service.id]);
        names.map(|name| (name.clone(), service.id.clone()))
    });
    let withheld = offer.withheld.iter();
    let withheld = withheld.map(|service| (service.id.clone(), service.id.clone()));
    offered.chain(withheld).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_needs_only_the_settings_that_it_uses() {
        let unreadable = |name: &str| {
            let environment = Environment::new([
                ("AUTHSEAL_KEYS_DIR", "/keys"),
                ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:1"),
            ]);
            environment.with(&format!("{name}_FILE"), "/no/such/file".to_owned())
        };
        let environment = unreadable("AUTHSEAL_LOGIN_PASSWORD");
        let address = admin_address(&environment).unwrap();
        assert_eq!(address.to_string(), "127.0.0.1:1");
        assert!(matches!(
            key_source(&environment).unwrap(),
            KeySource::Folder(folder) if folder.to_str() == Some("/keys")
        ));
        assert!(key_source(&unreadable("AUTHSEAL_KEYS_PASSPHRASE")).is_err());
        let environment = unreadable("AUTHSEAL_ADMIN_LISTEN");
        assert!(admin_address(&environment).is_err());
    }
}
