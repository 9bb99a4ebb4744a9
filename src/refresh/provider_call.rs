//! The part of a refresh that runs in its own task: asking the provider, and
//! keeping what it answers.

use std::{fmt::Display, sync::Arc, time::Duration};

use super::{RefreshError, cache::CachedToken, engine::EngineParts, lineages::Claim};
use crate::{
    clock::{Stopwatch, UnixTime},
    keyring::KeySet,
    provider::{ProviderError, RefreshTokens, Service, Tokens},
    seal::{self, Grant, Lineage},
    secret::Secret,
};

/// How long a refresh waits for another server's of the same login. Longer than a
/// server that died keeps others out, and shorter than the client waits.
const SINGLE_USE_PATIENCE: Duration = Duration::from_secs(15);
/// The same where both servers' refreshes would succeed.
const SLIDING_PATIENCE: Duration = Duration::from_secs(1);

// What has to do with the store is boxed: it is large, most calls do without it, and
// each of them is a task that would have room for it.
impl EngineParts {
    /// One provider call, and everything that follows from its answer.
    pub(super) async fn ask(
        &self,
        service: &Service,
        grant: Grant,
    ) -> Result<Arc<CachedToken>, RefreshError> {
        let (lineage, presented) = (grant.lineage, grant.generation);
        let kind = service.provider.refresh_tokens;
        let claim = self.claim(service, grant).await?;
        // What the store has may have been sealed under keys that a rule names.
        if claim.grant.is_revoked(&self.keyring.current()) {
            claim.release().await;
            return Err(RefreshError::Revoked);
        }
        let region = claim.grant.region.as_deref();
        let refresh_token = &claim.grant.refresh_token;
        // Boxed here: what it is handed on to would each have room for it twice.
        let call = Box::pin(self.provider.refresh(service, region, refresh_token));
        let stopwatch = Stopwatch::start();
        let answer = claim.hold(call).await;
        self.metrics
            .provider_called(&service.provider.id, stopwatch.elapsed());
        match answer {
            Ok(tokens) => {
                let now = self.clock.now();
                let token = Arc::new(self.cached(presented, &claim.grant, tokens));
                match token.newest_authid.as_ref().filter(|_| kind.are_replaced()) {
                    Some(authid) => {
                        let keeping = self.lineages.keep(now, claim, authid, token.generation);
                        Box::pin(keeping).await;
                    }
                    None => claim.release().await,
                }
                self.cache.insert(lineage, now, token.clone());
                log_refreshed(service, &lineage, &token);
                Ok(token)
            }
            Err(error) => {
                log_failed(service, &lineage, &error);
                let is_forgotten = kind == RefreshTokens::SingleUse
                    && !claim.is_known
                    && !self.lineages.outlive_the_process();
                claim.release().await;
                Err(match error {
                    ProviderError::GrantRefused(refusal) if is_forgotten => {
                        RefreshError::Forgotten {
                            provider: service.provider.name.clone(),
                            refusal,
                        }
                    }
                    error => RefreshError::of_provider(service, error),
                })
            }
        }
    }

    /// The refresh token to ask with. A single-use one must be known to be the
    /// newest; where older ones are as good, the store can be done without.
    async fn claim(&self, service: &Service, grant: Grant) -> Result<Claim, RefreshError> {
        let now = self.clock.now();
        match service.provider.refresh_tokens {
            RefreshTokens::Stable | RefreshTokens::None => Ok(Claim::free(grant)),
            RefreshTokens::Sliding => {
                let claim = self.lineages.claim(now, &grant, SLIDING_PATIENCE);
                let claim = Box::pin(claim).await;
                Ok(claim.unwrap_or_else(|_| self.lineages.claim_in_memory(now, grant)))
            }
            RefreshTokens::SingleUse => {
                let claim = self.lineages.claim(now, &grant, SINGLE_USE_PATIENCE);
                let claim = Box::pin(claim).await;
                claim.map_err(|why| {
                    log_failed(service, &grant.lineage, &why);
                    RefreshError::NewestUnknown {
                        provider: service.provider.name.clone(),
                        why,
                    }
                })
            }
        }
    }

    /// `presented` is the generation that the client has; `grant` may be a newer
    /// one, and is what the provider has just accepted.
    fn cached(&self, presented: u32, grant: &Grant, tokens: Tokens) -> CachedToken {
        let now = self.clock.now();
        let keys = self.keyring.current();
        let replaced = tokens
            .refresh_token
            .filter(|token| *token != grant.refresh_token);
        let (generation, newest_authid) = match replaced {
            None if grant.generation > presented => {
                (grant.generation, seal_newest(&keys, now, grant))
            }
            None => (grant.generation, None),
            Some(refresh_token) => {
                let newest = Grant {
                    refresh_token,
                    issued_at: now,
                    generation: grant.generation.saturating_add(1),
                    ..grant.clone()
                };
                (newest.generation, seal_newest(&keys, now, &newest))
            }
        };
        CachedToken {
            access_token: tokens.access_token,
            issued_at: now,
            expires_at: now.plus(tokens.expires_in),
            fresh_until: CachedToken::fresh_until(now, tokens.expires_in),
            generation,
            newest_authid,
            keys_version: keys.version(),
        }
    }
}

/// Without a sealing key the access token is still good: the client gets it, and
/// the log says what is lost.
pub(super) fn seal_newest(keys: &KeySet, now: UnixTime, newest: &Grant) -> Option<Secret> {
    seal::seal(keys, now, newest)
        .inspect_err(|error| {
            tracing::error!(
                service = %newest.service,
                lineage = %newest.lineage.short_hash(),
                "a replaced refresh token could not be sealed: {error}"
            );
        })
        .ok()
}

fn log_refreshed(service: &Service, lineage: &Lineage, token: &CachedToken) {
    tracing::info!(
        service = %service.id,
        lineage = %lineage.short_hash(),
        generation = token.generation,
        "refreshed"
    );
}

fn log_failed(service: &Service, lineage: &Lineage, error: &impl Display) {
    tracing::warn!(
        service = %service.id,
        lineage = %lineage.short_hash(),
        "not refreshed: {error}"
    );
}
