//! Logins whose grant was revoked at the provider in the last minutes.
//!
//! A refresh that began before the revocation may still end with an access token, which
//! must not be handed out. Other servers may have an access token of the login cached.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use super::login_state::name;
use crate::{clock::Stopwatch, seal::Lineage, store::Name};

/// Longer than any call that began before the revocation, and longer than the overlap in
/// which announcements are read twice.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

/// The revocations of the last [`REMEMBERED`], by login.
#[derive(Debug, Default)]
pub(super) struct RecentRevocations {
    // Held to look and to insert, never across an await.
    since: Mutex<HashMap<Name, Stopwatch>>,
}

impl RecentRevocations {
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

    /// Notes a revocation that happened now, even if one was noted before.
    pub(super) fn note_anew(&self, name: Name) {
        self.note(name);
        self.since().insert(name, Stopwatch::start());
    }

    /// True if the login was revoked after `began` was started.
    pub(super) fn happened_since(&self, lineage: &Lineage, began: Stopwatch) -> bool {
        let since = self.since();
        // Usually there is none, and no name to hash.
        !since.is_empty()
            && since
                .get(&name(lineage))
                .is_some_and(|since| since.elapsed() <= began.elapsed())
    }

    fn since(&self) -> MutexGuard<'_, HashMap<Name, Stopwatch>> {
        self.since
            .lock()
            .expect("nothing panics while holding the lock")
    }
}
