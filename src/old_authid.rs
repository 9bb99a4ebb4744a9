//! AuthIDs of Duplicati's own oauth-server: V2 ones that hold their refresh token in
//! clear, `v2:<service>:<refresh token>`, and V1 ones, `<32 hex digits>:<password>`,
//! that open a file.
//!
//! Such a login's lineage is a hash: whichever server is asked, and however often, it
//! is the same login.

use std::{fs, io::Read, path::PathBuf, sync::Arc};

use serde::Deserialize;
use thiserror::Error;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::{
    aes_crypt::{self, AesCryptError},
    clock::UnixTime,
    seal::{Grant, Lineage},
    secret::Secret,
};

/// More than any provider's answer takes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

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
                (is_id && !password.is_empty()).then(|| Self::Stored {
                    id: id.to_ascii_lowercase(),
                    password: Secret::new(password),
                })
            }
        }
    }

    /// The login that it descends from.
    pub fn lineage(&self) -> Lineage {
        match self {
            Self::Clear {
                service,
                refresh_token,
            } => Lineage::derived(&["v2", service, refresh_token.expose()]),
            Self::Stored { id, .. } => Lineage::derived(&["v1", id]),
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

/// A compact JWE (RFC 7516 section 7.1) has five parts, and ours an empty second one.
fn looks_sealed(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 5 && (parts[0].starts_with("eyJ") || parts[1].is_empty())
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
    hashing: Arc<Semaphore>,
}

impl OldAuthIds {
    /// Clear ones or not, and V1 ones whose files are in this folder.
    pub fn new(accepts_clear: bool, storage: Option<PathBuf>) -> Self {
        Self {
            accepts_clear,
            storage,
            hashing: Arc::new(Semaphore::new(1)),
        }
    }

    /// The AuthID taken apart, if it is an old one that is taken.
    pub fn parse(&self, authid: &str) -> Option<OldAuthId> {
        OldAuthId::parse(authid).filter(|old| match old {
            OldAuthId::Clear { .. } => self.accepts_clear,
            OldAuthId::Stored { .. } => self.storage.is_some(),
        })
    }

    /// What it stands for: the first of its login's grants.
    pub async fn open(&self, old: OldAuthId, now: UnixTime) -> Result<Grant, OldAuthIdError> {
        let _turn = match old {
            OldAuthId::Clear { .. } => None,
            OldAuthId::Stored { .. } => self.hashing.acquire().await.ok(),
        };
        let this = self.clone();
        let opening = tokio::task::spawn_blocking(move || this.open_blocking(old, now));
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
        let jwe = "v2:googledrive:eyJlbmMi.x.y.z.t";
        let ours = "v2:googledrive:fyJlbmMi..y.z.t";
        let not_hex = format!("../../../../../etc/passwd{}:x", &ID[..7]);
        let with_nul = format!("{}\0:x", &ID[..31]);
        for (authid, form) in [
            ("v2:googledrive:1//0gabc-_", Some("v2")),
            // Keycloak's are JWTs of three parts, Microsoft's have dots too.
            ("v2:jottacloud:eyJhbGciOi.eyJpc3Mi.abc", Some("v2")),
            ("v2:onedrivev2:M.C5_BAY.0.U.-Cq*!$", Some("v2")),
            (&format!("{ID}:password"), Some("v1")),
            (&format!("{}:pass:word", ID.to_uppercase()), Some("v1")),
            (jwe, None),
            (ours, None),
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
        assert_ne!(lineage("v2:a:token"), lineage("v2:b:token"));
        assert_ne!(lineage("v2:a:token"), lineage("v2:at:oken"));
        // Whoever guesses passwords is counted as who knows it.
        assert_eq!(lineage(&format!("{ID}:x")), lineage(&format!("{ID}:y")));
    }

    #[test]
    fn what_is_not_switched_on_is_not_taken() {
        let none = OldAuthIds::new(false, None);
        let stored = format!("{ID}:x");
        assert_eq!(none.parse("v2:a:token"), None);
        assert_eq!(none.parse(&stored), None);
        let both = OldAuthIds::new(true, Some("/nowhere".into()));
        let clear = both.parse("v2:a:token").unwrap();
        let grant = both.open_blocking(clear, UnixTime(5)).unwrap();
        assert_eq!(grant.refresh_token.expose(), "token");
        let stored = both.parse(&stored).unwrap();
        let opened = both.open_blocking(stored, UnixTime(5));
        assert_eq!(opened.unwrap_err(), OldAuthIdError::Unknown);
    }
}
