//! `authseal health`: for the HEALTHCHECK of a container.

use std::time::Duration;

use super::{CliError, admin, output::say};
use crate::{config::admin_address, environment::Environment};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Requests `/readyz` at the admin address of the same settings.
pub(super) async fn health() -> Result<(), CliError> {
    let address = admin_address(&Environment::of_process())?;
    let answer = tokio::time::timeout(TIMEOUT, admin::ask(address, "/readyz"))
        .await
        .map_err(|_| format!("no answer from {address} within {} s", TIMEOUT.as_secs()))?
        .map_err(|error| {
            format!(
                "{error} ({address}, AUTHSEAL_ADMIN_LISTEN): is authseal serve running, with the \
                 same settings?"
            )
        })?;
    let text = String::from_utf8_lossy(answer.body());
    if answer.status().is_success() {
        say!("{}", text.trim());
        Ok(())
    } else {
        Err(text.trim().into())
    }
}
