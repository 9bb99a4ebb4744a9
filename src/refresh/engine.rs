//! The refresh engine.

use std::{net::IpAddr, pin::pin, sync::Arc, time::Duration};

use super::{
    AuthIdReader, PresentedAuthId, RefreshError,
    cache::{CachedToken, TokenCache},
    limit_checks::LimitChecks,
    lineages::Lineages,
    login_state::name,
    provider_call::ProviderCall,
    reseal::{newest_authid, reseal},
    rotation::Rotation,
    shared_calls::SharedCalls,
};
use crate::{
    clock::{Stopwatch, within},
    provider::{ProviderClient, ProviderError, RefreshTokens},
    seal::{self, Lineage, LogName},
    secret::Secret,
    store::{LoginStore, Memory},
};

/// Trades AuthIDs for access tokens. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct RefreshEngine {
    pub(super) authids: Arc<AuthIdReader>,
    pub(super) provider: Arc<ProviderClient>,
    pub(super) cache: Arc<TokenCache>,
    pub(super) lineages: Arc<Lineages>,
    pub(super) rotation: Arc<Rotation>,
    pub(super) limits: Arc<LimitChecks>,
    pub(super) calls: Arc<SharedCalls<CallResult>>,
}

/// Result of a refresh.
#[derive(Debug)]
pub struct Refreshed {
    token: Arc<CachedToken>,
    lineage: Lineage,
    /// Remaining lifetime of the access token.
    pub expires_in: Duration,
    /// The newest AuthID of this login, if it is not exactly the text presented.
    pub newest_authid: Option<Secret>,
    /// `cached` or `refreshed`: its name in metrics and log lines.
    pub outcome: &'static str,
}

impl Refreshed {
    /// Returns the access token.
    pub fn access_token(&self) -> &Secret {
        &self.token.access_token
    }

    /// Returns the name of the login in log lines.
    pub(crate) fn log_name(&self) -> LogName {
        let name = self.token.log_name.get_or_init(|| self.lineage.log_name());
        *name
    }

    /// Returns the generation of the refresh token that the access token came from.
    pub fn generation(&self) -> u32 {
        self.token.generation
    }
}

/// Result of a provider call that several requests may share.
#[derive(Clone, Debug)]
pub(super) struct CallResult {
    /// Generation of the AuthID for which the call was started.
    presented_generation: u32,
    token: Result<Arc<CachedToken>, RefreshError>,
}

impl RefreshEngine {
    /// Makes an engine that keeps access tokens in a cache of `cache_bytes`, and the newest
    /// refresh tokens in `memory` and, if there is one, in `store`.
    pub fn new(
        authids: AuthIdReader,
        provider: ProviderClient,
        cache_bytes: u64,
        memory: Memory,
        store: Option<LoginStore>,
    ) -> Self {
        Self {
            rotation: Arc::new(Rotation::new(authids.metrics.clone())),
            limits: Arc::new(LimitChecks::new(authids.clock.clone())),
            lineages: Arc::new(Lineages::new(&authids, memory, store)),
            authids: Arc::new(authids),
            provider: Arc::new(provider),
            cache: Arc::new(TokenCache::new(cache_bytes)),
            calls: Arc::new(SharedCalls::new()),
        }
    }

    /// Opens the text that a client at `address` presents as an AuthID, and finds its
    /// service.
    pub async fn open(
        &self,
        authid: &str,
        address: Option<IpAddr>,
    ) -> Result<PresentedAuthId, RefreshError> {
        self.authids.open(authid, address).await
    }

    /// Fails if the AuthID must not be given to a client at `address`, by its time or networks.
    /// Other text, and an AuthID that does not open here, is no business of limits.
    pub fn check_receiver(
        &self,
        authid: &str,
        address: Option<IpAddr>,
    ) -> Result<(), RefreshError> {
        let keys = self.authids.keyring.current();
        match seal::open(&keys, self.authids.clock.now(), authid) {
            Ok(opened) => self.limits.check_grant(&opened.grant, address),
            Err(_) => Ok(()),
        }
    }

    /// Counts a refresh whose AuthID did not open.
    pub fn count_unopened(&self, error: &RefreshError) {
        // Without labels: the text of an AuthID that does not open is not believed.
        self.authids.metrics.refreshed("", "", error.outcome());
    }

    /// Trades an AuthID for an access token.
    pub async fn refresh(&self, presented: &PresentedAuthId) -> Result<Refreshed, RefreshError> {
        let result = self.cached_or_refreshed(presented).await;
        let outcome = match &result {
            Ok(refreshed) => refreshed.outcome,
            Err(error) => error.outcome(),
        };
        let metrics = &self.authids.metrics;
        metrics.refreshed(&presented.service.id, &presented.kid, outcome);
        result
    }

