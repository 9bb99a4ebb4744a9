//! The part of a refresh that runs in its own task: asking the provider, and
//! keeping what it answers.

use std::sync::Arc;

use super::{RefreshError, cache::CachedToken, engine::Shared};
use crate::{
    clock::{Stopwatch, UnixTime},
    keyring::KeySet,
    provider::{ProviderError, RefreshTokens, Service, Tokens},
    seal::{self, Grant, Lineage},
    secret::Secret,
};

impl Shared {
    /// One provider call, and everything that follows from its answer.
    pub(super) async fn ask(
        &self,
        service: &Service,
        grant: Grant,
    ) -> Result<Arc<CachedToken>, RefreshError> {
        let (lineage, presented) = (grant.lineage, grant.generation);
        let replaces = matches!(
            service.provider.refresh_tokens,
            RefreshTokens::SingleUse | RefreshTokens::Sliding
        );
        let grant = match replaces {
            true => self.lineages.newest(self.clock.now(), grant),
            false => grant,
        };
        let call = self
            .provider
            .refresh(service, grant.region.as_deref(), &grant.refresh_token);
        let stopwatch = Stopwatch::start();
        let answer = call.await;
        self.metrics
            .provider_called(&service.provider.id, stopwatch.elapsed());
        match answer {
            Ok(tokens) => {
                let now = self.clock.now();
                let token = Arc::new(self.cached(presented, grant, tokens));
                if let Some(authid) = token.newest_authid.as_ref().filter(|_| replaces) {
                    self.lineages.remember(now, &lineage, authid);
                }
                self.cache.insert(lineage, now, token.clone());
                log_refreshed(service, &lineage, &token);
                Ok(token)
            }
            Err(error) => {
                log_failed(service, &lineage, &error);
                Err(RefreshError::of_provider(service, error))
            }
        }
    }

    /// `presented` is the generation that the client has; `grant` may be a newer
    /// one, and is what the provider has just accepted.
    fn cached(&self, presented: u32, grant: Grant, tokens: Tokens) -> CachedToken {
        let now = self.clock.now();
        let keys = self.keyring.current();
        let replaced = tokens
            .refresh_token
            .filter(|token| *token != grant.refresh_token);
        let (generation, newest_authid) = match replaced {
            None if grant.generation > presented => {
                (grant.generation, seal_newest(&keys, now, &grant))
            }
            None => (grant.generation, None),
            Some(refresh_token) => {
                let newest = Grant {
                    refresh_token,
                    issued_at: now,
                    generation: grant.generation.saturating_add(1),
                    ..grant
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

fn log_failed(service: &Service, lineage: &Lineage, error: &ProviderError) {
    tracing::warn!(
        service = %service.id,
        lineage = %lineage.short_hash(),
        "not refreshed: {error}"
    );
}
