//! The state of a login as it is kept in memory and in the store: its newest AuthID or the
//! mark of a revocation, sealed for the lineage.

use crate::{
    clock::UnixTime,
    keyring::KeySet,
    seal::{self, Grant, Lineage, OpenError, Purpose, open_envelope, seal_envelope},
    secret::Secret,
    store::Name,
};

/// Replaces the newest AuthID of a login whose grant was revoked at the provider. No AuthID
/// has this text.
pub(super) const REVOKED: &str = "revoked";

/// The state of a login, opened.
pub(super) enum LoginState {
    Newest { grant: Grant, sealed: Secret },
    Revoked,
}

impl LoginState {
    /// Returns the generation. That of a revocation is the highest, so nothing replaces it.
    pub(super) fn generation(&self) -> u32 {
        match self {
            Self::Newest { grant, .. } => grant.generation,
            Self::Revoked => u32::MAX,
        }
    }
}

/// Returns the name of a login's state in memory and in the store.
pub(super) fn name(lineage: &Lineage) -> Name {
    Name::new("lineage", lineage.as_bytes())
}

/// Seals an AuthID, or [`REVOKED`]. Returns `None` if no key seals.
pub(super) fn seal_state(
    keys: &KeySet,
    now: UnixTime,
    lineage: &Lineage,
    text: &str,
) -> Option<Secret> {
    let context = lineage.as_bytes();
    seal_envelope(keys, now, Purpose::Lineage, context, text.as_bytes()).ok()
}

/// Opens the sealed state of a login.
pub(super) fn open_state(
    keys: &KeySet,
    now: UnixTime,
    lineage: &Lineage,
    sealed: Secret,
) -> Result<LoginState, OpenError> {
    let context = lineage.as_bytes();
    let text = open_envelope(keys, now, Purpose::Lineage, context, sealed.expose())?;
    let text = std::str::from_utf8(&text).map_err(|_| OpenError::Tampered)?;
    if text == REVOKED {
        return Ok(LoginState::Revoked);
    }
    // None of those that this server stores has terms: see `reseal.rs`.
    let mut grant = seal::open(keys, now, text)?.grant;
    grant.terms = None;
    Ok(LoginState::Newest { grant, sealed })
}
