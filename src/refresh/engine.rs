//! The refresh engine.

use std::{net::IpAddr, sync::Arc, time::Duration};

use super::{
    Holder, Lineages, RefreshError, TokenCache, cache::CachedToken, flight::Flights,
    provider_call::seal_newest,
};
use crate::{
    clock::{Clock, UnixTime},
    keyring::{KeySet, Keyring},
    limit::Limit,
    old_authid::OldAuthIds,
    provider::{Catalog, ProviderClient, ProviderError},
    seal::{self, Grant, Lineage},
    secret::Secret,
    telemetry::Metrics,
};

/// Turns AuthIDs into access tokens. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct RefreshEngine {
    pub(super) shared: Arc<EngineParts>,
    flights: Arc<Flights<Landing>>,
}

/// What an engine works with.
#[derive(Debug)]
pub struct EngineParts {
    /// The offered services.
    pub catalog: Arc<Catalog>,
    /// AuthIDs of another server that are taken.
    pub old_authids: OldAuthIds,
    /// What AuthIDs are sealed under.
    pub keyring: Arc<Keyring>,
    /// The way to the providers.
    pub provider: ProviderClient,
    /// Access tokens.
    pub cache: TokenCache,
    /// The newest AuthIDs.
    pub lineages: Lineages,
    /// How often one client may present AuthIDs of one login; `None` for as often as
    /// he likes.
    pub limit: Option<AuthIdLimit>,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// Counts by login, where the AuthID opens, and by the client's address.
pub type AuthIdLimit = Limit<(Option<Lineage>, Option<IpAddr>)>;

/// What the holder of an AuthID gets for it.
#[derive(Debug)]
pub struct Refreshed {
    token: Arc<CachedToken>,
    /// How long it still lives.
    pub expires_in: Duration,
    /// The newest AuthID of this login, when it is not the one presented.
    pub newest_authid: Option<Secret>,
}

impl Refreshed {
    /// The access token.
    pub fn access_token(&self) -> &Secret {
        &self.token.access_token
    }
}

/// How a flight ended, and which generation it flew with.
#[derive(Clone, Debug)]
struct Landing {
    generation: u32,
    result: Result<Arc<CachedToken>, RefreshError>,
}

impl RefreshEngine {
    /// An engine of these.
    pub fn new(parts: EngineParts) -> Self {
        Self {
            shared: Arc::new(parts),
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
        let metrics = &self.shared.metrics;
        metrics.refreshed(&holder.service.id, &holder.kid, outcome);
        result.map(|(refreshed, _)| refreshed)
    }

    async fn refresh_opened(
        &self,
        holder: &Holder<'_>,
    ) -> Result<(Refreshed, &'static str), RefreshError> {
        holder.check_revoked()?;
        let lineage = &holder.grant.lineage;
        let moment = self.shared.clock.moment();
        let cached = self.shared.cache.get(lineage, moment, holder.keys_version);
        let (token, now, moment, outcome) = match cached {
            Some(token) => (token, holder.now, moment, "cached"),
            None => {
                // Boxed: what is cached is answered without its room.
                let token = Box::pin(self.fly(holder)).await?;
                let clock = &self.shared.clock;
                (token, clock.now(), clock.moment(), "refreshed")
            }
        };
        let refreshed = Refreshed {
            expires_in: token.expires_at.since(moment),
            newest_authid: self.newest_authid(holder, &token, now),
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
        let now = self.shared.clock.now();
        match self.newest_authid(holder, &token, now) {
            Some(authid) => Ok(authid),
            None => {
                let keys = self.shared.keyring.current();
                reseal(&keys, now, &holder.grant).ok_or(RefreshError::Lost)
            }
        }
    }

    /// The AuthID that its holder should have instead, if there is a better one:
    /// because the provider replaced the refresh token, or because a newer key
    /// seals.
    fn newest_authid(
        &self,
        holder: &Holder<'_>,
        token: &CachedToken,
        now: UnixTime,
    ) -> Option<Secret> {
        let keys = self.shared.keyring.current();
        if holder.grant.generation >= token.generation {
            return match seals(&keys, now, &holder.kid) {
                true => None,
                false => reseal(&keys, now, &holder.grant),
            };
        }
        let newest = token.newest_authid.as_ref()?;
        // Another key may have started to seal since it was cached.
        let resealed = seal::open(&keys, now, newest.expose())
            .ok()
            .filter(|opened| !seals(&keys, now, &opened.kid))
            .and_then(|opened| reseal(&keys, now, &opened.grant));
        Some(resealed.unwrap_or_else(|| newest.clone()))
    }

    /// A live access token of the holder's lineage: cached, or from the provider.
    pub(super) async fn token(
        &self,
        holder: &Holder<'_>,
    ) -> Result<Arc<CachedToken>, RefreshError> {
        let now = self.shared.clock.moment();
        let lineage = &holder.grant.lineage;
        match self.shared.cache.get(lineage, now, holder.keys_version) {
            Some(token) => Ok(token),
            None => self.fly(holder).await,
        }
    }

    /// Whether it outlives this process which refresh token is a login's newest.
    pub fn outlives_the_process(&self) -> bool {
        self.shared.lineages.outlive_the_process()
    }

    /// How many access tokens are cached, and how many provider calls are under way.
    pub fn load(&self) -> (usize, usize) {
        (self.shared.cache.len(), self.flights.len())
    }

    /// Waits for every provider call under way, whose clients may be gone, and until
    /// what came of them is stored.
    pub async fn drain(&self) {
        self.flights.landed().await;
        self.shared.lineages.saved().await;
    }

    /// Forgets the lineage's access token, and the one that is under way.
    pub(super) async fn forget(&self, lineage: Lineage) {
        self.flights.landed_of(lineage).await;
        self.shared.cache.remove(&lineage);
        self.shared.lineages.forget(&lineage).await;
    }

    /// Asks the provider, or joins whoever is asking already. The answer comes in time
    /// for the client; the call may go on without it.
    async fn fly(&self, holder: &Holder<'_>) -> Result<Arc<CachedToken>, RefreshError> {
        let landing = tokio::time::timeout(self.shared.provider.deadline(), self.land(holder));
        let landed = landing.await.unwrap_or_else(|_elapsed| {
            let too_slow = ProviderError::TooSlow;
            Err(RefreshError::of_provider(holder.service, too_slow))
        });
        if let (Ok(_), Some(proof)) = (&landed, holder.unproven) {
            self.shared.old_authids.proved(proof);
        }
        landed
    }

    async fn land(&self, holder: &Holder<'_>) -> Result<Arc<CachedToken>, RefreshError> {
        let Holder { service, grant, .. } = holder;
        loop {
            let call = || {
                let (shared, service, grant) =
                    (self.shared.clone(), Arc::clone(service), grant.clone());
                let caller = holder.caller;
                async move {
                    Landing {
                        generation: grant.generation,
                        result: shared.ask(&service, grant, caller).await,
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

/// Whether nothing better seals than this key.
fn seals(keys: &KeySet, now: UnixTime, kid: &str) -> bool {
    keys.sealing(now).is_none_or(|sealing| sealing.kid == kid)
}

fn reseal(keys: &KeySet, now: UnixTime, grant: &Grant) -> Option<Secret> {
    let grant = Grant {
        issued_at: now,
        ..grant.clone()
    };
    seal_newest(keys, now, &grant)
}
