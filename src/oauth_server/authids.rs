//! AuthIDs of Duplicati's own oauth-server: V2 ones that hold their refresh token in
//! clear, `v2:<service>:<refresh token>`, and V1 ones, `<32 hex digits>:<password>`,
//! that open a file.
//!
//! Such a login's lineage is a hash: whichever server is asked, and however often, it
//! is the same login.

use std::{fs, io::Read, num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use quick_cache::sync::Cache;
use serde::Deserialize;
use thiserror::Error;
use zeroize::Zeroizing;

use super::aes_crypt::{self, AesCryptError};
use crate::{
    clock::{Clock, UnixTime},
    limit::{ClientNetwork, NetworkLimit, TooOften, Turns},
    seal::{Ancestry, Grant, Lineage},
    secret::Secret,
};

/// More than any provider's answer takes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// More than that server ever made. Every hash goes over all of it.
const MAX_PASSWORD_BYTES: usize = 256;

/// How long one waits for its turn, and how many do.
const PATIENCE: Duration = Duration::from_secs(5);
const QUEUE: usize = 256;

/// From one household, of those that may be made up. A household that moves with a
/// hundred jobs shows each of its own once, and is not counted from then on.
const TRIES: (NonZeroU32, Duration) = (NonZeroU32::new(100).unwrap(), Duration::from_secs(3));
/// About 50 bytes each.
const PROVEN: usize = 50_000;

/// One, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OldAuthId {
    /// A V2 one that is not sealed.
    Clear {
        /// Id of the service.
        service: String,
        /// What it holds.
        refresh_token: Secret,
    },
    /// A V1 one.
    Stored {
        /// 32 hex digits: the file's name.
        id: String,
        /// What the file is encrypted with.
        password: Secret,
    },
}

impl OldAuthId {
    /// `None` if it is of another form, as a sealed AuthID is, even a damaged one.
    pub fn parse(authid: &str) -> Option<Self> {
        match authid.strip_prefix("v2:") {
            Some(rest) => {
                let (service, refresh_token) = rest.split_once(':')?;
                let is_one = !service.is_empty()
                    && !refresh_token.is_empty()
                    && !looks_sealed(refresh_token)
                    && refresh_token.bytes().all(|byte| byte.is_ascii_graphic());
                is_one.then(|| Self::Clear {
                    service: service.to_owned(),
                    refresh_token: Secret::new(refresh_token),
                })
            }
            None => {
                let (id, password) = authid.split_once(':')?;
                let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
                let is_password = (1..=MAX_PASSWORD_BYTES).contains(&password.len());
                (is_id && is_password).then(|| Self::Stored {
                    id: id.to_ascii_lowercase(),
                    password: Secret::new(password),
                })
            }
        }
    }

    /// The login that it descends from, whichever service a clear one names.
    pub fn lineage(&self) -> Lineage {
        match self {
            Self::Clear { refresh_token, .. } => Lineage::derived(&["v2", refresh_token.expose()]),
            Self::Stored { id, .. } => Lineage::derived(&["v1", id]),
        }
    }

    /// What is remembered of one that turned out to be good: a hash of all of it.
    fn proof(&self) -> Lineage {
        match self {
            Self::Clear { refresh_token, .. } => {
                Lineage::derived(&["v2 is good", refresh_token.expose()])
            }
            Self::Stored { id, password } => {
                Lineage::derived(&["v1 is good", id, password.expose()])
            }
        }
    }

    /// A word for metrics and logs.
    pub fn form(&self) -> &'static str {
        match self {
            Self::Clear { .. } => "v2",
            Self::Stored { .. } => "v1",
        }
    }
}

/// Whether it may be, or have been, a compact JWE (RFC 7516 section 7.1): whatever was
/// cut off it or put behind it. Ours have an empty second part. What a provider gives
/// that starts like one is a JWT (RFC 7519): three parts, and no `enc` in the first.
fn looks_sealed(text: &str) -> bool {
    if !text.starts_with("eyJ") {
        return text.contains("..");
    }
    let parts: Vec<&str> = text.split('.').collect();
    let header = URL_SAFE_NO_PAD.decode(parts[0]).unwrap_or_default();
    let is_jwt = parts.len() == 3
        && parts.iter().all(|part| !part.is_empty())
        && serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(&header)
            .is_ok_and(|header| !header.contains_key("enc"));
    !is_jwt
}

/// Why one was not opened.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OldAuthIdError {
    /// There is no such file, or the password is wrong: nobody is told which.
    #[error("this server does not know that old AuthID")]
    Unknown,
    /// Its file is damaged, or holds no refresh token.
    #[error("what this server has of that old AuthID is of no use")]
    Useless,
    /// Others wait for the same, too many of them.
    #[error("too many old AuthIDs are being opened")]
    Busy,
    /// Its file is there, and can't be read.
    #[error("what this server has of that old AuthID cannot be read")]
    Unreadable,
}

/// Which old AuthIDs are taken.
#[derive(Clone, Debug)]
pub struct OldAuthIds {
    accepts_clear: bool,
    storage: Option<PathBuf>,
    /// One file at a time: to guess passwords takes one core, not all.
    hashing: Turns,
    /// The same for those that are known to be good, so that they wait for no guess.
    hashing_good: Turns,
    tries: Arc<NetworkLimit>,
    proven: Arc<Cache<Lineage, ()>>,
}

/// What shows that an old AuthID is not made up, once it has turned out to be good.
#[derive(Clone, Copy, Debug)]
pub struct Proof(Lineage);

