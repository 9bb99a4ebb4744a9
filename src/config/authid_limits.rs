//! The limits that every new AuthID has.

use super::settings::AuthIdSettings;
use crate::{seal::LimitPolicy, server::Networks};

impl AuthIdSettings {
    /// Returns the limits for the server and the commands that make AuthIDs.
    pub(super) fn policy(&self) -> LimitPolicy {
        LimitPolicy {
            lifetime: self.lifetime,
            networks: self.networks.iter().flat_map(Networks::iter).collect(),
        }
    }
}
