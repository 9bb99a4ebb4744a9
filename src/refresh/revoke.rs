//! Revocation of a grant at its provider.

use std::sync::Arc;

use thiserror::Error;

use super::{
    PresentedAuthId, RefreshEngine, RefreshError, cache::CachedToken,
    client_fault::is_of_present_client, lineages::LeasedGrant, newest_grant::NoGrant,
    provider_call::SINGLE_USE_PATIENCE, send_permit::SendPermit,
};
use crate::{
    provider::{
        Caller, GrantTokens, ProviderError, RefreshTokens, RevocationEndpoint, RevocationMethod,
        Service,
    },
    store::StoreError,
};

/// Attempts, if another server refreshes the login between two steps.
const ATTEMPTS: usize = 3;

/// A grant is not known to be revoked.
#[derive(Clone, Debug, Error)]
pub enum RevokeError {
    /// The AuthID does not open, or a token for the revocation could not be had.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// The provider has no endpoint for it. The user revokes the grant on the provider's
    /// own pages.
    #[error("{} has no call that revokes", .service.provider.name)]
    OnlyAtProvider {
        /// Service of the AuthID.
        service: Arc<Service>,
    },
}

impl RefreshEngine {
    /// Revokes the grant of an AuthID, and makes every server drop its access token.
    /// Returns `Ok` only if the provider confirmed, or said that the grant is dead already.
    ///
    /// The login is leased first, and its newest token is sent: a provider confirms the
    /// revocation of a token that it does not know (RFC 7009 section 2.2).
    ///
    /// The work goes on when the client disconnects: every server must learn of a
    /// confirmed revocation.
    pub async fn revoke(&self, presented: &PresentedAuthId) -> Result<(), RevokeError> {
        let (engine, presented) = (self.clone(), presented.clone());
        let revoking = async move { engine.revoke_in_task(&presented).await };
        let revoked = self.calls.in_own_task(revoking).await;
        revoked.unwrap_or(Err(RefreshError::Lost.into()))
    }

    async fn revoke_in_task(&self, presented: &PresentedAuthId) -> Result<(), RevokeError> {
        let service = &presented.service;
        let Some(revocation) = &service.provider.revocation else {
            let service = Arc::clone(service);
            return Err(RevokeError::OnlyAtProvider { service });
        };
        for _ in 0..ATTEMPTS {
            let live = match self.live_token(presented, revocation).await {
                // The grant is dead. A single-use token may only be used up, and the grant
                // live on with a newer one.
                Err(error) if error.is_of_a_dead_grant() && !self.is_single_use(presented) => {
                    self.forget(presented.lineage());
                    // Other servers may have an access token cached.
                    if let Some(leased) = self.lease(presented).await? {
                        self.lineages.store_revoked(leased).await;
                    }
                    return Ok(());
                }
                Err(RefreshError::Revoked) => return Ok(()),
                live => live?,
            };
            let Some(leased) = self.lease(presented).await? else {
                return Ok(());
            };
            let is_newest = |live: &Arc<CachedToken>| live.generation >= leased.grant.generation;
            if !live.as_ref().is_none_or(is_newest) {
                self.lineages.release(leased).await;
                continue;
            }
            let leased = self.send_revocation(presented, revocation, leased, live);
            if self.conclude(presented, leased.await?).await {
                return Ok(());
            }
        }
        Err(RefreshError::newest_unknown(service, StoreError::Held).into())
    }

    fn is_single_use(&self, presented: &PresentedAuthId) -> bool {
        self.rotation.of(&presented.service.provider) == RefreshTokens::SingleUse
    }

    /// Refreshes, if the provider revokes by access token, or takes each refresh token once:
    /// then the refresh proves that the newest one is at hand. Otherwise returns `None`.
    async fn live_token(
        &self,
        presented: &PresentedAuthId,
        revocation: &RevocationEndpoint,
    ) -> Result<Option<Arc<CachedToken>>, RefreshError> {
        let takes_access_token = revocation.method == RevocationMethod::AccessToken;
        if !takes_access_token && !self.is_single_use(presented) {
            return Ok(None);
        }
        // Never the cached token: it may have died with its grant.
        let live = self.call_provider(presented).await?;
        presented.check_newest(&live)?;
        Ok(Some(live))
    }

    /// Leases the newest grant of the login. Returns `None` if it was revoked before.
    async fn lease(
        &self,
        presented: &PresentedAuthId,
    ) -> Result<Option<LeasedGrant>, RefreshError> {
        let leasing = self.lineages.lease(&presented.grant, SINGLE_USE_PATIENCE);
        match leasing.await {
            Ok(leased) => Ok(Some(leased)),
            Err(NoGrant::Revoked) => Ok(None),
            Err(NoGrant::Unknown(why)) => {
                Err(RefreshError::newest_unknown(&presented.service, why))
            }
        }
    }

    /// Sends the revocation, and returns the lease once the provider has confirmed.
    async fn send_revocation(
        &self,
        presented: &PresentedAuthId,
        revocation: &RevocationEndpoint,
        leased: LeasedGrant,
        live: Option<Arc<CachedToken>>,
    ) -> Result<LeasedGrant, RefreshError> {
        let service = &presented.service;
        let tokens = GrantTokens {
            refresh_token: &leased.grant.refresh_token,
            access_token: live.as_ref().map(|live| &live.access_token),
            of_another_client: is_of_present_client(service, &leased.grant) == Some(false),
        };
        let caller = match presented.caller {
            Caller::Holder(client, login) => Caller::Revoker(client, login),
            stranger => stranger,
        };
        let permit = leased.lease.clone().map(SendPermit::new);
        let request = self.provider.revoke(
            service,
            revocation,
            presented.grant.region.as_deref(),
            tokens,
            caller,
            permit.as_ref().map(SendPermit::question),
        );
        let Err(error) = leased.hold(request).await else {
            return Ok(leased);
        };
        let grant = leased.grant.clone();
        self.lineages.release(leased).await;
        Err(match (error, permit) {
            (ProviderError::Withheld, Some(permit)) => {
                RefreshError::newest_unknown(service, permit.refusal())
            }
            (error, _) => RefreshError::of_call(service, &grant, error),
        })
    }

    /// Marks the login as revoked. Returns `false` if a newer token appeared meanwhile.
    async fn conclude(&self, presented: &PresentedAuthId, leased: LeasedGrant) -> bool {
        let (service, lineage) = (&presented.service, presented.lineage());
        // Before the first await: a refresh in progress must not hand out a token any more.
        self.forget(lineage);
        // Under a lease, no server refreshes a single-use token. Other refreshes go on.
        if leased.lease.is_none() || !self.is_single_use(presented) {
            self.calls.wait_for(lineage).await;
            if self.lineages.memory.has_newer_than(&leased.grant) {
                self.lineages.release(leased).await;
                return false;
            }
        }
        self.lineages.store_revoked(leased).await;
        tracing::info!(
            service = %service.id,
            lineage = %lineage.short_hash(),
            "revoked at the provider"
        );
        true
    }
}
