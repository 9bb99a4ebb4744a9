//! The settings that restrict who may log in.

use std::fmt;

use super::{Settings, reader::Reader};
use crate::{
    login::Password,
    server::{Networks, NotNetworks, Require, UserHeader},
};

/// The conditions for a login. Without any, everybody who can reach the service may log
/// in.
#[derive(Debug, Default)]
pub struct LoginGates {
    /// Networks from which clients may log in.
    pub networks: Option<Networks>,
    /// Header in which an authenticating proxy names the user.
    pub header: Option<UserHeader>,
    /// Password of the login pages.
    pub password: Option<Password>,
    /// Rule for several conditions: all of them must be met, or any one.
    pub require: Require,
}

/// Describes who may log in: "whoever comes from 10.0.0.0/8 and gives the password".
impl fmt::Display for LoginGates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = self.networks.as_ref();
        let network = network.map(|networks| format!("comes from {networks}"));
        let header = self.header.as_ref();
        let header = header.map(|header| format!("a trusted proxy names in {header}"));
        let password = self
            .password
            .as_ref()
            .map(|_| "gives the password".to_owned());
        let conditions: Vec<String> = [network, header, password].into_iter().flatten().collect();
        let joint = match self.require {
            Require::All => " and ",
            Require::Any => " or ",
        };
        match conditions.is_empty() {
            true => f.write_str("anyone who can reach it"),
            false => write!(f, "whoever {}", conditions.join(joint)),
        }
    }
}

impl LoginGates {
    /// True if there is no condition, so that everybody may log in.
    pub fn is_open(&self) -> bool {
        self.networks.is_none() && self.header.is_none() && self.password.is_none()
    }

    pub(super) fn read(settings: &Settings, reader: &mut Reader<'_>) -> Self {
        let networks = settings.login_networks.as_deref();
        let header = settings.login_header.as_deref();
        let gates = Self {
            networks: reader.optional("LOGIN_NETWORKS", networks, |text| {
                text.parse::<Networks>().map_err(|error| match error {
                    NotNetworks::Form(_) => error.to_string(),
                    NotNetworks::Everybody(_) => format!(
                        "{error}, so it keeps nobody out; leave it out if anybody may log in"
                    ),
                })
            }),
            header: reader.optional("LOGIN_HEADER", header, UserHeader::parse),
            // Not trimmed: spaces at the ends are part of the password.
            password: settings.login_password.as_deref().and_then(|text| {
                let password = Password::parse(text);
                password
                    .map_err(|error| reader.complain("LOGIN_PASSWORD", &error))
                    .ok()
            }),
            require: reader
                .or_default(
                    "LOGIN_REQUIRE",
                    settings.login_require.as_deref(),
                    "all",
                    |text| match text {
                        "all" => Ok(Require::All),
                        "any" => Ok(Require::Any),
                        _ => Err("must be all or any"),
                    },
                )
                .unwrap_or_default(),
        };
        if header.is_some() && settings.trusted_proxies.is_none() {
            reader.problems.push(
                "AUTHSEAL_LOGIN_HEADER is set, but AUTHSEAL_TRUSTED_PROXIES does not say which \
                 proxy may set it"
                    .into(),
            );
        }
        gates
    }
}
