//! An AuthID that a client presents, opened.

use std::{net::IpAddr, sync::Arc};

use smol_str::SmolStr;

use super::{RefreshError, cache::CachedToken};
use crate::{
    clock::UnixTime,
    keyring::KeySet,
    oauth_server::Proof,
    provider::{Caller, Service},
    seal::{Grant, Lineage, OpenError, Terms},
    secret::Secret,
    store::StoreError,
};

/// An AuthID that a client presents, opened: its grant, and the key that sealed it.
#[derive(Clone, Debug)]
pub struct PresentedAuthId {
    pub(super) service: Arc<Service>,
    pub(super) grant: Arc<Grant>,
    /// Id of the key that sealed it. Empty for an AuthID of oauth-server, so that it is
    /// resealed with the next answer.
    pub(super) kid: SmolStr,
    /// The AuthID as it was sealed, if other text surrounded it.
    pub(super) as_sealed: Option<Secret>,
    /// True if the login was revoked at `opened_at`.
    pub(super) is_revoked: bool,
    /// Form of an AuthID of oauth-server, for log lines.
    pub(super) old_form: Option<&'static str>,
    /// Lane of its provider calls.
    pub(super) caller: Caller,
    /// For an AuthID of oauth-server that may be made up: the proof to remember once the
    /// provider accepts it.
    pub(super) unproven: Option<Proof>,
    /// Address of its client; `None` if it is not known, which is inside no network.
    pub(super) address: Option<IpAddr>,
    /// Version of the key set that opened it.
    pub(super) keys_version: u64,
    pub(super) opened_at: UnixTime,
}

impl PresentedAuthId {
    /// Notes the address of the client, by which limits go.
    pub fn comes_from(&mut self, address: Option<IpAddr>) {
        self.address = address;
    }

    /// Returns its service.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Returns the lineage of its login.
    pub fn lineage(&self) -> Lineage {
        self.grant.lineage
    }

    /// Returns its grant for a provider call: AuthIDs with different terms may share one, and its
    /// result.
    pub(super) fn grant_without_terms(&self) -> Arc<Grant> {
        match self.grant.terms {
            None => self.grant.clone(),
            Some(_) => Arc::new(self.grant.without_terms()),
        }
    }

    /// Returns its limits and names, if it has any.
    pub(crate) fn terms(&self) -> Option<&Arc<Terms>> {
        self.grant.terms.as_ref()
    }

    /// Returns `v1` or `v2` for an AuthID of oauth-server.
    pub fn old_form(&self) -> Option<&'static str> {
        self.old_form
    }

    /// Fails if the login was revoked when the AuthID was opened.
    pub(super) fn check_revoked(&self) -> Result<(), RefreshError> {
        match self.is_revoked {
            true => Err(RefreshError::Revoked),
            false => Ok(()),
        }
    }

    /// Checks before `token` is handed out that the AuthID's key still opens, and that
    /// neither this nor the login's newest AuthID is revoked. During the provider call the
    /// key may have been retired, or replaced because it leaked.
    pub(super) fn check_again(
        &self,
        keys: &KeySet,
        now: UnixTime,
        token: &CachedToken,
    ) -> Result<(), RefreshError> {
        if !self.kid.is_empty() {
            keys.opening(&self.kid, now).map_err(OpenError::from)?;
        }
        match self.grant.is_revoked(keys) || token.is_revoked {
            true => Err(RefreshError::Revoked),
            false => Ok(()),
        }
    }

    /// Fails if the access token came from a refresh token that may not be the newest:
    /// while the store is away, a sliding provider is sent an older one.
    pub(super) fn check_newest(&self, token: &CachedToken) -> Result<(), RefreshError> {
        let why = StoreError::TooSlow;
        match token.is_newest {
            true => Ok(()),
            false => Err(RefreshError::newest_unknown(&self.service, why)),
        }
    }
}
