//! Which part holds which.

use std::sync::Arc;

use super::{Knobs, reload::Reloader};
use crate::{
    config::Config,
    login::{HandOvers, Login},
    outbound::Outbound,
    provider::ProviderClient,
    refresh::{Lineages, RefreshEngine, TokenCache},
    server::{Admin, Server, Site},
    store::{Memory, Shared, Store, StoreError},
    telemetry::Metrics,
};

/// Hand-overs live for seconds.
const HAND_OVER_BYTES: u64 = 4 * 1024 * 1024;
/// Room for a hundred thousand logins with short tokens, or twenty thousand with
/// Microsoft's.
const LINEAGE_BYTES: u64 = 64 * 1024 * 1024;

/// The parts that run.
pub(super) struct Wired {
    pub(super) server: Arc<Server>,
    pub(super) admin: Arc<Admin>,
    pub(super) engine: RefreshEngine,
    pub(super) reloader: Reloader,
}

/// Puts the parts together. Nothing runs yet.
pub(super) fn wire(config: Config, knobs: Knobs) -> Result<Wired, StoreError> {
    let clock = knobs.clock;
    let keyring = Arc::new(config.keyring);
    let metrics = Arc::new(Metrics::new());
    let shared = match &config.store {
        Some(url) => Some(Shared::new(url, metrics.clone())?),
        None => None,
    };
    let catalog = Arc::new(config.offer.catalog);
    let provider = ProviderClient::new(Outbound::new(), knobs.provider_deadline);
    let engine = RefreshEngine::new(
        catalog.clone(),
        keyring.clone(),
        provider.clone(),
        TokenCache::new(knobs.cache_bytes),
        Lineages::new(
            keyring.clone(),
            Memory::new(clock.clone(), LINEAGE_BYTES),
            shared.clone(),
            clock.clone(),
            metrics.clone(),
        ),
        clock.clone(),
        metrics.clone(),
    );
    let login = Login {
        public_url: config.public_url,
        catalog,
        keyring: keyring.clone(),
        provider,
        hand_overs: HandOvers {
            store: match shared {
                Some(shared) => Store::Shared(shared),
                None => Store::Memory(Memory::new(clock.clone(), HAND_OVER_BYTES)),
            },
            keyring: keyring.clone(),
            clock: clock.clone(),
        },
        openers: config.openers,
        clock: clock.clone(),
    };
    let site = Site {
        app_name: config.app_name,
        display_name: config.display_name,
        privacy_policy_url: config.privacy_policy_url.map(String::from),
    };
    Ok(Wired {
        server: Arc::new(Server::new(
            login,
            engine.clone(),
            site,
            config.offer.withheld,
        )),
        admin: Arc::new(Admin {
            keyring: keyring.clone(),
            engine: engine.clone(),
            metrics: metrics.clone(),
            clock,
        }),
        engine,
        reloader: Reloader { keyring, metrics },
    })
}
