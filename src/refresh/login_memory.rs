//! Memory of this process about logins. Unlike the store, it never forgets a newer refresh
//! token while there is room.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    login_state::{REVOKED, name, seal_state},
    recent_revocations::RecentRevocations,
};
use crate::{
    clock::{Clock, Stopwatch},
    keyring::Keyring,
    seal::{Grant, Lineage},
    secret::Secret,
    store::{LOGIN_LIFETIME, Memory, Name},
};

/// Memory of this process about logins.
#[derive(Debug)]
pub(super) struct LoginMemory {
    entries: Memory,
    pub(super) keyring: Arc<Keyring>,
    pub(super) clock: Clock,
    pub(super) recent_revocations: RecentRevocations,
    /// True once a login was marked as revoked.
    has_marks: AtomicBool,
    /// True once a refresh token was sent and no answer came.
    has_unanswered: AtomicBool,
}

// A name takes one or two hashes. Without the two flags, each refresh would take seven, 19,000
// instructions, to look for entries of which most servers have none (docs/performance.md).

impl LoginMemory {
    pub(super) fn new(entries: Memory, keyring: Arc<Keyring>, clock: Clock) -> Self {
        Self {
            entries,
            keyring,
            clock,
            recent_revocations: RecentRevocations::default(),
            has_marks: AtomicBool::new(false),
            has_unanswered: AtomicBool::new(false),
        }
    }

    /// True if no entry can have been dropped for lack of room.
    pub(super) fn is_complete(&self) -> bool {
        !self.entries.is_nearly_full()
    }

    /// Seals and stores the newest state of a login: an AuthID or [`REVOKED`]. Returns it
    /// sealed; `None` if no key seals.
    pub(super) fn put(&self, lineage: &Lineage, generation: u32, text: &str) -> Option<Secret> {
        let sealed = seal_state(&self.keyring.current(), self.clock.now(), lineage, text)?;
        self.put_sealed(lineage, generation, &sealed);
        Some(sealed)
    }

    /// Stores the newest sealed state of a login. The generation stands in front, in clear:
    /// it is still readable when the key is gone that sealed the state.
    pub(super) fn put_sealed(&self, lineage: &Lineage, generation: u32, sealed: &Secret) {
        let value = Secret::new(format!("{generation} {}", sealed.expose()));
        self.entries.put(name(lineage), value, LOGIN_LIFETIME);
    }

    /// Returns the newest generation of a login, and its sealed state.
    pub(super) fn newest(&self, lineage: &Lineage) -> Option<(u32, Secret)> {
        let value = self.entries.get(&name(lineage))?;
        let (generation, sealed) = value.expose().split_once(' ')?;
        Some((generation.parse().ok()?, Secret::new(sealed)))
    }

    /// True if this process has seen a newer refresh token of the login.
    pub(super) fn has_newer_than(&self, grant: &Grant) -> bool {
        let newest = self.newest(&grant.lineage);
        newest.is_some_and(|(generation, _)| generation > grant.generation)
    }

    /// Notes that this refresh token was sent and no answer came: it may be used up.
    pub(super) fn note_unanswered(&self, grant: &Grant) {
        self.has_unanswered.store(true, Ordering::Release);
        let generation = Secret::new(grant.generation.to_string());
        self.entries
            .put(unanswered(&grant.lineage), generation, LOGIN_LIFETIME);
    }

    /// Notes that the provider answered with an access token.
    pub(super) fn note_answered(&self, grant: &Grant) {
        if self.has_unanswered.load(Ordering::Acquire) {
            self.entries.take(&unanswered(&grant.lineage));
        }
    }

    /// True if this process sent this refresh token before and got no answer.
    pub(super) fn was_unanswered(&self, grant: &Grant) -> bool {
        let generation = self.entries.get(&unanswered(&grant.lineage));
        generation.is_some_and(|sent| sent.expose() == grant.generation.to_string())
    }

    /// Marks the login of this name as revoked at the provider. The mark is needed for
    /// every kind of token: some providers issue access tokens for a while after they
    /// confirmed a revocation, or confirm it and do nothing.
    pub(super) fn mark_revoked(&self, name: &Name) {
        // Before the mark: who does not see this would not have seen that either.
        self.has_marks.store(true, Ordering::Release);
        let mark = Secret::new(REVOKED);
        self.entries
            .put(name.about("revoked"), mark, LOGIN_LIFETIME);
    }

    /// True if the login is marked as revoked at the provider.
    pub(super) fn is_marked_revoked(&self, lineage: &Lineage) -> bool {
        self.has_marks.load(Ordering::Acquire)
            && self.entries.get(&name(lineage).about("revoked")).is_some()
    }

    /// True if a call that began at `began` must not hand out its access token, because
    /// the login was revoked.
    pub(super) fn is_revoked_for(&self, lineage: &Lineage, began: Stopwatch) -> bool {
        self.recent_revocations.happened_since(lineage, began) || self.is_marked_revoked(lineage)
    }
}

fn unanswered(lineage: &Lineage) -> Name {
    Name::new("unanswered", lineage.as_bytes())
}
