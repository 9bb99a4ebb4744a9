//! The newest grant of a login among the presented, the remembered and the stored one.

use super::{
    NewestUnknown,
    login_memory::LoginMemory,
    login_state::{LoginState, open_state},
};
use crate::{
    seal::{self, Grant},
    secret::Secret,
};

/// A login has no grant that may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoGrant {
    /// It was revoked at the provider.
    Revoked,
    /// It is not known which grant is the newest.
    Unknown(NewestUnknown),
}

impl LoginMemory {
    /// Returns the grant with the highest generation of the presented, the remembered and
    /// the stored one, without terms, and true if one was remembered or stored. The result is
    /// remembered before it is sent, so that no older one is sent later.
    pub(super) fn newest_of(
        &self,
        presented: &Grant,
        stored: Option<&Secret>,
    ) -> Result<(Grant, bool), NoGrant> {
        match self.known(presented, stored)? {
            Some(LoginState::Revoked) => Err(NoGrant::Revoked),
            Some(LoginState::Newest { grant, sealed })
                if grant.generation > presented.generation =>
            {
                self.put_sealed(&presented.lineage, grant.generation, &sealed);
                Ok((grant, true))
            }
            known => {
                if presented.generation > known.as_ref().map_or(0, LoginState::generation) {
                    self.put_presented(presented);
                }
                Ok((presented.without_terms(), known.is_some()))
            }
        }
    }

    /// Opens the remembered and the stored state of a login, and returns the newer one.
    pub(super) fn known(
        &self,
        presented: &Grant,
        stored: Option<&Secret>,
    ) -> Result<Option<LoginState>, NoGrant> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let open = |sealed: Secret| {
            let state = open_state(&keys, now, &presented.lineage, sealed);
            state.map_err(|error| NoGrant::Unknown(error.into()))
        };
        let stored = stored.cloned().map(open).transpose()?;
        let newest = stored.as_ref().map_or(0, LoginState::generation);
        let newest = newest.max(presented.generation);
        let remembered = match self.newest(&presented.lineage) {
            Some((generation, sealed)) => match open(sealed) {
                // Its key is gone, and the client or the store has the same or a newer one.
                Err(_) if newest >= generation => None,
                state => Some(state?),
            },
            None => None,
        };
        // Of two with the same generation, the stored one.
        let states = remembered.into_iter().chain(stored);
        Ok(states.max_by_key(LoginState::generation))
    }

    fn put_presented(&self, grant: &Grant) {
        let grant = grant.without_terms();
        let authid = seal::seal(&self.keyring.current(), self.clock.now(), &grant);
        if let Ok(authid) = authid {
            self.put(&grant.lineage, grant.generation, authid.expose());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::clock::{Clock, UnixTime};
    use crate::keyring::{Jwk, KeySource, Keyring};
    use crate::refresh::login_state::seal_state;
    use crate::seal::{Ancestry, Lineage};
    use crate::store::Memory;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn with_new_key(entries: &Memory) -> LoginMemory {
        let key = Jwk::generate(NOW, Duration::ZERO).to_json();
        let set = Secret::new(format!("{{\"keys\":[{}]}}", key.expose()));
        let keyring = Keyring::load(KeySource::Inline(set)).unwrap();
        LoginMemory::new(entries.clone(), Arc::new(keyring), Clock::manual(NOW))
    }

    #[test]
    fn a_store_that_forgot_is_not_believed_over_a_generation_that_no_longer_opens() {
        let entries = Memory::new(Clock::manual(NOW), 1 << 20);
        let grant = |generation| Grant {
            service: "box.com".into(),
            refresh_token: Secret::new("token"),
            issued_at: NOW,
            lineage: Lineage::derived(&["a login"]),
            generation,
            region: None,
            client: None,
            ancestry: Ancestry::default(),
            terms: None,
        };
        let before = with_new_key(&entries);
        before.newest_of(&grant(5), None).unwrap();
        // Another key since then.
        let memory = with_new_key(&entries);
        let keys = memory.keyring.current();
        let stored = |generation| {
            let grant = grant(generation);
            let authid = seal::seal(&keys, NOW, &grant).unwrap();
            seal_state(&keys, NOW, &grant.lineage, authid.expose()).unwrap()
        };
        let newest = |presented, stored| {
            let newest = memory.newest_of(&grant(presented), Some(&stored));
            newest.ok().map(|(grant, _)| grant.generation)
        };
        assert_eq!(newest(1, stored(3)), None);
        assert_eq!(newest(1, stored(5)), Some(5));
        assert_eq!(newest(6, stored(3)), Some(6));
    }
}
