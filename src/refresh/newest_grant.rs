//! The newest grant of a login among the presented, the remembered and the stored one.

use super::{
    NewestUnknown,
    login_memory::LoginMemory,
    login_state::{LoginState, open_state, seal_state},
};
use crate::{
    clock::UnixTime,
    keyring::KeySet,
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
    /// the stored one, and true if one was remembered or stored. The result is remembered
    /// before it is sent, so that no older one is sent later.
    pub(super) fn newest_of(
        &self,
        keys: &KeySet,
        now: UnixTime,
        presented: &Grant,
        stored: Option<&Secret>,
    ) -> Result<(Grant, bool), NoGrant> {
        let known = self.known(keys, now, presented, stored)?;
        match known {
            Some(LoginState::Revoked) => Err(NoGrant::Revoked),
            Some(LoginState::Newest { grant, sealed })
                if grant.generation > presented.generation =>
            {
                self.put_newest(&presented.lineage, grant.generation, &sealed);
                Ok((grant, true))
            }
            known => {
                if presented.generation > known.as_ref().map_or(0, LoginState::generation) {
                    self.put_presented(keys, now, presented);
                }
                Ok((presented.clone(), known.is_some()))
            }
        }
    }

    /// Opens the remembered and the stored state of a login, and returns the newer one.
    fn known(
        &self,
        keys: &KeySet,
        now: UnixTime,
        presented: &Grant,
        stored: Option<&Secret>,
    ) -> Result<Option<LoginState>, NoGrant> {
        let open = |sealed: Secret| {
            let state = open_state(keys, now, &presented.lineage, sealed);
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

    fn put_presented(&self, keys: &KeySet, now: UnixTime, grant: &Grant) {
        let (lineage, generation) = (&grant.lineage, grant.generation);
        let authid = seal::seal(keys, now, grant).ok();
        let sealed = authid.and_then(|authid| seal_state(keys, now, lineage, authid.expose()));
        if let Some(sealed) = sealed {
            self.put_newest(lineage, generation, &sealed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::keyring::{CurrentKeys, Jwk, KeySource, Keyring};
    use crate::seal::{Ancestry, Lineage};
    use crate::store::Memory;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn new_key() -> CurrentKeys {
        let key = Jwk::generate(NOW, Duration::ZERO).to_json();
        let set = Secret::new(format!("{{\"keys\":[{}]}}", key.expose()));
        Keyring::load(KeySource::Inline(set)).unwrap().current()
    }

    #[test]
    fn a_store_that_forgot_is_not_believed_over_a_generation_that_no_longer_opens() {
        let memory = LoginMemory::new(Memory::new(Clock::manual(NOW), 1 << 20));
        let grant = |generation| Grant {
            service: "box.com".into(),
            refresh_token: Secret::new("token"),
            issued_at: NOW,
            lineage: Lineage::derived(&["a login"]),
            generation,
            region: None,
            ancestry: Ancestry::default(),
        };
        memory.newest_of(&new_key(), NOW, &grant(5), None).unwrap();
        // Another key since then.
        let keys = new_key();
        let stored = |generation| {
            let grant = grant(generation);
            let authid = seal::seal(&keys, NOW, &grant).unwrap();
            seal_state(&keys, NOW, &grant.lineage, authid.expose()).unwrap()
        };
        let newest = |presented, stored| {
            let newest = memory.newest_of(&keys, NOW, &grant(presented), Some(&stored));
            newest.ok().map(|(grant, _)| grant.generation)
        };
        assert_eq!(newest(1, stored(3)), None);
        assert_eq!(newest(1, stored(5)), Some(5));
        assert_eq!(newest(6, stored(3)), Some(6));
    }
}
