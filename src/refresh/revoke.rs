//! Revoking: the grant behind an AuthID, at its provider.

use std::sync::Arc;

use thiserror::Error;

use super::{RefreshEngine, RefreshError};
use crate::{
    provider::{GrantTokens, ProviderError, RefreshTokens, RevocationMethod, Service},
    seal::{self, Grant},
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
    pub async fn revoke(&self, authid: &str) -> Result<Arc<Service>, RevokeError> {
        let keys = self.shared.keyring.current();
        let (service, grant) = self.open(&keys, authid)?;
        let Some(revocation) = &service.provider.revocation else {
            return Err(RevokeError::OnlyAtProvider { service });
        };

        // A used refresh token proves nothing when the provider says OK to it, so
        // where tokens are used up, or an access token is asked for, get the live
        // ones first.
        let is_single_use = service.provider.refresh_tokens == RefreshTokens::SingleUse;
        let needs_live_tokens = revocation.method == RevocationMethod::AccessToken || is_single_use;
        if !is_single_use {
            // A cached access token may have died with its grant.
            self.shared.cache.remove(&grant.lineage);
        }
        let (mut grant, mut access_token): (Grant, Option<Secret>) = (grant, None);
        if needs_live_tokens {
            match self.token(&keys, &service, &grant).await {
                Ok(token) => {
                    access_token = Some(token.access_token.clone());
                    if let Some(newest) = &token.newest_authid {
                        let now = self.shared.clock.now();
                        let opened = seal::open(&keys, now, newest.expose());
                        grant = opened.map_err(RefreshError::from)?.grant;
                    }
                }
                // A refused single-use token may only be used up, and the grant live
                // on for whoever has the newer one.
                Err(error) if is_dead(&error) && !is_single_use => return Ok(service),
                Err(error) => return Err(error.into()),
            }
        }

        let tokens = GrantTokens {
            refresh_token: &grant.refresh_token,
            access_token: access_token.as_ref(),
        };
        let region = grant.region.as_deref();
        self.shared
            .provider
            .revoke(&service, revocation, region, tokens)
            .await
            .map_err(|error| RefreshError::of_provider(&service, error))?;
        self.forget(grant.lineage).await;
        tracing::info!(
            service = %service.id,
            lineage = %grant.lineage.short_hash(),
            "revoked at the provider"
        );
        Ok(service)
    }
}

fn is_dead(error: &RefreshError) -> bool {
    let RefreshError::Provider { error, .. } = error else {
        return false;
    };
    matches!(error, ProviderError::GrantRefused(_))
}
