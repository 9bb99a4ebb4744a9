//! Logins whose grant was revoked at the provider in the last minutes.
//!
//! A call that was under way meanwhile may still bring an access token, which must not be
//! handed out; and on other servers the login's access token is cached.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use super::lineages::name;
use crate::{clock::Stopwatch, seal::Lineage, store::Name};

/// Longer than a call can last that began before the revocation, and longer than the
/// overlap in which announcements are read twice.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

/// Bounded by how often somebody revokes within [`REMEMBERED`].
#[derive(Debug, Default)]
pub(super) struct Revocations {
    // Held to look and to insert, never across an await.
    since: Mutex<HashMap<Name, Stopwatch>>,
}

impl Revocations {
    /// Notes a revocation. Returns `false` if it was noted before.
    pub(super) fn note(&self, name: Name) -> bool {
        let mut since = self.since();
        since.retain(|_, since| since.elapsed() < REMEMBERED);
        match since.entry(name) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(Stopwatch::start());
                true
            }
        }
    }

    /// True if the login was revoked after `begun` was started.
    pub(super) fn happened_since(&self, lineage: &Lineage, begun: Stopwatch) -> bool {
        let since = self.since();
        // Most of the time there is none, and no name to work out.
        !since.is_empty()
            && since
                .get(&name(lineage))
                .is_some_and(|since| since.elapsed() <= begun.elapsed())
    }

    fn since(&self) -> MutexGuard<'_, HashMap<Name, Stopwatch>> {
        self.since
            .lock()
            .expect("nothing panics while holding the lock")
    }
}
