//! Accepts AuthIDs of Duplicati's own oauth-server, and opens them.

use std::{fs, io::Read, num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use serde::Deserialize;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    OldAuthId,
    aes_crypt::{self, AesCryptError},
};
use crate::{
    clock::{Clock, UnixTime},
    limit::{ClientNetwork, FairQueue, NetworkLimit, TooOften},
    seal::{Ancestry, Flaw, Grant, Lineage},
    secret::Secret,
};

/// Limit of a V1 file, above any provider's token response.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Timeout in the queue for opening a V1 file, and the length of that queue.
const PATIENCE: Duration = Duration::from_secs(5);
const QUEUE: usize = 256;

/// Limit of unproven AuthIDs from one client (an IPv4 address or a /64 of IPv6): the
/// first hundred at once, then one in each period. A client that migrates a hundred
/// backup jobs shows each AuthID once; after that they are proven and not counted.
const TRIES: (NonZeroU32, Duration) = (NonZeroU32::new(100).unwrap(), Duration::from_secs(3));
/// Number of proven AuthIDs to remember, at about 50 bytes each.
const PROVEN: usize = 50_000;

/// An old AuthID could not be opened.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OldAuthIdError {
    /// The file does not exist, or the password is wrong; the response never tells which.
    #[error("this server does not know that old AuthID")]
    Unknown,
    /// The file is damaged, or holds no refresh token.
    #[error("the file of that old AuthID is damaged, or has no refresh token")]
    Useless,
    /// Too many requests are waiting to open a V1 file.
    #[error("too many old AuthIDs are being opened")]
    Busy,
    /// The file exists, but cannot be read.
    #[error("the file of that old AuthID cannot be read on this server")]
    Unreadable,
}

/// Accepts and opens AuthIDs of oauth-server.
#[derive(Clone, Debug)]
pub struct OldAuthIds {
    accepts_clear: bool,
    storage: Option<PathBuf>,
    /// Opens one file at a time, so that guessing passwords keeps one core busy, not all.
    hashing: FairQueue,
    /// The same for those that are known to be good, so that they wait for no guess.
    hashing_good: FairQueue,
    tries: Arc<NetworkLimit>,
    proven: Arc<Cache<Lineage, ()>>,
}

/// A hash of an AuthID that is not proven yet; pass it to [`OldAuthIds::proved`] once the
/// AuthID turns out to be good.
#[derive(Clone, Copy, Debug)]
pub struct Proof(Lineage);

impl OldAuthIds {
    /// Accepts V2 AuthIDs in clear if `accepts_clear`, and V1 AuthIDs if `storage` names
    /// the folder of their files.
    pub fn new(accepts_clear: bool, storage: Option<PathBuf>, clock: Clock) -> Self {
        let (first, period) = TRIES;
        Self {
            accepts_clear,
            storage,
            hashing: FairQueue::new(1, QUEUE, PATIENCE),
            hashing_good: FairQueue::new(1, QUEUE, PATIENCE),
            tries: Arc::new(NetworkLimit::first_then_every(first, period, clock)),
            proven: Arc::new(Cache::new(PROVEN)),
        }
    }

    /// Counts an AuthID that a client presents against the client's limit, unless it is
    /// proven already. Returns a [`Proof`] if it is not: anybody can invent an AuthID and
    /// have this server try it at the provider.
    pub fn count(&self, old: &OldAuthId, client: ClientNetwork) -> Result<Option<Proof>, TooOften> {
        let proof = old.proof();
        if self.proven.get(&proof).is_some() {
            return Ok(None);
        }
        self.tries.check(client)?;
        Ok(Some(Proof(proof)))
    }

    /// Remembers that the AuthID is good, so that it is not counted again.
    pub fn proved(&self, Proof(proof): Proof) {
        self.proven.insert(proof, ());
    }

    /// Parses the AuthID. Returns `None` if it is not an old one, and a [`Flaw`] if its form
    /// is not accepted.
    pub fn parse(&self, text: &str) -> Option<Result<OldAuthId, Flaw>> {
        let old = OldAuthId::parse(text)?;
        Some(match old {
            OldAuthId::Clear { .. } if !self.accepts_clear => Err(Flaw::OldInClear),
            OldAuthId::Stored { .. } if self.storage.is_none() => Err(Flaw::OldStored),
            accepted => Ok(accepted),
        })
    }

