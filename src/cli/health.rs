//! `authseal health`: for the HEALTHCHECK of a container.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{CliError, admin, output::say};
use crate::{config::admin_address, environment::Environment};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Arguments of `authseal health`.
#[derive(Debug, Args)]
pub(super) struct HealthArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Requests `/readyz` at the admin address of the same settings.
pub(super) async fn health(arguments: HealthArguments) -> Result<(), CliError> {
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
    let is_ready = answer.status().is_success();
    if arguments.json {
        let mut lines = text.lines();
        say!(
            "{}",
            json!({
                "ready": is_ready,
                "state": lines.next().unwrap_or_default(),
                "troubles": lines.collect::<Vec<_>>(),
            })
        );
        // The JSON says why.
        return is_ready.then_some(()).ok_or_else(|| String::new().into());
    }
    if is_ready {
        say!("{}", text.trim());
        Ok(())
    } else {
        Err(text.trim().into())
    }
}
