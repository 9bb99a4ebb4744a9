//! Tries the addresses on which `serve` would listen.

use std::io;

use crate::{config::Config, listen::ListenAddress};

/// The addresses that cannot be used.
#[derive(Debug, Default)]
pub(super) struct CannotListen {
    /// One sentence for each that prevents a start.
    pub(super) errors: Vec<String>,
    /// One sentence for each that another user, or another moment, may be able to use.
    pub(super) warnings: Vec<String>,
}

/// Binds each address and releases it at once.
pub(super) async fn try_addresses(config: &Config) -> CannotListen {
    let admin = ListenAddress::Tcp(config.admin.listen);
    let mut unusable = CannotListen::default();
    for (setting, address) in [
        ("AUTHSEAL_LISTEN", &config.edge.listen),
        ("AUTHSEAL_ADMIN_LISTEN", &admin),
    ] {
        let Err(error) = address.try_bind(setting).await else {
            continue;
        };
        match error.kind() {
            io::ErrorKind::AddrInUse => unusable.warnings.push(format!(
                "{address} ({setting}) is in use, perhaps by authseal itself: a second server cannot \
                 listen there"
            )),
            io::ErrorKind::PermissionDenied => unusable.warnings.push(format!(
                "{error}. Only the user that runs this command was tried; serve may run as another"
            )),
            // systemd passes its socket to the service, and to no command.
            io::ErrorKind::NotConnected => unusable.warnings.push(error.to_string()),
            _ => unusable.errors.push(error.to_string()),
        }
    }
    unusable
}