    async fn cached_or_refreshed(
        &self,
        presented: &PresentedAuthId,
    ) -> Result<Refreshed, RefreshError> {
        presented.check_revoked()?;
        self.limits.check_use(presented)?;
        let (lineage, clock) = (presented.lineage(), &self.authids.clock);
        let moment = clock.moment();
        let cached = self.cache.get(&lineage, moment, presented.keys_version);
        let (token, now, moment, outcome) = match cached {
            Some(token) => {
                // The requests that waited for the call may have been cancelled before it
                // ended.
                self.note_accepted(presented);
                (token, presented.opened_at, moment, "cached")
            }
            None => {
                // Boxed: a cached answer does not need its room.
                let token = Box::pin(self.call_provider(presented)).await?;
                (token, clock.now(), clock.moment(), "refreshed")
            }
        };
        let keys = self.authids.keyring.current();
        presented.check_again(&keys, now, &token)?;
        let mut expires_in = token.expires_at.since(moment);
        if presented.grant.terms.is_some() {
            // A call may take until after the end of the AuthID.
            self.limits
                .check_grant(&presented.grant, presented.address)?;
            let rest = self.limits.rest(&presented.grant);
            expires_in = rest.map_or(expires_in, |rest| rest.min(expires_in));
        }
        Ok(Refreshed {
            expires_in,
            newest_authid: newest_authid(&keys, now, presented, &token)
                .or_else(|| presented.as_sealed.clone()),
            token,
            lineage,
            outcome,
        })
    }

    /// Seals the newest refresh token of an AuthID's login under the newest key. It calls
    /// the provider even if an access token is cached, so that a dead grant is found out
    /// now and not by the next backup.
    pub async fn renew(&self, presented: &PresentedAuthId) -> Result<Secret, RefreshError> {
        presented.check_revoked()?;
        self.limits.check_use(presented)?;
        let token = self.call_provider(presented).await?;
        let now = self.authids.clock.now();
        let keys = self.authids.keyring.current();
        presented.check_again(&keys, now, &token)?;
        presented.check_newest(&token)?;
        newest_authid(&keys, now, presented, &token)
            .or_else(|| reseal(&keys, now, &presented.grant))
            .ok_or(RefreshError::Lost)
    }

    /// True if the newest refresh tokens survive a restart.
    pub fn outlives_the_process(&self) -> bool {
        self.lineages.store().is_some()
    }

    /// Counts cached access tokens, and provider calls in progress.
    pub fn load(&self) -> (usize, usize) {
        (self.cache.count(), self.calls.len())
    }

    /// Counts provider calls in progress, and new refresh tokens that the store does not
    /// have yet.
    pub fn unfinished(&self) -> (usize, usize) {
        (self.calls.len(), self.lineages.unsaved())
    }

    /// Waits for every provider call in progress, also those without a client, and until
    /// their results are stored.
    pub async fn drain(&self) {
        self.calls.wait_for_all().await;
        self.lineages.saved().await;
    }

    /// Gives the store up, so that another process can open it. Call it at the end.
    pub async fn close_store(&self) {
        if let Some(store) = self.lineages.store() {
            store.close().await;
        }
    }

    /// True if the table of the provider of this id is here and says *stable*.
    pub(super) fn is_stable_by_table(&self, id: &str) -> bool {
        let services = self.authids.catalog.iter();
        services
            .map(|service| &service.provider)
            .any(|provider| provider.id == id && provider.refresh_tokens == RefreshTokens::Stable)
    }

    /// Drops the access token of a login that was revoked at the provider. A call in
    /// progress will not hand out its own.
    pub(super) fn forget(&self, lineage: Lineage) {
        let revocations = &self.lineages.memory.recent_revocations;
        revocations.note_anew(name(&lineage));
        self.cache.remove(&lineage);
    }

    /// Calls the provider, or waits for the login's call in progress, at most for as long
    /// as a client waits. The call itself may go on after that.
    pub(super) async fn call_provider(
        &self,
        presented: &PresentedAuthId,
    ) -> Result<Arc<CachedToken>, RefreshError> {
        let call = pin!(self.join_call(presented));
        let answer = within(self.provider.deadline(), call).await;
        let result = answer.unwrap_or_else(|| {
            let too_slow = ProviderError::TooSlow;
            Err(RefreshError::of_provider(&presented.service, too_slow))
        });
        if result.is_ok() {
            self.note_accepted(presented);
        }
        result
    }

    /// Notes that the provider accepted an AuthID of oauth-server.
    fn note_accepted(&self, presented: &PresentedAuthId) {
        if let Some(proof) = presented.unproven {
            self.authids.old_authids.proved(proof);
        }
    }

    async fn join_call(
        &self,
        presented: &PresentedAuthId,
    ) -> Result<Arc<CachedToken>, RefreshError> {
        let grant = &presented.grant;
        loop {
            let start = || {
                let call = self.provider_call(presented);
                let presented_generation = grant.generation;
                move || async move {
                    CallResult {
                        presented_generation,
                        token: call.run().await,
                    }
                }
            };
            let joined = self.calls.join(grant.lineage, start).await;
            let result = joined.ok_or(RefreshError::Lost)?;
            match result.token {
                // The call that was joined had an older refresh token than this request.
                Err(_) if result.presented_generation < grant.generation => continue,
                token => return token,
            }
        }
    }

    fn provider_call(&self, presented: &PresentedAuthId) -> ProviderCall {
        ProviderCall {
            service: presented.service.clone(),
            caller: presented.caller,
            presented: presented.grant_without_terms(),
            began: Stopwatch::start(),
            provider: self.provider.clone(),
            lineages: self.lineages.clone(),
            cache: self.cache.clone(),
            rotation: self.rotation.clone(),
            keyring: self.authids.keyring.clone(),
            clock: self.authids.clock.clone(),
            metrics: self.authids.metrics.clone(),
        }
    }
}
