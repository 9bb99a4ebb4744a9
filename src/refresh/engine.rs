//! The refresh engine.

use std::{net::IpAddr, sync::Arc, time::Duration};

use super::{
    Holder, Lineages, NewestUnknown, RefreshError, TokenCache,
    cache::CachedToken,
    flight::Flights,
    lineages::name,
    provider_call::ProviderCall,
    reseal::{reseal, seals},
    revocations::Revocations,
    rotation::Rotation,
};
use crate::{
    clock::{Clock, UnixTime},
    keyring::{KeySet, Keyring},
    limit::Limit,
    oauth_server::OldAuthIds,
    provider::{Catalog, ProviderClient, ProviderError, RefreshTokens},
    seal::{self, Lineage},
    secret::Secret,
    store::StoreError,
    telemetry::Metrics,
};

/// Turns AuthIDs into access tokens. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct RefreshEngine {
    pub(super) parts: Arc<EngineParts>,
    pub(super) seen: Arc<Seen>,
    pub(super) flights: Arc<Flights<Landing>>,
}

/// Events since the process was started.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) revocations: Revocations,
    pub(super) rotation: Rotation,
    pub(super) started_at: UnixTime,
}

/// Parts of a refresh engine.
#[derive(Debug)]
pub struct EngineParts {
    /// The offered services.
    pub catalog: Arc<Catalog>,
    /// AuthIDs of another server that are taken.
    pub old_authids: OldAuthIds,
    /// Keys of the AuthIDs.
    pub keyring: Arc<Keyring>,
    /// The way to the providers.
    pub provider: ProviderClient,
    /// Access tokens.
    pub cache: TokenCache,
    /// The newest AuthIDs.
    pub lineages: Lineages,
    /// Rate limit of one client for AuthIDs of one login; `None` for as often as
    /// he likes.
    pub limit: Option<AuthIdLimit>,
    /// The time.
    pub clock: Clock,
    /// Metrics.
    pub metrics: Arc<Metrics>,
}

/// Counts by login, where the AuthID opens, and by the client's address.
pub type AuthIdLimit = Limit<(Option<Lineage>, Option<IpAddr>)>;

/// Result of a refresh.
#[derive(Debug)]
pub struct Refreshed {
    token: Arc<CachedToken>,
    /// Remaining lifetime.
    pub expires_in: Duration,
    /// The newest AuthID of this login, when it is not exactly the text presented.
    pub newest_authid: Option<Secret>,
}

impl Refreshed {
    /// The access token.
    pub fn access_token(&self) -> &Secret {
        &self.token.access_token
    }
}

/// Result of a flight, and the generation that it presented.
#[derive(Clone, Debug)]
pub(super) struct Landing {
    generation: u32,
    result: Result<Arc<CachedToken>, RefreshError>,
}

impl RefreshEngine {
    /// An engine of these.
    pub fn new(parts: EngineParts) -> Self {
        Self {
            seen: Arc::new(Seen {
                revocations: Revocations::default(),
                rotation: Rotation::new(parts.metrics.clone()),
                started_at: parts.clock.now(),
            }),
            parts: Arc::new(parts),
            flights: Arc::new(Flights::new()),
        }
    }

    /// Trades an AuthID for an access token.
    pub async fn refresh(&self, holder: &Holder<'_>) -> Result<Refreshed, RefreshError> {
        let result = self.refresh_opened(holder).await;
        let outcome = match &result {
            Ok((_, outcome)) => outcome,
            Err(error) => error.outcome(),
        };
        let metrics = &self.parts.metrics;
        metrics.refreshed(&holder.service.id, &holder.kid, outcome);
        result.map(|(refreshed, _)| refreshed)
    }

    async fn refresh_opened(
        &self,
        holder: &Holder<'_>,
    ) -> Result<(Refreshed, &'static str), RefreshError> {
        holder.check_revoked()?;
        let lineage = &holder.grant.lineage;
        let moment = self.parts.clock.moment();
        let cached = self.parts.cache.get(lineage, moment, holder.keys_version);
        let (token, now, moment, outcome) = match cached {
            Some(token) => {
                // The call may have landed when nobody waited for it any more.
                self.prove(holder);
                (token, holder.now, moment, "cached")
            }
            None => {
                // Boxed: what is cached is answered without its room.
                let token = Box::pin(self.fly(holder)).await?;
                let clock = &self.parts.clock;
                (token, clock.now(), clock.moment(), "refreshed")
            }
        };
        let keys = self.parts.keyring.current();
        holder.check_again(&keys, now)?;
        check_revoked(&token)?;
        let refreshed = Refreshed {
            expires_in: token.expires_at.since(moment),
            newest_authid: newest_authid(&keys, holder, &token, now)
                .or_else(|| holder.as_sealed.clone()),
            token,
        };
        Ok((refreshed, outcome))
    }

    /// Seals the newest refresh token of an AuthID's login under the newest key.
    /// The provider is asked, whatever is cached, so that a dead grant is found
    /// out here and not at night.
    pub async fn renew(&self, holder: &Holder<'_>) -> Result<Secret, RefreshError> {
        holder.check_revoked()?;
        let token = self.fly(holder).await?;
        let now = self.parts.clock.now();
        let keys = self.parts.keyring.current();
        holder.check_again(&keys, now)?;
        check_revoked(&token)?;
        check_newest(holder, &token)?;
        match newest_authid(&keys, holder, &token, now) {
            Some(authid) => Ok(authid),
            None => reseal(&keys, now, &holder.grant).ok_or(RefreshError::Lost),
        }
    }

