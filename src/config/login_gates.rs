//! The conditions for a login, in words.

use std::fmt;

use super::settings::LoginGates;
use crate::server::Require;

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
}
