//! Opening of the AuthIDs that clients present.

use std::{net::IpAddr, sync::Arc};

use super::{PresentedAuthId, RefreshError};
use crate::{
    clock::Clock,
    keyring::Keyring,
    limit::{ClientNetwork, Limit},
    oauth_server::{OldAuthId, OldAuthIdError, OldAuthIds},
    provider::{Caller, Catalog, LoginTag, Service},
    seal::{self, Grant, LimitPolicy, Lineage, NotAnAuthId, OpenError, Pasted},
    telemetry::Metrics,
};

/// Opens the AuthIDs that clients present.
#[derive(Debug)]
pub struct AuthIdReader {
    /// The offered services.
    pub catalog: Arc<Catalog>,
    /// AuthIDs of oauth-server that are accepted.
    pub old_authids: OldAuthIds,
    /// Keys of the AuthIDs.
    pub keyring: Arc<Keyring>,
    /// Rate limit by login, if the AuthID opens, and by the client's address.
    pub limit: Option<Limit<(Option<Lineage>, Option<IpAddr>)>>,
    /// Limits that an AuthID of oauth-server has, as if its login was made when it is presented.
    pub new_limits: LimitPolicy,
    /// The source of time.
    pub clock: Clock,
    /// Metrics.
    pub metrics: Arc<Metrics>,
}

impl AuthIdReader {
    /// Opens the text that a client at `address` presents as an AuthID. Every AuthID of a
    /// request comes here; text that surrounds it is taken off.
    pub(super) async fn open(
        &self,
        authid: &str,
        address: Option<IpAddr>,
    ) -> Result<PresentedAuthId, RefreshError> {
        match self.open_sealed(authid, ClientNetwork::of(address)) {
            Err(error) => match self.parse_old(error, authid) {
                Ok(old) => Box::pin(self.open_old(old, address)).await,
                Err(error) => self.count(None, address).and(Err(error)),
            },
            Ok(presented) => self
                .count(Some(presented.lineage()), address)
                .map(|()| presented),
        }
    }

    fn count(&self, lineage: Option<Lineage>, address: Option<IpAddr>) -> Result<(), RefreshError> {
        let Some(limit) = &self.limit else {
            return Ok(());
        };
        let counted = limit.check(&(lineage, address));
        counted.map_err(RefreshError::TooOften)
    }

    /// Parses a text that is no AuthID of authseal as one of oauth-server.
    fn parse_old(&self, error: RefreshError, authid: &str) -> Result<OldAuthId, RefreshError> {
        let RefreshError::Open(OpenError::NotAnAuthId(NotAnAuthId::Form(_))) = error else {
            return Err(error);
        };
        match self.old_authids.parse(authid) {
            Some(Ok(old)) => Ok(old),
            Some(Err(flaw)) => Err(OpenError::from(NotAnAuthId::Form(flaw)).into()),
            None => Err(error),
        }
    }

    /// Counts before it opens: to try a password costs more than to count.
    async fn open_old(
        &self,
        old: OldAuthId,
        address: Option<IpAddr>,
    ) -> Result<PresentedAuthId, RefreshError> {
        self.count(Some(old.lineage()), address)?;
        let client = ClientNetwork::of(address);
        let unproven = self.old_authids.count(&old, client);
        let mut unproven = unproven.map_err(RefreshError::TooManyOld)?;
        let now = self.clock.now();
        let form = old.form();
        let opens_a_file = matches!(old, OldAuthId::Stored { .. });
        let opening = self.old_authids.open(old, unproven.is_none(), client, now);
        let mut grant = opening.await?;
        grant.terms = self.new_limits.terms_at(now);
        if opens_a_file && let Some(proof) = unproven.take() {
            // The file opened, so the password was right.
            self.old_authids.proved(proof);
        }
        // Not `NotOffered`: anybody can make up a service name, and it must not be repeated.
        let service = self
            .service_of(&grant)
            .map_err(|_| OldAuthIdError::Unknown)?;
        grant.service = service.id.as_str().into();
        self.metrics.old_authid(form, &service.id);
        let keys = self.keyring.current();
        let caller = match unproven {
            Some(_) => Caller::Stranger(client),
            None => Caller::Holder(client, tag(&grant.lineage)),
        };
        Ok(PresentedAuthId {
            service: Arc::clone(service),
            is_revoked: grant.is_revoked(&keys),
            keys_version: keys.version(),
            grant: Arc::new(grant),
            kid: Default::default(),
            as_sealed: None,
            old_form: Some(form),
            caller,
            unproven,
            address: None,
            opened_at: now,
        })
    }

    fn open_sealed(
        &self,
        authid: &str,
        client: ClientNetwork,
    ) -> Result<PresentedAuthId, RefreshError> {
        let keys = self.keyring.current();
        let now = self.clock.now();
        let Pasted { opened, authid } = seal::open_pasted(&keys, now, authid)?;
        let (mut grant, kid) = (opened.grant, opened.kid);
        let service = self.service_of(&grant)?;
        if grant.service != service.id {
            // For an alias too, rules that revoke by service must match.
            grant.service = service.id.as_str().into();
        }
        let caller = Caller::Holder(client, tag(&grant.lineage));
        Ok(PresentedAuthId {
            service: Arc::clone(service),
            is_revoked: grant.is_revoked(&keys),
            keys_version: keys.version(),
            grant: Arc::new(grant),
            kid,
            as_sealed: authid,
            old_form: None,
            caller,
            unproven: None,
            address: None,
            opened_at: now,
        })
    }

    fn service_of(&self, grant: &Grant) -> Result<&Arc<Service>, RefreshError> {
        let service = self.catalog.find(&grant.service);
        service.ok_or_else(|| RefreshError::NotOffered {
            service: grant.service.to_string(),
        })
    }
}

/// Returns the mark by which a provider's breaker tells logins apart.
fn tag(lineage: &Lineage) -> LoginTag {
    LoginTag::from_ne_bytes(*lineage.as_bytes())
}