    /// True if what is known of logins survives a restart.
    pub fn outlives_the_process(&self) -> bool {
        self.parts.lineages.outlive_the_process()
    }

    /// Counts cached access tokens, and provider calls under way.
    pub fn load(&self) -> (usize, usize) {
        (self.parts.cache.len(), self.flights.len())
    }

    /// Waits for every provider call under way, whose clients may be gone, and until
    /// what came of them is stored.
    pub async fn drain(&self) {
        self.flights.landed().await;
        self.parts.lineages.saved().await;
    }

    /// True if its table is here and says that its refresh tokens stay.
    pub(super) fn takes_for_stable(&self, id: &str) -> bool {
        let mut providers = self.parts.catalog.iter().map(|service| &service.provider);
        providers
            .any(|provider| provider.id == id && provider.refresh_tokens == RefreshTokens::Stable)
    }

    /// Counts provider calls under way, and new refresh tokens that the store does not
    /// have yet.
    pub fn unfinished(&self) -> (usize, usize) {
        (self.flights.len(), self.parts.lineages.unsaved())
    }

    /// Waits for the lineage's provider call, if one is under way.
    pub(super) async fn landed_of(&self, lineage: Lineage) {
        self.flights.landed_of(lineage).await;
    }

    /// Forgets the access token of a login that was revoked at the provider, also one
    /// that is under way.
    pub(super) fn forget(&self, lineage: Lineage) {
        self.seen.revocations.note_anew(name(&lineage));
        self.parts.cache.remove(&lineage);
    }

    /// Asks the provider, or joins whoever is asking already. The answer comes in time
    /// for the client; the call may go on without it.
    pub(super) async fn fly(&self, holder: &Holder<'_>) -> Result<Arc<CachedToken>, RefreshError> {
        let landing = tokio::time::timeout(self.parts.provider.deadline(), self.land(holder));
        let landed = landing.await.unwrap_or_else(|_elapsed| {
            let too_slow = ProviderError::TooSlow;
            Err(RefreshError::of_provider(holder.service, too_slow))
        });
        if landed.is_ok() {
            self.prove(holder);
        }
        landed
    }

    /// The provider has taken it.
    fn prove(&self, holder: &Holder<'_>) {
        if let Some(proof) = holder.unproven {
            self.parts.old_authids.proved(proof);
        }
    }

    async fn land(&self, holder: &Holder<'_>) -> Result<Arc<CachedToken>, RefreshError> {
        let Holder { service, grant, .. } = holder;
        loop {
            let call = || {
                let (parts, seen) = (self.parts.clone(), self.seen.clone());
                let (service, caller) = (Arc::clone(service), holder.caller);
                let call = ProviderCall::new(parts, seen, service, caller, grant.clone());
                let generation = grant.generation;
                async move {
                    Landing {
                        generation,
                        result: call.run().await,
                    }
                }
            };
            let landing = self
                .flights
                .join(grant.lineage, call)
                .await
                .ok_or(RefreshError::Lost)?;
            match landing.result {
                // Whoever flew had an older refresh token than this one.
                Err(_) if landing.generation < grant.generation => continue,
                result => return result,
            }
        }
    }
}

/// Fails if the login is revoked here by what the store or memory knows of it, beyond what
/// the presented AuthID says.
fn check_revoked(token: &CachedToken) -> Result<(), RefreshError> {
    match token.is_revoked {
        true => Err(RefreshError::Revoked),
        false => Ok(()),
    }
}

/// Fails if the access token came from a refresh token that may not be the newest: sliding
/// providers are asked with an older one while the store is away.
pub(super) fn check_newest(holder: &Holder<'_>, token: &CachedToken) -> Result<(), RefreshError> {
    match token.is_newest {
        true => Ok(()),
        false => Err(RefreshError::NewestUnknown {
            provider: holder.service.provider.name.clone(),
            why: NewestUnknown::Store(StoreError::TooSlow),
        }),
    }
}

/// The AuthID that its holder should have instead, if there is a better one: because the
/// provider replaced the refresh token, or because a newer key seals.
///
/// `keys` must be those that the holder's key was checked with: what a key sealed that
/// leaked must not be sealed under the one that was made instead.
fn newest_authid(
    keys: &KeySet,
    holder: &Holder<'_>,
    token: &CachedToken,
    now: UnixTime,
) -> Option<Secret> {
    if holder.grant.generation >= token.generation {
        return match seals(keys, now, &holder.kid) {
            true => None,
            false => reseal(keys, now, &holder.grant),
        };
    }
    let newest = token.newest_authid.as_ref()?;
    // Another key may have started to seal since it was cached.
    let resealed = seal::open(keys, now, newest.expose())
        .ok()
        .filter(|opened| !seals(keys, now, &opened.kid))
        .and_then(|opened| reseal(keys, now, &opened.grant));
    Some(resealed.unwrap_or_else(|| newest.clone()))
}
