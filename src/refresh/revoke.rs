//! Revoking: the grant behind an AuthID, at its provider.

use std::sync::Arc;

use thiserror::Error;

use super::{
    Holder, NewestUnknown, RefreshEngine, RefreshError,
    cache::CachedToken,
    engine::check_newest,
    lineages::{Claim, NotClaimed},
    provider_call::{SINGLE_USE_PATIENCE, permit},
};
use crate::{
    provider::{
        Caller, GrantTokens, ProviderError, RefreshTokens, Revocation, RevocationMethod, Service,
    },
    store::StoreError,
};

/// Attempts, if another server refreshes the login between two steps.
const ATTEMPTS: usize = 3;

/// Why a grant is not known to be revoked.
#[derive(Clone, Debug, Error)]
pub enum RevokeError {
    /// The AuthID does not open, or no live token was to be had.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// The provider has no call for it: its user does it there.
    #[error("{} has no call that revokes", .service.provider.name)]
    OnlyAtProvider {
        /// Service of the AuthID.
        service: Arc<Service>,
    },
}

impl RefreshEngine {
    /// Revokes the grant of an AuthID, and makes every server forget its access token.
    /// `Ok` only when the provider confirmed, or said that the grant is dead already.
    ///
    /// The login is claimed before anything is sent, and what is sent is its newest
    /// token: to one that it does not know a provider says OK, too (RFC 7009 section 2.2).
    ///
    /// It goes on when the client hangs up: what the provider has confirmed must reach
    /// every server.
    pub async fn revoke(&self, holder: &Holder<'_>) -> Result<(), RevokeError> {
        let (engine, service) = (self.clone(), Arc::clone(holder.service));
        let holder = holder.detached();
        let revoking = async move { engine.revoke_in_task(&holder(&service)).await };
        let revoked = self.flights.in_own_task(revoking).await;
        revoked.unwrap_or(Err(RefreshError::Lost.into()))
    }

    async fn revoke_in_task(&self, holder: &Holder<'_>) -> Result<(), RevokeError> {
        let service = holder.service;
        let Some(revocation) = &service.provider.revocation else {
            let service = Arc::clone(service);
            return Err(RevokeError::OnlyAtProvider { service });
        };
        for _ in 0..ATTEMPTS {
            let live = match self.live_token(holder, revocation).await {
                // A single-use token may only be used up, and the grant live on for whoever
                // has the newer one.
                Err(error) if error.is_of_a_dead_grant() && !self.is_single_use(holder) => {
                    self.forget(holder.lineage());
                    // Other servers may have an access token cached.
                    if let Some(claim) = self.claim(holder).await? {
                        self.parts
                            .lineages
                            .bury(self.parts.clock.now(), claim)
                            .await;
                    }
                    return Ok(());
                }
                Err(RefreshError::Revoked) => return Ok(()),
                live => live?,
            };
            let Some(claim) = self.claim(holder).await? else {
                return Ok(());
            };
            let is_newest = |live: &Arc<CachedToken>| live.generation >= claim.grant.generation;
            if !live.as_ref().is_none_or(is_newest) {
                self.parts.lineages.release(claim).await;
                continue;
            }
            if self.send(holder, revocation, claim, live).await? {
                return Ok(());
            }
        }
        Err(newest_unknown(holder, StoreError::Held).into())
    }

    fn is_single_use(&self, holder: &Holder<'_>) -> bool {
        self.seen.rotation.of(&holder.service.provider) == RefreshTokens::SingleUse
    }

    /// A refresh that has just succeeded, where that proves that the newest of single-use
    /// tokens is at hand, or where the provider wants an access token. `None` elsewhere.
    async fn live_token(
        &self,
        holder: &Holder<'_>,
        revocation: &Revocation,
    ) -> Result<Option<Arc<CachedToken>>, RefreshError> {
        let takes_access_token = revocation.method == RevocationMethod::AccessToken;
        if !takes_access_token && !self.is_single_use(holder) {
            return Ok(None);
        }
        // Never the cached one: it may have died with its grant.
        let live = self.fly(holder).await?;
        check_newest(holder, &live)?;
        Ok(Some(live))
    }

    /// The login, from the store first; `None` if it was revoked before.
    async fn claim(&self, holder: &Holder<'_>) -> Result<Option<Claim>, RefreshError> {
        let now = self.parts.clock.now();
        let lineages = &self.parts.lineages;
        let claim = lineages.claim(now, &holder.grant, SINGLE_USE_PATIENCE);
        match claim.await {
            Ok(claim) => Ok(Some(claim)),
            Err(NotClaimed::Revoked) => Ok(None),
            Err(NotClaimed::Unknown(why)) => Err(RefreshError::NewestUnknown {
                provider: holder.service.provider.name.clone(),
                why,
            }),
        }
    }

    /// Sends the revocation. Returns `false` if a newer token appeared meanwhile.
    async fn send(
        &self,
        holder: &Holder<'_>,
        revocation: &Revocation,
        claim: Claim,
        live: Option<Arc<CachedToken>>,
    ) -> Result<bool, RefreshError> {
        let service = holder.service;
        let tokens = GrantTokens {
            refresh_token: &claim.grant.refresh_token,
            access_token: live.as_ref().map(|live| &live.access_token),
        };
        let region = holder.grant.region.as_deref();
        let withheld = Arc::default();
        let lease = claim.lease.clone();
        let permit = lease.map(|lease| permit(lease, Arc::clone(&withheld)));
        let provider = &self.parts.provider;
        let caller = match holder.caller {
            Caller::Holder(client, _) => Caller::Revoker(client),
            stranger => stranger,
        };
        let revoking = provider.revoke(service, revocation, region, tokens, caller, permit);
        if let Err(error) = claim.hold(revoking).await {
            self.parts.lineages.release(claim).await;
            return Err(match error {
                ProviderError::Withheld => {
                    let why = withheld.get().cloned().unwrap_or(StoreError::Lost);
                    newest_unknown(holder, why)
                }
                error => RefreshError::of_provider(service, error),
            });
        }
        let lineages = &self.parts.lineages;
        // Before anything is waited for: a refresh under way hands nothing out any more.
        self.forget(holder.lineage());
        // A lease keeps out every server's refreshes of a single-use token, this one's too;
        // others go on without it.
        if claim.lease.is_none() || !self.is_single_use(holder) {
            self.landed_of(holder.lineage()).await;
            if lineages.remember_a_newer(&claim.grant) {
                lineages.release(claim).await;
                return Ok(false);
            }
        }
        lineages.bury(self.parts.clock.now(), claim).await;
        tracing::info!(
            service = %service.id,
            lineage = %holder.lineage().short_hash(),
            "revoked at the provider"
        );
        Ok(true)
    }
}

fn newest_unknown(holder: &Holder<'_>, error: StoreError) -> RefreshError {
    RefreshError::NewestUnknown {
        provider: holder.service.provider.name.clone(),
        why: NewestUnknown::Store(error),
    }
}
