//! One refresh at a provider: it calls the provider and stores the result, whether its client is
//! still there or not.

use std::{
    fmt::Display,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::{
    RefreshError,
    cache::{CachedToken, TokenCache},
    lineages::{LeasedGrant, Lineages},
    newest_grant::NoGrant,
    reseal::{ReplacedToken, seal_newest},
    rotation::Rotation,
    send_permit::SendPermit,
};
use crate::{
    clock::{Clock, Stopwatch},
    keyring::Keyring,
    provider::{
        Attempt, Caller, Patience, ProviderClient, ProviderError, RefreshAnswer, RefreshTokens,
        Refusal, Service, Tokens, Try,
    },
    seal::Grant,
    store::StoreError,
    telemetry::Metrics,
};

/// Time that a refresh waits for another server's of the same login. Longer than a server
/// that died keeps its lease, and shorter than the client waits.
pub(super) const SINGLE_USE_PATIENCE: Duration = Duration::from_secs(15);
/// The same for a sliding provider, where both servers' refreshes would succeed.
const SLIDING_PATIENCE: Duration = Duration::from_secs(1);

/// One refresh at a provider: the request, and everything that follows from the answer.
pub(super) struct ProviderCall {
    pub(super) service: Arc<Service>,
    /// Lane of the call.
    pub(super) caller: Caller,
    /// The grant in the client's AuthID. A newer one may be known.
    pub(super) presented: Arc<Grant>,
    pub(super) began: Stopwatch,
    pub(super) provider: Arc<ProviderClient>,
    pub(super) lineages: Arc<Lineages>,
    pub(super) cache: Arc<TokenCache>,
    pub(super) rotation: Arc<Rotation>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
}

// Futures that use the store are boxed, and that of a failure. They are large, most calls do
// without them, and every call would reserve room for them. A future is pinned before it is passed
// on, where its room would be reserved twice.
impl ProviderCall {
    /// Refreshes. If the provider refuses a token that its table calls stable, and a newer
    /// one is known, it refreshes again with the newer one.
    pub(super) async fn run(self) -> Result<Arc<CachedToken>, RefreshError> {
        let kind = self.rotation.of(&self.service.provider);
        let result = self.refresh(kind).await;
        match result {
            Err(ref error) if kind == RefreshTokens::Stable && error.may_have_newer() => {
                // Another server may have been given a newer one.
                let newer = self.lineages.have_newer_than(&self.presented);
                match Box::pin(newer).await {
                    true => Box::pin(self.refresh(RefreshTokens::SingleUse)).await,
                    false => result,
                }
            }
            result => result,
        }
    }

    /// Leases the newest grant, sends its refresh token, stores a replaced one, and judges
    /// the answer, in this order.
    async fn refresh(&self, kind: RefreshTokens) -> Result<Arc<CachedToken>, RefreshError> {
        let leased = self.lease(kind).await?;
        // Other kinds need no permit: an older token stays good.
        let lease = leased.lease.clone();
        let lease = lease.filter(|_| kind == RefreshTokens::SingleUse);
        let permit = lease.map(SendPermit::new);
        let answer = {
            let sent = pin!(self.send(kind, &leased, permit.as_ref()));
            leased.hold(sent).await
        };
        let replaced = answer.replaced.map(|token| {
            let (keys, now) = (self.keyring.current(), self.clock.now());
            let client_id = &self.service.credentials.client_id;
            ReplacedToken::seal(&keys, now, &leased.grant, client_id, token)
        });
        match answer.tokens {
            Ok(tokens) => self.succeed(leased, replaced, tokens).await,
            Err(ProviderError::Withheld) => {
                self.lineages.release(leased).await;
                let why = permit.map_or(StoreError::Lost, |permit| permit.refusal());
                Err(RefreshError::newest_unknown(&self.service, why))
            }
            Err(error) => Err(Box::pin(self.fail(kind, leased, replaced, error)).await),
        }
    }

    /// Finds the refresh token to send. A single-use token must be the newest; where older
    /// ones stay good, the call does without a store that is away.
    async fn lease(&self, kind: RefreshTokens) -> Result<LeasedGrant, RefreshError> {
        let (lineages, presented) = (&self.lineages, &self.presented);
        if lineages.memory.is_marked_revoked(&presented.lineage) {
            return Err(RefreshError::Revoked);
        }
        let patience = match kind {
            RefreshTokens::Stable | RefreshTokens::None => {
                return Ok(LeasedGrant::without_lease(presented.clone(), true));
            }
            RefreshTokens::Sliding => SLIDING_PATIENCE,
            RefreshTokens::SingleUse => SINGLE_USE_PATIENCE,
        };
        match Box::pin(lineages.lease(presented, patience)).await {
            Ok(leased) => Ok(leased),
            Err(NoGrant::Revoked) => Err(RefreshError::Revoked),
            Err(NoGrant::Unknown(_)) if kind == RefreshTokens::Sliding => {
                Ok(lineages.newest_in_memory(presented.clone()))
            }
            Err(NoGrant::Unknown(why)) => {
                self.log_failure(&why);
                Err(RefreshError::newest_unknown(&self.service, why))
            }
        }
    }

    /// Sends the refresh token. After a failure it sends it again where that loses nothing,
    /// as long as a client waits. What a stranger made up is sent once.
    async fn send(
        &self,
        kind: RefreshTokens,
        leased: &LeasedGrant,
        permit: Option<&SendPermit>,
    ) -> RefreshAnswer {
        let token_stays = kind != RefreshTokens::SingleUse;
        let patience = match token_stays {
            true => Patience::ForTheClient,
            false => Patience::ForTheToken,
        };
        let began = Stopwatch::start();
        let mut attempt = Attempt {
            caller: self.caller,
            patience,
            number: Try::First,
        };
        let mut answer = self.send_once(attempt, leased, permit).await;
        if answer.tokens.is_ok() || matches!(self.caller, Caller::Stranger(_)) {
            return answer;
        }
        for pause in self.provider.pauses() {
            // The provider may have begun to replace tokens meanwhile.
            let still_stays =
                token_stays && self.rotation.of(&self.service.provider) != RefreshTokens::SingleUse;
            let pause = answer.pause_before_retry(still_stays, pause);
            let fits = |pause: &Duration| began.elapsed() + *pause < self.provider.deadline();
            let Some(pause) = pause.filter(fits) else {
                break;
            };
            tokio::time::sleep(pause).await;
            attempt.number = Try::Again {
                after: began.elapsed(),
            };
            let next = self.send_once(attempt, leased, permit).await;
            // There was no place for another try.
            if let Err(ProviderError::Crowded) = next.tokens {
                break;
            }
            answer = next;
        }
        answer
    }

    /// Sends the refresh token, once, and waits for the answer.
    async fn send_once(
        &self,
        attempt: Attempt,
        leased: &LeasedGrant,
        permit: Option<&SendPermit>,
    ) -> RefreshAnswer {
        let stopwatch = Stopwatch::start();
        // Boxed: each future that it is passed to would reserve room for it twice.
        let request = Box::pin(self.provider.refresh(
            &self.service,
            leased.grant.region.as_deref(),
            &leased.grant.refresh_token,
            attempt,
            permit.map(SendPermit::question),
        ));
        let answer = request.await;
        let provider = &self.service.provider.id;
        self.metrics.provider_called(provider, stopwatch.elapsed());
        answer
    }

    /// Stores a replaced refresh token and caches the access token.
    async fn succeed(
        &self,
        leased: LeasedGrant,
        replaced: Option<ReplacedToken>,
        tokens: Tokens,
    ) -> Result<Arc<CachedToken>, RefreshError> {
        let memory = &self.lineages.memory;
        self.log_missing_scopes(&tokens);
        let token = Arc::new(self.cached_token(&leased, replaced.as_ref(), tokens));
        memory.note_answered(&leased.grant);
        self.store(leased, replaced).await;
        let lineage = self.presented.lineage;
        // A token of a refresh that began before a revocation is not handed out. A revocation
        // is noted before it empties the cache, so the second check sees one that comes now.
        let is_revoked = || memory.is_revoked_for(&lineage, self.began);
        if is_revoked() {
            return Err(RefreshError::Revoked);
        }
        self.cache
            .insert(lineage, self.clock.moment(), token.clone());
        if is_revoked() {
            self.cache.remove(&lineage);
            return Err(RefreshError::Revoked);
        }
        // The requests that wait for it have lines of their own.
        tracing::debug!(
            service = %self.service.id,
            lineage = %lineage.short_hash(),
            generation = token.generation,
            "refreshed"
        );
        Ok(token)
    }

    /// Makes the cache entry. The client has the presented generation; the provider has
    /// just accepted the leased one, which may be newer.
    fn cached_token(
        &self,
        leased: &LeasedGrant,
        replaced: Option<&ReplacedToken>,
        tokens: Tokens,
    ) -> CachedToken {
        let (now, moment) = (self.clock.now(), self.clock.moment());
        let keys = self.keyring.current();
        let grant = &leased.grant;
        let (generation, newest_authid) = match replaced {
            Some(replaced) => (replaced.generation, replaced.authid.clone()),
            None if grant.generation > self.presented.generation => {
                (grant.generation, seal_newest(&keys, now, grant))
            }
            None => (grant.generation, None),
        };
        CachedToken {
            access_token: tokens.access_token,
            expires_at: moment.plus(tokens.expires_in),
            fresh_until: CachedToken::fresh_until(moment, tokens.expires_in),
            log_name: OnceLock::new(),
            generation,
            is_newest: leased.is_newest || replaced.is_some(),
            is_revoked: grant.is_revoked(&keys),
            newest_authid,
            keys_version: keys.version(),
        }
    }

    /// Stores a replaced refresh token, and ends the lease.
    async fn store(&self, leased: LeasedGrant, replaced: Option<ReplacedToken>) {
        let provider = &self.service.provider;
        let is_unexpected = replaced.is_some() && self.rotation.note(provider);
        match replaced {
            Some(ReplacedToken {
                authid: Some(authid),
                generation,
            }) => Box::pin(self.lineages.store_newest(leased, &authid, generation)).await,
            _ => self.lineages.release(leased).await,
        }
        if is_unexpected {
            Box::pin(self.lineages.tell_rotating(&provider.id)).await;
        }
    }

    /// Stores a replaced refresh token, which may come with an error, and finds the error
    /// for the client.
    async fn fail(
        &self,
        kind: RefreshTokens,
        leased: LeasedGrant,
        replaced: Option<ReplacedToken>,
        error: ProviderError,
    ) -> RefreshError {
        if replaced.is_some() {
            tracing::warn!(
                service = %self.service.id,
                lineage = %self.presented.lineage.short_hash(),
                "the answer was of no use, but for a new refresh token, which is kept"
            );
        }
        let is_single_use = kind == RefreshTokens::SingleUse;
        if is_single_use && replaced.is_none() && error.leaves_open_what_was_done() {
            self.lineages.memory.note_unanswered(&leased.grant);
        }
        self.log_failure(&error);
        let error = match RefreshError::of_call(&self.service, &leased.grant, error) {
            RefreshError::Provider {
                error: ProviderError::GrantRefused(refusal),
                ..
            } if is_single_use => self.refused(&leased, refusal),
            error => error,
        };
        if let RefreshError::Client(fault) = &error {
            self.log_failure(fault);
        }
        self.store(leased, replaced).await;
        error
    }

    /// Finds the reason why a single-use token was refused.
    fn refused(&self, leased: &LeasedGrant, refusal: Refusal) -> RefreshError {
        let provider = self.service.provider.name.clone();
        if self.lineages.memory.was_unanswered(&leased.grant) {
            return RefreshError::AnswerLost { provider, refusal };
        }
        match self.lineages.may_have_forgotten(leased, &self.presented) {
            true => RefreshError::Forgotten { provider, refusal },
            false => RefreshError::of_provider(&self.service, ProviderError::GrantRefused(refusal)),
        }
    }

    /// Logs scopes that the token lacks. It is handed out all the same: an older login may have
    /// asked for fewer, and the program may not need them.
    fn log_missing_scopes(&self, tokens: &Tokens) {
        let missing = self.service.missing_scopes(tokens);
        if !missing.is_empty() {
            tracing::warn!(
                service = %self.service.id,
                lineage = %self.presented.lineage.short_hash(),
                "the access token lacks {}: the storage may refuse it until its user logs in again",
                missing.join(" ")
            );
        }
    }

    fn log_failure(&self, error: &impl Display) {
        tracing::warn!(
            service = %self.service.id,
            lineage = %self.presented.lineage.short_hash(),
            "not refreshed: {error}"
        );
    }
}
