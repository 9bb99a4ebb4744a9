//! Builds the parts of the server and connects them.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    Knobs, StartError,
    certificate::{WatchedCertificate, certificate_host},
    reload::Reloader,
};
use crate::{
    audit::AuditLog,
    clock::Clock,
    config::{Config, LoginGates},
    keyring::Keyring,
    limit::Limit,
    login::{Attempts, HandOvers, Login, PasswordGate},
    oauth_server::OldAuthIds,
    outbound::Outbound,
    provider::ProviderClient,
    public_url::PublicUrl,
    refresh::{AuthIdReader, RefreshEngine},
    server::{
        Admin, Admission, NamePolicy, PRIVACY_POLICY_PATH, RequestIds, RequestTimes, Server, Site,
    },
    store::{
        Creation, FileStore, LoginStore, Memory, OneTimeMemory, OneTimeStore, RedisStore,
        StoreAddress, StoreError,
    },
    telemetry::Metrics,
};

/// Memory in bytes for AuthIDs that wait for programs; each lives for seconds only.
const HAND_OVER_BYTES: u64 = 4 * 1024 * 1024;
/// Memory in bytes for AuthIDs that wait for other machines, and for codes that were used. They
/// live for minutes, and have no part in the memory above: whoever fills this one stops no
/// program.
const ONE_TIME_BYTES: u64 = 16 * 1024 * 1024;
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
    pub(super) redis: Option<RedisStore>,
    pub(super) audit: AuditLog,
}

/// Builds all parts. Nothing runs yet.
pub(super) fn wire(
    config: Config,
    knobs: Knobs,
    draining: CancellationToken,
) -> Result<Wired, StartError> {
    let clock = knobs.clock.clone();
    let host = certificate_host(&config);
    let keyring = Arc::new(config.keyring);
    let metrics = Arc::new(Metrics::new());
    let audit =
        AuditLog::start(config.audit, clock.clone(), metrics.clone()).map_err(StartError::Audit)?;
    let store = match &config.memory.store {
        Some(address) => Some(login_store(address, &metrics, &knobs)?),
        None => None,
    };
    let redis = match &store {
        Some(LoginStore::Redis(redis)) => Some(redis.clone()),
        Some(LoginStore::File(_)) | None => None,
    };
    let catalog = Arc::new(config.offer.catalog);
    let provider = ProviderClient::new(
        Outbound::new(config.way_out).with_connections(knobs.descriptors.providers),
        knobs.provider_deadline,
        knobs.retry_pauses,
        knobs.breaker_rest,
        &catalog,
        &metrics,
    );
    let limit = config.edge.rate_limit;
    let old = config.old_authids;
    let authids = AuthIdReader {
        catalog: catalog.clone(),
        old_authids: OldAuthIds::new(old.accept_v2_plain, old.v1_storage, clock.clone()),
        keyring: keyring.clone(),
        limit: limit.map(|limit| Limit::per_hour(limit, clock.clone())),
        new_limits: config.new_limits.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
    };
    let engine = RefreshEngine::new(
        authids,
        provider.clone(),
        config.memory.cache_bytes,
        Memory::new(clock.clone(), LINEAGE_BYTES),
        store.clone(),
    );
    let admission = admission(config.login_gates, &config.public_url, &keyring, &clock);
    let site = Site {
        app_name: config.site.app_name,
        display_name: config.site.display_name,
        privacy_policy_url: config.site.privacy_policy_url.map(String::from),
        privacy_policy_path: format!("{}{PRIVACY_POLICY_PATH}", config.public_url.prefix()),
    };
    // One server reads what it handed over itself: a folder gets none of it.
    let one_time = |bytes| match &redis {
        Some(redis) => OneTimeStore::Redis(redis.clone()),
        None => OneTimeStore::Memory(OneTimeMemory::new(clock.clone(), bytes)),
    };
    let login = Login {
        public_url: config.public_url,
        catalog,
        keyring: keyring.clone(),
        provider,
        hand_overs: HandOvers {
            programs: one_time(HAND_OVER_BYTES),
            machines: one_time(ONE_TIME_BYTES),
            keyring: keyring.clone(),
            clock: clock.clone(),
        },
        openers: config.site.openers,
        attempts: Attempts::new(&clock),
        new_limits: config.new_limits,
        clock: clock.clone(),
    };
    Ok(Wired {
        server: Arc::new(Server {
            login,
            engine: engine.clone(),
            admission,
            proxies: config.edge.trusted_proxies,
            site,
            withheld: config.offer.withheld,
            request_times: RequestTimes::new(&metrics),
            metrics: metrics.clone(),
            request_ids: RequestIds::random(),
            audit: audit.clone(),
            names: NamePolicy {
                seals_user: config.names.seals_user,
                asks_label: config.names.asks_label,
            },
        }),
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
            certificate: config
                .certificate
                .map(|certificate| WatchedCertificate::new(certificate, host)),
            metrics: metrics.clone(),
            audit: audit.clone(),
            clock,
        },
        metrics,
        redis,
        audit,
    })
}

fn login_store(
    address: &StoreAddress,
    metrics: &Arc<Metrics>,
    knobs: &Knobs,
) -> Result<LoginStore, StoreError> {
    let (metrics, times) = (metrics.clone(), knobs.lease_times);
    Ok(match address {
        StoreAddress::Redis(url) => LoginStore::Redis(RedisStore::new(url, metrics, times)?),
        StoreAddress::Folder(path) => {
            let (creation, clock) = (Creation::Allowed, knobs.clock.clone());
            let disk = knobs.disk.clone();
            LoginStore::File(FileStore::open_on(disk, path, creation, clock, metrics)?)
        }
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
