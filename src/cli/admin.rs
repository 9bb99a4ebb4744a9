//! Sends requests to the running server of the same settings, at its admin address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, Response};

use super::CliError;
use crate::outbound::{Outbound, WayOut};

/// Sends a GET request. If the admin address is unspecified (0.0.0.0 or ::), the request
/// goes to the loopback address.
pub(super) async fn ask(mut address: SocketAddr, path: &str) -> Result<Response<Bytes>, CliError> {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let request = Request::get(format!("http://{address}{path}")).body(Vec::new())?;
    Ok(Outbound::new(WayOut::default()).send(request).await?)
}