    /// Returns the first grant of the AuthID's login. V1 files are opened one after
    /// another.
    pub async fn open(
        &self,
        old: OldAuthId,
        is_proven: bool,
        client: ClientNetwork,
        now: UnixTime,
    ) -> Result<Grant, OldAuthIdError> {
        if let OldAuthId::Clear { .. } = old {
            return self.open_blocking(old, now);
        }
        let queue = match is_proven {
            true => &self.hashing_good,
            false => &self.hashing,
        };
        let place = queue.enter(client).await;
        let place = place.ok_or(OldAuthIdError::Busy)?;
        let this = self.clone();
        let opening = tokio::task::spawn_blocking(move || {
            // Dropped when the work is done. A client that disconnects does not end it.
            let _place = place;
            this.open_blocking(old, now)
        });
        opening.await.unwrap_or(Err(OldAuthIdError::Unreadable))
    }

    /// Returns the first grant without waiting in the queue, for callers with nothing else
    /// to do, such as a command.
    pub fn open_blocking(&self, old: OldAuthId, now: UnixTime) -> Result<Grant, OldAuthIdError> {
        let lineage = old.lineage();
        let (service, refresh_token) = match old {
            OldAuthId::Clear {
                service,
                refresh_token,
            } => (service, refresh_token),
            OldAuthId::Stored { id, password } => self.read(&id, &password)?,
        };
        Ok(Grant {
            service: service.into(),
            refresh_token,
            issued_at: now,
            lineage,
            generation: 0,
            region: None,
            client: None,
            // Neither form holds the time of the login.
            ancestry: Ancestry::of_unknown_time(),
            terms: None,
        })
    }

    /// Reads service and refresh token from a V1 file. `id` must be hex digits only,
    /// because it becomes part of a path.
    fn read(&self, id: &str, password: &Secret) -> Result<(String, Secret), OldAuthIdError> {
        let folder = self.storage.as_ref().ok_or(OldAuthIdError::Unknown)?;
        let path = folder.join(id);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {}
            _ => return Err(OldAuthIdError::Unknown),
        }
        let mut file = Zeroizing::new(Vec::new());
        fs::File::open(&path)
            .and_then(|opened| opened.take(MAX_FILE_BYTES).read_to_end(&mut file))
            .map_err(|error| {
                tracing::error!("a file of AUTHSEAL_V1_STORAGE cannot be read: {error}");
                OldAuthIdError::Unreadable
            })?;
        let json = aes_crypt::open(&file, password.expose()).map_err(|error| match error {
            AesCryptError::WrongPassphrase => OldAuthIdError::Unknown,
            _ => OldAuthIdError::Useless,
        })?;
        let stored: Stored = serde_json::from_slice(&json).map_err(|_| OldAuthIdError::Useless)?;
        match stored
            .refresh_token
            .filter(|token| !token.expose().is_empty())
        {
            Some(refresh_token) => Ok((stored.service_id, refresh_token)),
            None => Err(OldAuthIdError::Useless),
        }
    }
}

/// The parts of a V1 file that are used.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stored {
    service_id: String,
    refresh_token: Option<Secret>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[tokio::test]
    async fn one_that_was_good_waits_for_no_guess() {
        let clock = Clock::manual(UnixTime(5));
        let mut old_authids = OldAuthIds::new(false, Some("/nowhere".into()), clock);
        old_authids.hashing = FairQueue::new(1, 0, Duration::ZERO);
        let nobody = ClientNetwork::default();
        let _guess = old_authids.hashing.enter(nobody).await.unwrap();
        let old = OldAuthId::parse(&format!("{ID}:x")).unwrap();
        for (is_proven, expected) in [
            (false, OldAuthIdError::Busy),
            (true, OldAuthIdError::Unknown),
        ] {
            let opened = old_authids.open(old.clone(), is_proven, nobody, UnixTime(5));
            assert_eq!(opened.await.unwrap_err(), expected);
        }
    }

    #[test]
    fn what_is_not_switched_on_is_not_taken() {
        let clock = || Clock::manual(UnixTime(5));
        let none = OldAuthIds::new(false, None, clock());
        let stored = format!("{ID}:x");
        assert_eq!(none.parse("v2:a:token"), Some(Err(Flaw::OldInClear)));
        assert_eq!(none.parse(&stored), Some(Err(Flaw::OldStored)));
        let both = OldAuthIds::new(true, Some("/nowhere".into()), clock());
        let clear = both.parse("v2:a:token").unwrap().unwrap();
        let grant = both.open_blocking(clear, UnixTime(5)).unwrap();
        assert_eq!(grant.refresh_token.expose(), "token");
        let stored = both.parse(&stored).unwrap().unwrap();
        let opened = both.open_blocking(stored, UnixTime(5));
        assert_eq!(opened.unwrap_err(), OldAuthIdError::Unknown);
    }
}
