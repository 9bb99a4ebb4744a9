//! Revoking: the grant behind an AuthID, at its provider.

use std::sync::Arc;

use thiserror::Error;

use super::{Holder, RefreshEngine, RefreshError};
use crate::{
    provider::{Caller, GrantTokens, ProviderError, RefreshTokens, RevocationMethod, Service},
    seal,
    secret::Secret,
};

/// Why a grant is not known to be revoked.
#[derive(Clone, Debug, Error)]
pub enum RevokeError {
    /// The AuthID does not open, or no live token was to be had.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// The provider has no call for it: its user does it there.
    #[error("{} has no call that revokes", .service.provider.name)]
    OnlyAtProvider {
        /// What the AuthID was made for.
        service: Arc<Service>,
    },
}

impl RefreshEngine {
    /// Revokes the grant of an AuthID, and forgets its access token. `Ok` only
    /// when the provider confirmed, or said that the grant is dead already.
    pub async fn revoke(&self, holder: &Holder<'_>) -> Result<(), RevokeError> {
        let service = holder.service;
        let Some(revocation) = &service.provider.revocation else {
            let service = Arc::clone(service);
            return Err(RevokeError::OnlyAtProvider { service });
        };
        let Some(live) = self.live_tokens(holder, revocation.method).await? else {
            return Ok(());
        };
        let tokens = GrantTokens {
            refresh_token: &live.refresh_token,
            access_token: live.access_token.as_ref(),
        };
        let caller = match holder.caller {
            Caller::Holder(client) => Caller::Revoker(client),
            stranger => stranger,
        };
        let region = holder.grant.region.as_deref();
        self.shared
            .provider
            .revoke(service, revocation, region, tokens, caller)
            .await
            .map_err(|error| RefreshError::of_provider(service, error))?;
        self.forget(holder.grant.lineage).await;
        tracing::info!(
            service = %service.id,
            lineage = %holder.grant.lineage.short_hash(),
            "revoked at the provider"
        );
        Ok(())
    }

    /// What to revoke with. A used refresh token proves nothing when the provider
    /// says OK to it, so where tokens are used up, or an access token is asked
    /// for, live ones are got first. `None` if the grant is dead already.
    async fn live_tokens(
        &self,
        holder: &Holder<'_>,
        method: RevocationMethod,
    ) -> Result<Option<Live>, RevokeError> {
        let provider = &holder.service.provider;
        let is_single_use = provider.refresh_tokens == RefreshTokens::SingleUse;
        if !is_single_use {
            // A cached access token may have died with its grant.
            self.shared.cache.remove(&holder.grant.lineage);
        }
        if method != RevocationMethod::AccessToken && !is_single_use {
            let now = self.shared.clock.now();
            let newest = match provider.refresh_tokens {
                RefreshTokens::Sliding => self.shared.lineages.peek(now, &holder.grant).await,
                _ => holder.grant.clone(),
            };
            return Ok(Some(Live {
                refresh_token: newest.refresh_token,
                access_token: None,
            }));
        }
        let token = match self.token(holder).await {
            Ok(token) => token,
            // A refused single-use token may only be used up, and the grant live on
            // for whoever has the newer one.
            Err(error) if is_dead(&error) && !is_single_use => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let refresh_token = match &token.newest_authid {
            None => holder.grant.refresh_token.clone(),
            Some(newest) => {
                let (keys, now) = (self.shared.keyring.current(), self.shared.clock.now());
                let opened = seal::open(&keys, now, newest.expose());
                opened.map_err(RefreshError::from)?.grant.refresh_token
            }
        };
        Ok(Some(Live {
            refresh_token,
            access_token: Some(token.access_token.clone()),
        }))
    }
}

/// Tokens that are known to be the newest.
struct Live {
    refresh_token: Secret,
    access_token: Option<Secret>,
}

fn is_dead(error: &RefreshError) -> bool {
    let RefreshError::Provider { error, .. } = error else {
        return false;
    };
    matches!(error, ProviderError::GrantRefused(_))
}
