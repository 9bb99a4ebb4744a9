//! Access control for logins. Any stranger can use the administrator's OAuth applications
//! through an open login page, so it can be protected by three gates, in any combination.

use std::fmt;

use http::{HeaderMap, HeaderName};
use thiserror::Error;

use super::{client::Client, input, networks::Networks};
use crate::login::PasswordGate;

/// The gates that are configured.
#[derive(Debug, Default)]
pub struct Admission {
    /// Networks from which people may log in.
    pub networks: Option<Networks>,
    /// Header that an authenticating proxy sets.
    pub header: Option<UserHeader>,
    /// Password that people must enter.
    pub password: Option<PasswordGate>,
    /// Number of gates that must be passed: all, or any one.
    pub require: Require,
}

/// Combination of gates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Require {
    /// All configured gates must be passed.
    #[default]
    All,
    /// One of the configured gates must be passed.
    Any,
}

/// A gate that refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Network,
    Header,
    Password,
}

impl Gate {
    /// Returns a word for metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Header => "header",
            Self::Password => "password",
        }
    }
}

/// The header in which an authenticating proxy names the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserHeader(HeaderName);

/// The text is not a header that only a proxy sets.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotAUserHeader {
    /// The text is not a header name.
    #[error("is not the name of a header; write it like Remote-User")]
    Form,
    /// Browsers or Duplicati send this header themselves, so it proves nothing.
    #[error("is a header that clients send themselves; take one that only your proxy sets")]
    Clients,
}

impl fmt::Display for UserHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl UserHeader {
    /// Parses a header name such as `Remote-User`.
    pub fn parse(text: &str) -> Result<Self, NotAUserHeader> {
        const CLIENTS: [&str; 9] = [
            "host",
            "user-agent",
            "cookie",
            "referer",
            "origin",
            "connection",
            "authorization",
            "x-authid",
            "x-forwarded-for",
        ];
        let name = HeaderName::try_from(text).map_err(|_| NotAUserHeader::Form)?;
        let is_the_clients = CLIENTS.contains(&name.as_str())
            || ["accept", "content-", "sec-"]
                .iter()
                .any(|start| name.as_str().starts_with(start));
        match is_the_clients {
            true => Err(NotAUserHeader::Clients),
            false => Ok(Self(name)),
        }
    }

    /// Returns the value if the header is there once, and is not empty. Two of them come from
    /// a client and a proxy together.
    fn value<'h>(&self, headers: &'h HeaderMap) -> Option<&'h [u8]> {
        let mut values = headers.get_all(&self.0).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => {
                Some(value.as_bytes().trim_ascii()).filter(|value| !value.is_empty())
            }
            _ => None,
        }
    }
}

impl Admission {
    /// Returns the name of the user, as a trusted proxy sent it. Bytes that are not UTF-8 are
    /// taken for ISO-8859-1, in which older proxies write.
    pub(super) fn user(&self, headers: &HeaderMap, client: Client) -> Option<String> {
        let header = self.header.as_ref().filter(|_| client.via_trusted_proxy)?;
        let value = header.value(headers)?;
        let latin = || value.iter().copied().map(char::from).collect();
        Some(str::from_utf8(value).map_or_else(|_| latin(), str::to_owned))
    }

    /// Returns the gate that refuses this request. If all gates are required, it is the
    /// first closed one. If one gate is enough, it is the last closed one, because the
    /// client can do most about that one.
    pub(super) fn closed_gate(&self, headers: &HeaderMap, client: Client) -> Option<Gate> {
        let network = self.networks.as_ref().map(|networks| {
            let address = client.address;
            let is_inside = address.is_some_and(|address| networks.contain(address));
            (Gate::Network, is_inside)
        });
        let header = self.header.as_ref().map(|header| {
            let is_known = client.via_trusted_proxy && header.value(headers).is_some();
            (Gate::Header, is_known)
        });
        let password = self.password.as_ref().map(|password| {
            let is_open = password.is_open(input::cookies(headers));
            (Gate::Password, is_open)
        });
        let gates = [network, header, password].into_iter().flatten();
        let mut closed = gates.clone().filter(|(_, is_open)| !is_open);
        let (gate, _) = match self.require {
            Require::All => closed.next(),
            Require::Any if gates.clone().any(|(_, is_open)| is_open) => None,
            Require::Any => closed.next_back(),
        }?;
        Some(gate)
    }
}
