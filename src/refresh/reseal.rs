//! Sealing a grant again: with a newer refresh token, or under a newer key.

use crate::{
    clock::UnixTime,
    keyring::KeySet,
    seal::{self, Grant},
    secret::Secret,
};

/// True if no better key than this one seals.
pub(super) fn seals(keys: &KeySet, now: UnixTime, kid: &str) -> bool {
    keys.sealing(now).is_none_or(|sealing| sealing.kid == kid)
}

/// The same grant under the key that seals now.
pub(super) fn reseal(keys: &KeySet, now: UnixTime, grant: &Grant) -> Option<Secret> {
    let grant = Grant {
        issued_at: now,
        ..grant.clone()
    };
    seal_newest(keys, now, &grant)
}

/// Without a sealing key the access token is still good: the client gets it, and
/// the log says what is lost.
pub(super) fn seal_newest(keys: &KeySet, now: UnixTime, newest: &Grant) -> Option<Secret> {
    seal::seal(keys, now, newest)
        .inspect_err(|error| {
            tracing::error!(
                service = %newest.service,
                lineage = %newest.lineage.short_hash(),
                "a replaced refresh token could not be sealed: {error}"
            );
        })
        .ok()
}