impl OldAuthIds {
    /// Clear ones or not, and V1 ones whose files are in this folder.
    pub fn new(accepts_clear: bool, storage: Option<PathBuf>, clock: Clock) -> Self {
        let (first, period) = TRIES;
        Self {
            accepts_clear,
            storage,
            hashing: Turns::new(1, QUEUE, PATIENCE),
            hashing_good: Turns::new(1, QUEUE, PATIENCE),
            tries: Arc::new(NetworkLimit::first_then_every(first, period, clock)),
            proven: Arc::new(Cache::new(PROVEN)),
        }
    }

    /// Counts one that a client presents, unless it is known to be good. `Some` if it is
    /// not known to be: anybody can make one up, and have it tried at its provider.
    pub fn count(&self, old: &OldAuthId, client: ClientNetwork) -> Result<Option<Proof>, TooOften> {
        let proof = old.proof();
        if self.proven.get(&proof).is_some() {
            return Ok(None);
        }
        self.tries.check(client)?;
        Ok(Some(Proof(proof)))
    }

    /// It has turned out to be good.
    pub fn proved(&self, Proof(proof): Proof) {
        self.proven.insert(proof, ());
    }

    /// The AuthID taken apart, if it is an old one that is taken.
    pub fn parse(&self, authid: &str) -> Option<OldAuthId> {
        OldAuthId::parse(authid).filter(|old| match old {
            OldAuthId::Clear { .. } => self.accepts_clear,
            OldAuthId::Stored { .. } => self.storage.is_some(),
        })
    }

    /// What it stands for: the first of its login's grants.
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
        let turns = match is_proven {
            true => &self.hashing_good,
            false => &self.hashing,
        };
        let turn = turns.enter(client).await;
        let turn = turn.ok_or(OldAuthIdError::Busy)?;
        let this = self.clone();
        let opening = tokio::task::spawn_blocking(move || {
            // It goes with the work, which nobody's hanging up ends.
            let _turn = turn;
            this.open_blocking(old, now)
        });
        opening.await.unwrap_or(Err(OldAuthIdError::Unreadable))
    }

    /// The same, where nobody else waits.
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
            service,
            refresh_token,
            issued_at: now,
            lineage,
            generation: 0,
            region: None,
            // Neither form says when.
            ancestry: Ancestry::of_unknown_time(),
        })
    }

    /// Service and refresh token of a V1 file. `id` is hex digits and nothing else.
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

/// What matters of a V1 file.
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

    #[test]
    fn each_form_is_known_and_nothing_else() {
        let ours = "eyJlbmMiOiJBMjU2R0NNIiwia2lkIjoicDZlayIsImFsZyI6ImRpciJ9..aXY.Y3Q.dGFn";
        let whole = format!("v2:googledrive:{ours}");
        for damaged in [
            &whole[..],
            &format!("{whole}."),
            &format!("{whole}{whole}"),
            &whole.replacen("eyJ", "fyJ", 1),
            &whole.replacen("..", ".x.", 1),
        ] {
            assert_eq!(OldAuthId::parse(damaged), None, "{damaged}");
        }
        for length in 18..whole.len() {
            assert_eq!(OldAuthId::parse(&whole[..length]), None, "{length}");
        }
        let long = format!("{ID}:{}", "x".repeat(257));
        let not_hex = format!("../../../../../etc/passwd{}:x", &ID[..7]);
        let with_nul = format!("{}\0:x", &ID[..31]);
        for (authid, form) in [
            ("v2:googledrive:1//0gabc-_", Some("v2")),
            // Keycloak's are JWTs of three parts, Microsoft's have dots too.
            (
                "v2:jottacloud:eyJhbGciOiJIUzI1NiJ9.eyJpc3Mi.abc",
                Some("v2"),
            ),
            ("v2:onedrivev2:M.C5_BAY.0.U.-Cq*!$", Some("v2")),
            (&format!("{ID}:password"), Some("v1")),
            (&format!("{}:pass:word", ID.to_uppercase()), Some("v1")),
            (&long, None),
            ("v2:googledrive:", None),
            ("v2::token", None),
            ("v2:googledrive:to ken", None),
            ("v2:googledrive", None),
            (ID, None),
            (&format!("{ID}:"), None),
            (&format!("{ID}0:x"), None),
            (&not_hex, None),
            (&with_nul, None),
            ("", None),
        ] {
            let found = OldAuthId::parse(authid).map(|old| old.form());
            assert_eq!(found, form, "{authid:?}");
        }
    }

    #[test]
    fn a_lineage_is_the_logins_and_no_others() {
        let lineage = |authid: &str| OldAuthId::parse(authid).unwrap().lineage();
        assert_eq!(lineage("v2:a:token"), lineage("v2:a:token"));
        // Two names of one service, or two services of one application.
        assert_eq!(lineage("v2:a:token"), lineage("v2:b:token"));
        assert_ne!(lineage("v2:a:token"), lineage("v2:a:other"));
        // Whoever guesses passwords is counted as who knows it.
        assert_eq!(lineage(&format!("{ID}:x")), lineage(&format!("{ID}:y")));
    }

    #[tokio::test]
    async fn one_that_was_good_waits_for_no_guess() {
        let clock = Clock::manual(UnixTime(5));
        let mut old_authids = OldAuthIds::new(false, Some("/nowhere".into()), clock);
        old_authids.hashing = Turns::new(1, 0, Duration::ZERO);
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
        assert_eq!(none.parse("v2:a:token"), None);
        assert_eq!(none.parse(&stored), None);
        let both = OldAuthIds::new(true, Some("/nowhere".into()), clock());
        let clear = both.parse("v2:a:token").unwrap();
        let grant = both.open_blocking(clear, UnixTime(5)).unwrap();
        assert_eq!(grant.refresh_token.expose(), "token");
        let stored = both.parse(&stored).unwrap();
        let opened = both.open_blocking(stored, UnixTime(5));
        assert_eq!(opened.unwrap_err(), OldAuthIdError::Unknown);
    }
}
