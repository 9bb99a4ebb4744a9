//! Settings for accepting AuthIDs of Duplicati's own server.

use std::path::PathBuf;

use super::{
    Settings,
    reader::{Reader, folder, yes_or_no},
};

/// The kinds of old AuthIDs that the administrator has enabled.
#[derive(Clone, Debug, Default)]
pub struct OldAuthIdSettings {
    /// True if AuthIDs that hold their refresh token in clear are accepted.
    pub accept_v2_plain: bool,
    /// Folder of the encrypted files that V1 AuthIDs refer to.
    pub v1_storage: Option<PathBuf>,
}

impl OldAuthIdSettings {
    pub(super) fn read(settings: &Settings, reader: &mut Reader<'_>) -> Self {
        let accept = settings.accept_v2_plain.as_deref();
        let accept = reader.or_default("ACCEPT_V2_PLAIN", accept, "false", yes_or_no);
        let storage = settings.v1_storage.as_deref();
        Self {
            accept_v2_plain: accept.unwrap_or_default(),
            v1_storage: reader.optional("V1_STORAGE", storage, folder),
        }
    }

    /// Returns a warning about AuthIDs in clear: anybody who reads one has the login's
    /// refresh token.
    pub(super) fn warning(&self, is_moving_in: bool) -> Option<String> {
        let warning = match (self.accept_v2_plain, is_moving_in) {
            (true, _) => {
                "AUTHSEAL_ACCEPT_V2_PLAIN is on: AuthIDs are taken that hold their refresh token \
                 in CLEAR. Renew them at /renew or with authseal import, and switch it off again"
            }
            (false, true) => {
                "AuthIDs that hold their refresh token in clear, as Duplicati's own server makes \
                 them, are refused: AUTHSEAL_ACCEPT_V2_PLAIN=true takes them while you move"
            }
            (false, false) => return None,
        };
        Some(warning.to_owned())
    }
}
