//! From the text that somebody presents to the login that it stands for.

use std::{net::IpAddr, sync::Arc};

use super::{RefreshEngine, RefreshError};
use crate::{
    clock::UnixTime,
    keyring::KeySet,
    limit::ClientNetwork,
    oauth_server::{OldAuthId, OldAuthIdError, Proof},
    provider::{Caller, Service},
    seal::{self, Grant, Lineage, NotAnAuthId, OpenError, Pasted},
    secret::Secret,
};

/// An AuthID that opened: what it holds, and under which key; no key's id is empty,
/// so that what is sealed under none is sealed in the next answer.
#[derive(Debug)]
pub struct Holder<'e> {
    pub(super) service: &'e Arc<Service>,
    pub(super) grant: Grant,
    pub(super) kid: String,
    /// The AuthID as it was sealed, if it came with something around it.
    pub(super) as_sealed: Option<Secret>,
    /// True if its login was revoked at that time.
    is_revoked: bool,
    /// Whose provider calls are made for it.
    pub(super) caller: Caller,
    /// Proof to remember once the provider accepts it, for one that may be made up.
    pub(super) unproven: Option<Proof>,
    /// Of the keys that it was opened with.
    pub(super) keys_version: u64,
    /// When.
    pub(super) now: UnixTime,
}

impl Holder<'_> {
    /// Service of the AuthID.
    pub fn service(&self) -> &Arc<Service> {
        self.service
    }

    /// The login that it descends from.
    pub fn lineage(&self) -> Lineage {
        self.grant.lineage
    }

    /// Makes the same again in a task that outlives the request.
    pub(super) fn detached(
        &self,
    ) -> impl for<'s> FnOnce(&'s Arc<Service>) -> Holder<'s> + Send + use<> {
        let (grant, kid) = (self.grant.clone(), self.kid.clone());
        let as_sealed = self.as_sealed.clone();
        let (caller, unproven) = (self.caller, self.unproven);
        let (is_revoked, keys_version, now) = (self.is_revoked, self.keys_version, self.now);
        move |service| Holder {
            service,
            grant,
            kid,
            as_sealed,
            caller,
            unproven,
            is_revoked,
            keys_version,
            now,
        }
    }

    pub(super) fn check_revoked(&self) -> Result<(), RefreshError> {
        match self.is_revoked {
            true => Err(RefreshError::Revoked),
            false => Ok(()),
        }
    }

    /// Checks once more that the key under which the AuthID came still opens, and that the
    /// login is not revoked: while the provider was asked the key may have been retired, or
    /// replaced because it leaked. Imported AuthIDs have no key.
    pub(super) fn check_again(&self, keys: &KeySet, now: UnixTime) -> Result<(), RefreshError> {
        if !self.kid.is_empty() {
            keys.opening(&self.kid, now).map_err(OpenError::from)?;
        }
        match self.grant.is_revoked(keys) {
            true => Err(RefreshError::Revoked),
            false => Ok(()),
        }
    }
}

impl RefreshEngine {
    /// Opens what somebody at `address` presents as an AuthID, and finds its service. Every
    /// AuthID of a request comes here; what surrounded it on its way is taken off.
    pub async fn open(
        &self,
        authid: &str,
        address: Option<IpAddr>,
    ) -> Result<Holder<'_>, RefreshError> {
        let result = match self.open_sealed(authid, ClientNetwork::of(address)) {
            Err(error) => match self.old_one(error, authid) {
                Ok(old) => Box::pin(self.open_old(old, address)).await,
                Err(error) => self.count(None, address).and(Err(error)),
            },
            Ok(holder) => self
                .count(Some(holder.grant.lineage), address)
                .map(|()| holder),
        };
        result.inspect_err(|error| {
            // What did not open is not believed, not even in a metric.
            self.parts.metrics.refreshed("", "", error.outcome());
        })
    }

    fn count(&self, lineage: Option<Lineage>, address: Option<IpAddr>) -> Result<(), RefreshError> {
        match &self.parts.limit {
            Some(limit) => Ok(limit.check(&(lineage, address))?),
            None => Ok(()),
        }
    }

    /// The AuthID as one of another server, where it has no form of ours.
    fn old_one(&self, error: RefreshError, authid: &str) -> Result<OldAuthId, RefreshError> {
        let RefreshError::Open(OpenError::NotAnAuthId(NotAnAuthId::Form(_))) = error else {
            return Err(error);
        };
        match self.parts.old_authids.parse(authid) {
            Some(Ok(old)) => Ok(old),
            Some(Err(flaw)) => Err(OpenError::from(NotAnAuthId::Form(flaw)).into()),
            None => Err(error),
        }
    }

    /// Counted first: to try a password costs more than to count.
    async fn open_old(
        &self,
        old: OldAuthId,
        address: Option<IpAddr>,
    ) -> Result<Holder<'_>, RefreshError> {
        self.count(Some(old.lineage()), address)?;
        let old_authids = &self.parts.old_authids;
        let client = ClientNetwork::of(address);
        let unproven = old_authids.count(&old, client);
        let mut unproven = unproven.map_err(RefreshError::TooManyOld)?;
        let now = self.parts.clock.now();
        let form = old.form();
        let opens_a_file = matches!(old, OldAuthId::Stored { .. });
        let mut grant = old_authids
            .open(old, unproven.is_none(), client, now)
            .await?;
        if opens_a_file && let Some(proof) = unproven.take() {
            // Its password was the right one.
            old_authids.proved(proof);
        }
        // The name may be anybody's words: they are not repeated.
        let service = self
            .service_of(&grant)
            .map_err(|_| OldAuthIdError::Unknown)?;
        grant.service = service.id.clone();
        self.parts.metrics.old_authid(form, &service.id);
        tracing::info!(
            form,
            service = %service.id,
            lineage = %grant.lineage.short_hash(),
            "an old AuthID was presented"
        );
        let keys = self.parts.keyring.current();
        Ok(Holder {
            service,
            is_revoked: grant.is_revoked(&keys),
            keys_version: keys.version(),
            grant,
            kid: String::new(),
            as_sealed: None,
            caller: match unproven {
                Some(_) => Caller::Stranger(client),
                None => Caller::Holder(client),
            },
            unproven,
            now,
        })
    }

    fn open_sealed(&self, authid: &str, client: ClientNetwork) -> Result<Holder<'_>, RefreshError> {
        let keys = self.parts.keyring.current();
        let now = self.parts.clock.now();
        let Pasted { opened, authid } = seal::open_pasted(&keys, now, authid)?;
        let (mut grant, kid) = (opened.grant, opened.kid);
        let service = self.service_of(&grant)?;
        if grant.service != service.id {
            // An alias: a rule on the service holds all the same.
            grant.service.clone_from(&service.id);
        }
        Ok(Holder {
            service,
            is_revoked: grant.is_revoked(&keys),
            keys_version: keys.version(),
            grant,
            kid,
            as_sealed: authid,
            caller: Caller::Holder(client),
            unproven: None,
            now,
        })
    }

    fn service_of(&self, grant: &Grant) -> Result<&Arc<Service>, RefreshError> {
        let service = self.parts.catalog.find(&grant.service);
        service.ok_or_else(|| RefreshError::NotOffered {
            service: grant.service.clone(),
        })
    }
}
