//! Notes of this process on a login, besides its newest AuthID.

use super::{
    Lineages,
    known::REVOKED,
    lineages::{LIFETIME, name},
};
use crate::{
    seal::{Grant, Lineage},
    secret::Secret,
    store::Name,
};

impl Lineages {
    /// Notes that this generation's token was sent and no answer came: it may be used up.
    pub(super) fn note_unanswered(&self, grant: &Grant) {
        let generation = Secret::new(grant.generation.to_string());
        self.memory
            .put(unanswered(&grant.lineage), generation, LIFETIME);
    }

    /// Notes that the provider answered with an access token.
    pub(super) fn note_answered(&self, grant: &Grant) {
        self.memory.take(&unanswered(&grant.lineage));
    }

    /// True if this process sent this generation's token before, and no answer came.
    pub(super) fn was_unanswered(&self, grant: &Grant) -> bool {
        let generation = self.memory.get(&unanswered(&grant.lineage));
        generation.is_some_and(|sent| sent.expose() == grant.generation.to_string())
    }

    /// Notes that the login of this name was revoked at the provider, for kinds of tokens
    /// too that no store is asked about: a provider may give tokens for a while after it
    /// confirmed, and some say yes and do nothing.
    pub(super) fn mark_revoked(&self, name: &Name) {
        let mark = Secret::new(REVOKED);
        self.memory.put(name.about("revoked"), mark, LIFETIME);
    }

    /// True if this process knows, without asking the store, that the login was revoked at
    /// the provider.
    pub(super) fn is_marked_revoked(&self, lineage: &Lineage) -> bool {
        self.memory.get(&name(lineage).about("revoked")).is_some()
    }
}

fn unanswered(lineage: &Lineage) -> Name {
    Name::new("unanswered", lineage.as_bytes())
}
