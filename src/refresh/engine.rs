//! The refresh engine.

use std::{sync::Arc, time::Duration};

use super::{RefreshError, TokenCache, cache::CachedToken, flight::Flights};
use crate::{
    clock::{Clock, UnixTime},
    keyring::{KeySet, Keyring},
    provider::{Catalog, ProviderClient, ProviderError, Service, Tokens},
    seal::{self, Grant, Lineage},
    secret::Secret,
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
    pub(super) clock: Clock,
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
        clock: Clock,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                catalog,
                keyring,
                provider,
                cache,
                clock,
            }),
            flights: Arc::new(Flights::new()),
        }
    }

    /// Trades an AuthID for an access token.
    pub async fn refresh(&self, authid: &str) -> Result<Refreshed, RefreshError> {
        let keys = self.shared.keyring.current();
        let (service, grant) = self.open(&keys, authid)?;
        if keys.is_revoked(&grant.lineage.to_string()) {
            return Err(RefreshError::Revoked);
        }
        let token = self.token(&keys, &service, &grant).await?;
        Ok(Refreshed {
            service: grant.service,
            access_token: token.access_token.clone(),
            expires_in: token.expires_at.since(self.shared.clock.now()),
            newest_authid: token
                .newest_authid
                .clone()
                .filter(|_| grant.generation < token.generation),
        })
    }

    /// Opens an AuthID, and finds its service.
    pub(super) fn open(
        &self,
        keys: &KeySet,
        authid: &str,
    ) -> Result<(Arc<Service>, Grant), RefreshError> {
        let grant = seal::open(keys, self.shared.clock.now(), authid)?.grant;
        match self.shared.catalog.by_id(&grant.service) {
            Some(service) => Ok((service.clone(), grant)),
            None => Err(RefreshError::NotOffered {
                service: grant.service,
            }),
        }
    }

    /// A live access token of the grant's lineage: cached, or from the provider.
    pub(super) async fn token(
        &self,
        keys: &KeySet,
        service: &Arc<Service>,
        grant: &Grant,
    ) -> Result<Arc<CachedToken>, RefreshError> {
        let now = self.shared.clock.now();
        match self.shared.cache.get(&grant.lineage, now, keys.version()) {
            Some(token) => Ok(token),
            None => self.fly(service, grant).await,
        }
    }

    /// Waits for every provider call under way, whose clients may be gone.
    pub async fn drain(&self) {
        self.flights.landed().await;
    }

    /// Forgets the lineage's access token, and the one that is under way.
    pub(super) async fn forget(&self, lineage: Lineage) {
        self.flights.landed_of(lineage).await;
        self.shared.cache.remove(&lineage);
    }

    /// Asks the provider, or joins whoever is asking already.
    async fn fly(
        &self,
        service: &Arc<Service>,
        grant: &Grant,
    ) -> Result<Arc<CachedToken>, RefreshError> {
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

impl Shared {
    /// One provider call, and everything that follows from its answer.
    async fn ask(&self, service: &Service, grant: Grant) -> Result<Arc<CachedToken>, RefreshError> {
        let lineage = grant.lineage;
        let call = self
            .provider
            .refresh(service, grant.region.as_deref(), &grant.refresh_token);
        match call.await {
            Ok(tokens) => {
                let token = Arc::new(self.reseal(grant, tokens));
                self.cache.insert(lineage, self.clock.now(), token.clone());
                log_refreshed(service, &lineage, &token);
                Ok(token)
            }
            Err(error) => {
                log_failed(service, &lineage, &error);
                Err(RefreshError::of_provider(service, error))
            }
        }
    }

    fn reseal(&self, grant: Grant, tokens: Tokens) -> CachedToken {
        let now = self.clock.now();
        let keys = self.keyring.current();
        let replaced = tokens
            .refresh_token
            .filter(|token| *token != grant.refresh_token);
        let (generation, newest_authid) = match replaced {
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
fn seal_newest(keys: &KeySet, now: UnixTime, newest: &Grant) -> Option<Secret> {
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
