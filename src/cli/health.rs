//! `authseal health`.

use std::{net::IpAddr, time::Duration};

use http::Request;

use super::Failure;
use crate::{
    config::admin_address,
    environment::Environment,
    outbound::{Outbound, OutboundProxy},
};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the admin address of the same settings for `/readyz`.
pub(super) async fn health() -> Result<(), Failure> {
    let mut address = admin_address(&Environment::of_process())?;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    let request = Request::get(format!("http://{address}/readyz")).body(Vec::new())?;
    let outbound = Outbound::new(OutboundProxy::default());
    let answer = tokio::time::timeout(TIMEOUT, outbound.send(request))
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
        println!("{}", text.trim());
        Ok(())
    } else {
        Err(text.trim().into())
    }
}
