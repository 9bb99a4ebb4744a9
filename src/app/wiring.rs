//! Builds the parts of the server and connects them.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Knobs, reload::Reloader};
use crate::{
    clock::Clock,
    config::{Config, LoginGates},
    keyring::Keyring,
    limit::Limit,
    login::{Attempts, HandOvers, Login, PasswordGate},
    oauth_server::OldAuthIds,
    outbound::Outbound,
    provider::ProviderClient,
    public_url::PublicUrl,
    refresh::{EngineParts, Lineages, RefreshEngine, TokenCache},
    server::{Admin, Admission, Server, ServerParts, Site},
    store::{Memory, Shared, Store, StoreError},
    telemetry::Metrics,
};

/// Memory for hand-overs in bytes; each lives for seconds only.
const HAND_OVER_BYTES: u64 = 4 * 1024 * 1024;
/// Memory for lineages in bytes: enough for a hundred thousand logins with short tokens,
/// or twenty thousand with Microsoft's.
const LINEAGE_BYTES: u64 = 64 * 1024 * 1024;

/// The parts that the app runs.
pub(super) struct Wired {
    pub(super) server: Arc<Server>,
    pub(super) admin: Arc<Admin>,
    pub(super) engine: RefreshEngine,
    pub(super) reloader: Reloader,
    pub(super) metrics: Arc<Metrics>,
}

/// Builds all parts. Nothing runs yet.
pub(super) fn wire(
    config: Config,
    knobs: Knobs,
    draining: CancellationToken,
) -> Result<Wired, StoreError> {
    let clock = knobs.clock;
    let keyring = Arc::new(config.keyring);
    let metrics = Arc::new(Metrics::new());
    let shared = match &config.store {
        Some(url) => Some(Shared::new(url, metrics.clone(), knobs.lease_times)?),
        None => None,
    };
    let catalog = Arc::new(config.offer.catalog);
    let provider = ProviderClient::new(
        Outbound::new(config.edge.outbound_proxy),
        knobs.provider_deadline,
        knobs.retry_pauses,
        &catalog,
        &metrics,
    );
    let limit = config.edge.rate_limit;
    let old = config.old_authids;
    let engine = RefreshEngine::new(EngineParts {
        catalog: catalog.clone(),
        old_authids: OldAuthIds::new(old.accept_v2_plain, old.v1_storage, clock.clone()),
        keyring: keyring.clone(),
        provider: provider.clone(),
        cache: TokenCache::new(config.cache_bytes),
        lineages: Lineages::new(
            keyring.clone(),
            Memory::new(clock.clone(), LINEAGE_BYTES),
            shared.clone(),
            clock.clone(),
            metrics.clone(),
        ),
        limit: limit.map(|limit| Limit::per_hour(limit, clock.clone())),
        clock: clock.clone(),
        metrics: metrics.clone(),
    });
    let admission = admission(config.login_gates, &config.public_url, &keyring, &clock);
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
        attempts: Attempts::new(&clock),
        clock: clock.clone(),
    };
    let site = Site {
        app_name: config.app_name,
        display_name: config.display_name,
        privacy_policy_url: config.privacy_policy_url.map(String::from),
    };
    Ok(Wired {
        server: Arc::new(Server::new(ServerParts {
            login,
            engine: engine.clone(),
            admission,
            proxies: config.edge.trusted_proxies,
            site,
            withheld: config.offer.withheld,
            metrics: metrics.clone(),
        })),
        admin: Arc::new(Admin {
            keyring: keyring.clone(),
            engine: engine.clone(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            draining,
        }),
        engine,
        reloader: Reloader {
            keyring,
            certificate: config.edge.certificate.map(Arc::new),
            metrics: metrics.clone(),
            clock,
        },
        metrics,
    })
}

fn admission(
    gates: LoginGates,
    public_url: &PublicUrl,
    keyring: &Arc<Keyring>,
    clock: &Clock,
) -> Admission {
    let gate = |password| PasswordGate::new(password, public_url, keyring.clone(), clock.clone());
    Admission {
        networks: gates.networks,
        header: gates.header,
        password: gates.password.map(gate),
        require: gates.require,
    }
}
