//! The state of a login as remembered or stored, opened.

use crate::{
    clock::UnixTime,
    keyring::KeySet,
    seal::{self, Grant, Lineage, OpenError, Purpose, open_envelope},
    secret::Secret,
};

/// Stands in place of a login's newest AuthID once its grant was revoked at the provider.
/// No AuthID is spelled so.
pub(super) const REVOKED: &str = "revoked";

/// A login's state as remembered or stored.
pub(super) enum Known {
    Newest { grant: Grant, sealed: Secret },
    Revoked,
}

impl Known {
    /// Nothing comes after a revocation.
    pub(super) fn generation(&self) -> u32 {
        match self {
            Self::Newest { grant, .. } => grant.generation,
            Self::Revoked => u32::MAX,
        }
    }
}

/// Opens what is stored of a login.
pub(super) fn open_stored(
    keys: &KeySet,
    now: UnixTime,
    lineage: &Lineage,
    sealed: Secret,
) -> Result<Known, OpenError> {
    let context = lineage.as_bytes();
    let text = open_envelope(keys, now, Purpose::Lineage, context, sealed.expose())?;
    let text = std::str::from_utf8(&text).map_err(|_| OpenError::Tampered)?;
    if text == REVOKED {
        return Ok(Known::Revoked);
    }
    let grant = seal::open(keys, now, text)?.grant;
    Ok(Known::Newest { grant, sealed })
}

/// The generation of what is stored of a login; `None` for what does not open here, which
/// is another server's, under a newer key.
pub(super) fn stored_generation(
    keys: &KeySet,
    now: UnixTime,
    lineage: &Lineage,
    sealed: &Secret,
) -> Option<u32> {
    let known = open_stored(keys, now, lineage, sealed.clone()).ok()?;
    Some(known.generation())
}
