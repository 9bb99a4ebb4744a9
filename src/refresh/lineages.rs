//! The newest AuthID of each login whose provider replaces refresh tokens.
//!
//! Stock Duplicati starts every job from the AuthID in its settings, generation 0.
//! Served with the newest one, it neither replays a token that was used up nor
//! dies with the first one of a sliding row.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::UnixTime,
    keyring::{KeySet, Keyring},
    seal::{self, Grant, Lineage, Purpose, open_envelope, seal_envelope},
    secret::Secret,
    store::{Name, Store},
};

/// Longer than any refresh token lives unused (providers.md).
const LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// The logins that this server has seen a replacement for.
#[derive(Clone, Debug)]
pub struct Lineages {
    /// Where they are kept.
    pub store: Store,
    /// What they are sealed under, together with the lineage.
    pub keyring: Arc<Keyring>,
}

impl Lineages {
    /// Remembers the newest AuthID of its login. Without a sealing key nothing is:
    /// then no AuthID could be made either.
    pub(super) fn remember(&self, now: UnixTime, lineage: &Lineage, authid: &Secret) {
        let sealed = seal_envelope(
            &self.keyring.current(),
            now,
            Purpose::Lineage,
            lineage.as_bytes(),
            authid.expose().as_bytes(),
        );
        if let Ok(sealed) = sealed {
            self.store.put(name(lineage), sealed, LIFETIME);
        }
    }

    /// Forgets the login: it has been revoked.
    pub(super) fn forget(&self, lineage: &Lineage) {
        self.store.take(&name(lineage));
    }

    /// The grant to use for this one: the newest of its login that is known. A
    /// newer one than was known is remembered, so that an older one is not used
    /// again after it.
    pub(super) fn newest(&self, now: UnixTime, presented: Grant) -> Grant {
        let keys = self.keyring.current();
        let known = self.find(&keys, now, &presented.lineage);
        let known_generation = known.as_ref().map_or(0, |known| known.generation);
        match known {
            Some(known) if known_generation > presented.generation => return known,
            _ if presented.generation > known_generation => {
                if let Ok(authid) = seal::seal(&keys, now, &presented) {
                    self.remember(now, &presented.lineage, &authid);
                }
            }
            _ => {}
        }
        presented
    }

    fn find(&self, keys: &KeySet, now: UnixTime, lineage: &Lineage) -> Option<Grant> {
        let sealed = self.store.get(&name(lineage))?;
        let authid = open_envelope(
            keys,
            now,
            Purpose::Lineage,
            lineage.as_bytes(),
            sealed.expose(),
        )?;
        let authid = std::str::from_utf8(&authid).ok()?;
        Some(seal::open(keys, now, authid).ok()?.grant)
    }
}

fn name(lineage: &Lineage) -> Name {
    Name::new("lineage", lineage.as_bytes())
}
