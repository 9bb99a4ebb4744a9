//! The part of a refresh that runs in its own task: asking the provider, and
//! keeping what it answers.

use std::{
    fmt::Display,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::{
    NewestUnknown, RefreshError,
    cache::CachedToken,
    engine::{EngineParts, Seen},
    lineages::{Claim, NotClaimed},
    reseal::seal_newest,
};
use crate::{
    clock::Stopwatch,
    provider::{
        Attempt, Caller, Patience, ProviderError, RefreshAnswer, RefreshTokens, Refusal, Service,
        Tokens, Try,
    },
    seal::Grant,
    secret::Secret,
    store::{Lease, StoreError},
};

/// Time that a refresh waits for another server's of the same login. Longer than a
/// server that died keeps others out, and shorter than the client waits.
pub(super) const SINGLE_USE_PATIENCE: Duration = Duration::from_secs(15);
/// The same where both servers' refreshes would succeed.
const SLIDING_PATIENCE: Duration = Duration::from_secs(1);

/// One refresh at a provider, and everything that follows from its answer.
pub(super) struct ProviderCall {
    parts: Arc<EngineParts>,
    seen: Arc<Seen>,
    service: Arc<Service>,
    caller: Caller,
    /// The grant in the client's AuthID; a newer one may be known.
    presented: Grant,
    begun: Stopwatch,
}

// What has to do with the store is boxed: it is large, most calls do without it, and
// each of them is a task that would have room for it.
impl ProviderCall {
    /// A refresh of the grant that the client presented.
    pub(super) fn new(
        parts: Arc<EngineParts>,
        seen: Arc<Seen>,
        service: Arc<Service>,
        caller: Caller,
        presented: Grant,
    ) -> Self {
        Self {
            parts,
            seen,
            service,
            caller,
            presented,
            begun: Stopwatch::start(),
        }
    }

    /// Asks the provider once, or twice if its table is wrong about its tokens.
    pub(super) async fn run(self) -> Result<Arc<CachedToken>, RefreshError> {
        let kind = self.seen.rotation.of(&self.service.provider);
        let result = self.ask(kind).await;
        match result {
            // Perhaps another server was given a newer one.
            Err(ref error) if kind == RefreshTokens::Stable && error.is_of_a_dead_grant() => {
                let now = self.parts.clock.now();
                let knowing = self.parts.lineages.know_a_newer(now, &self.presented);
                match Box::pin(knowing).await {
                    true => Box::pin(self.ask(RefreshTokens::SingleUse)).await,
                    false => result,
                }
            }
            result => result,
        }
    }

    async fn ask(&self, kind: RefreshTokens) -> Result<Arc<CachedToken>, RefreshError> {
        let claim = self.claim(kind).await?;
        let withheld = Arc::default();
        let answer = claim.hold(self.send(kind, &claim, &withheld)).await;
        // Before the answer is judged: a new refresh token can't be had again.
        let replaced = answer
            .replaced
            .map(|token| self.replaced(&claim.grant, token));
        match answer.tokens {
            Ok(tokens) => self.land(claim, replaced, tokens).await,
            // The permit noted why it was refused.
            Err(ProviderError::Withheld) => {
                self.parts.lineages.release(claim).await;
                let why = withheld.get().cloned().unwrap_or(StoreError::Lost);
                Err(self.newest_unknown(why.into()))
            }
            Err(error) => Err(self.fail(kind, claim, replaced, error).await),
        }
    }

    /// Calls the provider, and again after a failure where that loses nothing, as long as
    /// the client waits.
    async fn send(
        &self,
        kind: RefreshTokens,
        claim: &Claim,
        withheld: &Arc<OnceLock<StoreError>>,
    ) -> RefreshAnswer {
        let token_stays = kind != RefreshTokens::SingleUse;
        let mut attempt = Attempt {
            caller: self.caller,
            patience: match token_stays {
                true => Patience::ForTheClient,
                false => Patience::ForTheToken,
            },
            number: Try::First,
            after: Duration::ZERO,
        };
        let begun = Stopwatch::start();
        let mut answer = self.send_once(attempt, claim, withheld).await;
        for pause in self.parts.provider.pauses() {
            let Some(pause) = pause_after(&answer, token_stays, pause) else {
                break;
            };
            if begun.elapsed() + pause >= self.parts.provider.deadline() {
                break;
            }
            tokio::time::sleep(pause).await;
            attempt = Attempt {
                number: Try::Again,
                after: begun.elapsed(),
                ..attempt
            };
            let next = self.send_once(attempt, claim, withheld).await;
            // There was no place for another try.
            if let Err(ProviderError::Crowded) = next.tokens {
                break;
            }
            answer = next;
        }
        answer
    }

    async fn send_once(
        &self,
        attempt: Attempt,
        claim: &Claim,
        withheld: &Arc<OnceLock<StoreError>>,
    ) -> RefreshAnswer {
        // Without a lease no other server is concerned.
        let lease = claim.lease.clone();
        let lease = lease.filter(|_| attempt.patience == Patience::ForTheToken);
        let permit = lease.map(|lease| permit(lease, withheld.clone()));
        let stopwatch = Stopwatch::start();
        // Boxed here: what it is handed on to would each have room for it twice.
        let call = Box::pin(self.parts.provider.refresh(
            &self.service,
            claim.grant.region.as_deref(),
            &claim.grant.refresh_token,
            attempt,
            permit,
        ));
        let answer = call.await;
        let metrics = &self.parts.metrics;
        metrics.provider_called(&self.service.provider.id, stopwatch.elapsed());
        answer
    }

    /// The refresh token to ask with. A single-use one must be known to be the
    /// newest; where older ones are as good, the store can be done without.
    async fn claim(&self, kind: RefreshTokens) -> Result<Claim, RefreshError> {
        let (lineages, now) = (&self.parts.lineages, self.parts.clock.now());
        if lineages.is_marked_revoked(&self.presented.lineage) {
            return Err(RefreshError::Revoked);
        }
        let patience = match kind {
            RefreshTokens::Stable | RefreshTokens::None => {
                return Ok(Claim::free(self.presented.clone(), true));
            }
            RefreshTokens::Sliding => SLIDING_PATIENCE,
            RefreshTokens::SingleUse => SINGLE_USE_PATIENCE,
        };
        let claim = lineages.claim(now, &self.presented, patience);
        match Box::pin(claim).await {
            Ok(claim) => Ok(claim),
            Err(NotClaimed::Revoked) => Err(RefreshError::Revoked),
            Err(NotClaimed::Unknown(_)) if kind == RefreshTokens::Sliding => {
                Ok(lineages.claim_in_memory(now, self.presented.clone()))
            }
            Err(NotClaimed::Unknown(why)) => {
                self.log_failed(&why);
                Err(self.newest_unknown(why))
            }
        }
    }

    fn replaced(&self, grant: &Grant, refresh_token: Secret) -> Replaced {
        let (keys, now) = (self.parts.keyring.current(), self.parts.clock.now());
        let newest = Grant {
            refresh_token,
            issued_at: now,
            generation: grant.generation.saturating_add(1),
            ..grant.clone()
        };
        Replaced {
            authid: seal_newest(&keys, now, &newest),
            generation: newest.generation,
        }
    }

    /// Stores a replaced refresh token and caches the access token.
    async fn land(
        &self,
        claim: Claim,
        replaced: Option<Replaced>,
        tokens: Tokens,
    ) -> Result<Arc<CachedToken>, RefreshError> {
        let parts = &self.parts;
        let token = Arc::new(self.cached(&claim, replaced.as_ref(), tokens));
        parts.lineages.note_answered(&claim.grant);
        self.keep(claim, replaced).await;
        let lineage = self.presented.lineage;
        // The refresh began before a revocation: its token is not handed out. A revocation is
        // noted before the cache is emptied, so the second look sees one that comes just now.
        let is_revoked = || {
            let revocations = &self.seen.revocations;
            revocations.happened_since(&lineage, self.begun)
                || parts.lineages.is_marked_revoked(&lineage)
        };
        if is_revoked() {
            return Err(RefreshError::Revoked);
        }
        let moment = parts.clock.moment();
        parts.cache.insert(lineage, moment, Arc::clone(&token));
        if is_revoked() {
            parts.cache.remove(&lineage);
            return Err(RefreshError::Revoked);
        }
        tracing::info!(
            service = %self.service.id,
            lineage = %lineage.short_hash(),
            generation = token.generation,
            "refreshed"
        );
        Ok(token)
    }

    /// Stores a replaced refresh token, and lets others go on.
    async fn keep(&self, claim: Claim, replaced: Option<Replaced>) {
        let lineages = &self.parts.lineages;
        let provider = &self.service.provider;
        let is_unexpected = replaced.is_some() && self.seen.rotation.note(provider);
        match replaced {
            Some(Replaced {
                authid: Some(authid),
                generation,
            }) => {
                let now = self.parts.clock.now();
                Box::pin(lineages.keep(now, claim, &authid, generation)).await;
            }
            _ => lineages.release(claim).await,
        }
        if is_unexpected {
            Box::pin(lineages.tell_rotating(&provider.id)).await;
        }
    }

    async fn fail(
        &self,
        kind: RefreshTokens,
        claim: Claim,
        replaced: Option<Replaced>,
        error: ProviderError,
    ) -> RefreshError {
        self.log_failed(&error);
        if replaced.is_some() {
            tracing::warn!(
                service = %self.service.id,
                lineage = %self.presented.lineage.short_hash(),
                "the answer was of no use, but for a new refresh token, which is kept"
            );
        }
        let is_used_up = kind == RefreshTokens::SingleUse;
        if is_used_up && replaced.is_none() && error.leaves_open_what_was_done() {
            self.parts.lineages.note_unanswered(&claim.grant);
        }
        let error = match error {
            ProviderError::GrantRefused(refusal) if is_used_up => self.refused(&claim, refusal),
            error => RefreshError::of_provider(&self.service, error),
        };
        self.keep(claim, replaced).await;
        error
    }

    /// Finds the reason why a single-use token was refused.
    fn refused(&self, claim: &Claim, refusal: Refusal) -> RefreshError {
        let lineages = &self.parts.lineages;
        let provider = self.service.provider.name.clone();
        if lineages.was_unanswered(&claim.grant) {
            return RefreshError::AnswerLost { provider, refusal };
        }
        // If this process had used the login since it started, it would remember.
        let is_from_before = !claim.is_known
            && !lineages.outlive_the_process()
            && lineages.remember_everything()
            && self.presented.issued_at < self.seen.started_at;
        match is_from_before {
            true => RefreshError::Forgotten { provider, refusal },
            false => RefreshError::of_provider(&self.service, ProviderError::GrantRefused(refusal)),
        }
    }

    /// The client has the presented generation; the provider has just accepted the
    /// claimed one, which may be newer.
    fn cached(&self, claim: &Claim, replaced: Option<&Replaced>, tokens: Tokens) -> CachedToken {
        let (now, moment) = (self.parts.clock.now(), self.parts.clock.moment());
        let keys = self.parts.keyring.current();
        let grant = &claim.grant;
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
            generation,
            is_newest: claim.is_newest || replaced.is_some(),
            is_revoked: grant.is_revoked(&keys),
            newest_authid,
            keys_version: keys.version(),
        }
    }

    fn newest_unknown(&self, why: NewestUnknown) -> RefreshError {
        RefreshError::NewestUnknown {
            provider: self.service.provider.name.clone(),
            why,
        }
    }

    fn log_failed(&self, error: &impl Display) {
        tracing::warn!(
            service = %self.service.id,
            lineage = %self.presented.lineage.short_hash(),
            "not refreshed: {error}"
        );
    }
}

/// Returns the pause before the call may be made again. `None` after a success, and where a
/// new refresh token came with a failure: the one sent is used up then.
fn pause_after(answer: &RefreshAnswer, token_stays: bool, pause: Duration) -> Option<Duration> {
    let error = answer.tokens.as_ref().err()?;
    match answer.replaced {
        Some(_) => None,
        None => error.pause_before_retry(token_stays, pause),
    }
}

/// A refresh token that the provider has put in place of the one sent.
struct Replaced {
    /// Without a sealing key there is none.
    authid: Option<Secret>,
    generation: u32,
}

/// A permit to send that turns the lease into *sent*, for as long as the call may take.
/// Why it was withheld is noted.
pub(super) fn permit(
    lease: Arc<Lease>,
    withheld: Arc<OnceLock<StoreError>>,
) -> impl Fn(Duration) -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync + 'static {
    move |left| {
        let (lease, withheld) = (lease.clone(), withheld.clone());
        Box::pin(async move {
            let Err(error) = lease.mark_sent(left).await else {
                return true;
            };
            tracing::warn!("a refresh token was not sent: the store {error}");
            // Set once: nothing is asked twice.
            let _ = withheld.set(error);
            false
        })
    }
}
