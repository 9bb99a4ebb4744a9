//! The refresh engine.

use std::{sync::Arc, time::Duration};

use super::{
    Lineages, RefreshError, TokenCache, cache::CachedToken, flight::Flights,
    provider_call::seal_newest,
};
use crate::{
    clock::Clock,
    keyring::{KeySet, Keyring},
    provider::{Catalog, ProviderClient, ProviderError, Service},
    seal::{self, Grant, Lineage},
    secret::Secret,
    telemetry::Metrics,
};

/// Turns AuthIDs into access tokens. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct RefreshEngine {
    pub(super) shared: Arc<Shared>,
    flights: Arc<Flights<Landing>>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) catalog: Arc<Catalog>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) provider: ProviderClient,
    pub(super) cache: TokenCache,
    pub(super) lineages: Lineages,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
}

/// An AuthID that opened: what it holds, and under which key.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) service: Arc<Service>,
    pub(super) grant: Grant,
    pub(super) kid: String,
}

impl Holder {
    fn check_revoked(&self, keys: &KeySet) -> Result<(), RefreshError> {
        match keys.is_revoked(&self.grant.lineage.to_string()) {
            true => Err(RefreshError::Revoked),
            false => Ok(()),
        }
    }
}

/// What the holder of an AuthID gets for it.
#[derive(Debug)]
pub struct Refreshed {
    /// Id of the service that the token is for.
    pub service: String,
    /// The access token.
    pub access_token: Secret,
    /// How long it still lives.
    pub expires_in: Duration,
    /// The newest AuthID of this login, when it is not the one presented.
    pub newest_authid: Option<Secret>,
}

/// An AuthID in exchange for an older one.
#[derive(Debug)]
pub struct Renewed {
    /// What it is for.
    pub service: Arc<Service>,
    /// The newest refresh token under the newest key.
    pub authid: Secret,
}

/// How a flight ended, and which generation it flew with.
#[derive(Clone, Debug)]
struct Landing {
    generation: u32,
    result: Result<Arc<CachedToken>, RefreshError>,
}

impl RefreshEngine {
    /// An engine over these.
    pub fn new(
        catalog: Arc<Catalog>,
        keyring: Arc<Keyring>,
        provider: ProviderClient,
        cache: TokenCache,
        lineages: Lineages,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                catalog,
                keyring,
                provider,
                cache,
                lineages,
                clock,
                metrics,
            }),
            flights: Arc::new(Flights::new()),
        }
    }

    /// Trades an AuthID for an access token.
    pub async fn refresh(&self, authid: &str) -> Result<Refreshed, RefreshError> {
        let keys = self.shared.keyring.current();
        let holder = self.open(&keys, authid).inspect_err(|error| {
            // What did not open is not believed, not even in a metric.
            self.shared.metrics.refreshed("", "", error.outcome());
        })?;
        let result = self.refresh_opened(&keys, &holder).await;
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
        keys: &KeySet,
        holder: &Holder,
    ) -> Result<(Refreshed, &'static str), RefreshError> {
        holder.check_revoked(keys)?;
        let now = self.shared.clock.now();
        let cached = self
            .shared
            .cache
            .get(&holder.grant.lineage, now, keys.version());
        let (token, outcome) = match cached {
            Some(token) => (token, "cached"),
            None => (self.fly(holder).await?, "refreshed"),
        };
        let refreshed = Refreshed {
            service: holder.service.id.clone(),
            expires_in: token.expires_at.since(self.shared.clock.now()),
            access_token: token.access_token.clone(),
            newest_authid: self.newest_authid(holder, &token),
        };
        Ok((refreshed, outcome))
    }

    /// Seals the newest refresh token of an AuthID's login under the newest key.
    /// The provider is asked, whatever is cached, so that a dead grant is found
    /// out here and not at night.
    pub async fn renew(&self, authid: &str) -> Result<Renewed, RefreshError> {
        let keys = self.shared.keyring.current();
        let holder = self.open(&keys, authid)?;
        holder.check_revoked(&keys)?;
        let token = self.fly(&holder).await?;
        let authid = match self.newest_authid(&holder, &token) {
            Some(authid) => authid,
            None => self.reseal(&holder.grant).ok_or(RefreshError::Lost)?,
        };
        Ok(Renewed {
            service: holder.service,
            authid,
        })
    }

    /// The AuthID that its holder should have instead, if there is a better one:
    /// because the provider replaced the refresh token, or because a newer key
    /// seals.
    fn newest_authid(&self, holder: &Holder, token: &CachedToken) -> Option<Secret> {
        if holder.grant.generation >= token.generation {
            return match self.seals(&holder.kid) {
                true => None,
                false => self.reseal(&holder.grant),
            };
        }
        let newest = token.newest_authid.as_ref()?;
        // Another key may have started to seal since it was cached.
        let keys = self.shared.keyring.current();
        let resealed = seal::open(&keys, self.shared.clock.now(), newest.expose())
            .ok()
            .filter(|opened| !self.seals(&opened.kid))
            .and_then(|opened| self.reseal(&opened.grant));
        Some(resealed.unwrap_or_else(|| newest.clone()))
    }

    /// Whether nothing better seals than this key.
    fn seals(&self, kid: &str) -> bool {
        let keys = self.shared.keyring.current();
        let sealing = keys.sealing(self.shared.clock.now());
        sealing.is_none_or(|sealing| sealing.kid == kid)
    }

    fn reseal(&self, grant: &Grant) -> Option<Secret> {
        let now = self.shared.clock.now();
        let grant = Grant {
            issued_at: now,
            ..grant.clone()
        };
        seal_newest(&self.shared.keyring.current(), now, &grant)
    }

    /// Opens an AuthID, and finds its service.
    pub(super) fn open(&self, keys: &KeySet, authid: &str) -> Result<Holder, RefreshError> {
        let opened = seal::open(keys, self.shared.clock.now(), authid)?;
        match self.shared.catalog.by_id(&opened.grant.service) {
            Some(service) => Ok(Holder {
                service: service.clone(),
                grant: opened.grant,
                kid: opened.kid,
            }),
            None => Err(RefreshError::NotOffered {
                service: opened.grant.service,
            }),
        }
    }

    /// A live access token of the holder's lineage: cached, or from the provider.
    pub(super) async fn token(
        &self,
        keys: &KeySet,
        holder: &Holder,
    ) -> Result<Arc<CachedToken>, RefreshError> {
        let now = self.shared.clock.now();
        let lineage = &holder.grant.lineage;
        match self.shared.cache.get(lineage, now, keys.version()) {
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
    async fn fly(&self, holder: &Holder) -> Result<Arc<CachedToken>, RefreshError> {
        let landing = tokio::time::timeout(self.shared.provider.deadline(), self.land(holder));
        landing.await.unwrap_or_else(|_elapsed| {
            let too_slow = ProviderError::TooSlow;
            Err(RefreshError::of_provider(&holder.service, too_slow))
        })
    }

    async fn land(&self, holder: &Holder) -> Result<Arc<CachedToken>, RefreshError> {
        let Holder { service, grant, .. } = holder;
        loop {
            let call = || {
                let (shared, service, grant) =
                    (self.shared.clone(), service.clone(), grant.clone());
                async move {
                    Landing {
                        generation: grant.generation,
                        result: shared.ask(&service, grant).await,
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
