//! Sealing of a grant again: with a newer refresh token, or under a newer key.
//!
//! The newest AuthID of a login, in memory, in the store and in the cache, has no terms: AuthIDs
//! with different limits share it. Whatever goes out gets the terms of the presented AuthID.

use super::{cache::CachedToken, presented::PresentedAuthId};
use crate::{
    clock::UnixTime,
    keyring::KeySet,
    seal::{self, ClientMark, Grant},
    secret::Secret,
};

/// The AuthID with a refresh token that the provider issued in place of the one sent.
pub(super) struct ReplacedToken {
    /// `None` if no key seals.
    pub(super) authid: Option<Secret>,
    pub(super) generation: u32,
}

impl ReplacedToken {
    /// Seals the refresh token that replaces the grant's. The provider issued it to
    /// `client_id`, also if the earlier one was of another client id.
    pub(super) fn seal(
        keys: &KeySet,
        now: UnixTime,
        grant: &Grant,
        client_id: &str,
        refresh_token: Secret,
    ) -> Self {
        let newest = Grant {
            refresh_token,
            client: Some(ClientMark::of(client_id)),
            issued_at: now,
            generation: grant.generation.saturating_add(1),
            terms: None,
            ..grant.clone()
        };
        Self {
            authid: seal_newest(keys, now, &newest),
            generation: newest.generation,
        }
    }
}

/// Returns the AuthID that the client should use from now on, if the presented one is out
/// of date: the provider replaced the refresh token, or a newer key seals.
///
/// `keys` must be those that the presented AuthID was checked with. Otherwise an AuthID
/// sealed by a leaked key could be resealed under the key that replaced it.
pub(super) fn newest_authid(
    keys: &KeySet,
    now: UnixTime,
    presented: &PresentedAuthId,
    token: &CachedToken,
) -> Option<Secret> {
    if presented.grant.generation >= token.generation {
        return match seals(keys, now, &presented.kid) {
            true => None,
            false => reseal(keys, now, &presented.grant),
        };
    }
    let newest = token.newest_authid.as_ref()?;
    let opened = seal::open(keys, now, newest.expose()).ok();
    if let Some(terms) = &presented.grant.terms {
        // Never the one without terms, which would be good for more.
        let grant = opened?.grant.with_terms(terms);
        return reseal(keys, now, &grant);
    }
    // Another key may seal since it was cached.
    let resealed = opened
        .filter(|opened| !seals(keys, now, &opened.kid))
        .and_then(|opened| reseal(keys, now, &opened.grant));
    Some(resealed.unwrap_or_else(|| newest.clone()))
}

/// Seals the same grant under the key that seals now.
pub(super) fn reseal(keys: &KeySet, now: UnixTime, grant: &Grant) -> Option<Secret> {
    let grant = Grant {
        issued_at: now,
        ..grant.clone()
    };
    seal_newest(keys, now, &grant)
}

/// Seals the newest grant of a login. A failure is logged and not returned: the access
/// token is still good, and the client gets it.
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

/// True if this key seals, or none does.
fn seals(keys: &KeySet, now: UnixTime, kid: &str) -> bool {
    keys.sealing(now).is_none_or(|sealing| sealing.kid == kid)
}
