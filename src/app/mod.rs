//! Starts and stops the services and background tasks of a [`Config`]. Tests start here
//! too.

mod certificate;
mod descriptors;
mod file_thread;
mod key_events;
mod reload;
mod store_check;
mod watch;
mod wiring;

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use thiserror::Error;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    audit::{AuditEvent, AuditLog},
    clock::Clock,
    config::Config,
    keyring::{Keyring, KeyringError},
    listen::{Connections, HttpServer, Limits, ListenAddress, Listener},
    provider::RetryPauses,
    refresh::RefreshEngine,
    server::Server,
    store::{Disk, LeaseTimes, StoreError},
};
pub(crate) use certificate::{certificate_host, certificate_warnings};
pub use descriptors::Descriptors;
pub(crate) use key_events::{with_new_key, with_revocation};
use wiring::{Wired, wire};

/// Parameters that only tests change.
#[derive(Clone, Debug)]
pub struct Knobs {
    /// The source of time.
    pub clock: Clock,
    /// Timeout of one request to a provider. Clients give up after 25 s
    /// (docs/endpoints.md), and must get a response before.
    pub provider_deadline: Duration,
    /// Pauses before a refresh asks the provider again.
    pub retry_pauses: RetryPauses,
    /// Time for which a provider is left alone that failed for several logins in a row.
    pub breaker_rest: Duration,
    /// Timeouts of connections; their maximum number comes from the settings.
    pub limits: Limits,
    /// Numbers of connections, by the number of files that the system allows.
    pub descriptors: Descriptors,
    /// Times of the lease protocol by which servers that share a store take turns.
    pub lease_times: LeaseTimes,
    /// The disk below a store in a folder.
    pub disk: Disk,
}

/// Limit of a whole shutdown, whatever hangs.
pub(crate) const LEAVE_WITHIN: Duration = Duration::from_secs(75);
/// Timeout of the service's end: the time for which a provider's response to a single-use
/// token is awaited, and the time to store the result.
const SERVICE_WITHIN: Duration = Duration::from_secs(71);
/// Timeout of the end of everything else.
const OTHERS_WITHIN: Duration = Duration::from_secs(1);

impl Default for Knobs {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            provider_deadline: Duration::from_secs(20),
            retry_pauses: RetryPauses::default(),
            breaker_rest: Duration::from_secs(5),
            limits: Limits::default(),
            descriptors: Descriptors::default(),
            lease_times: LeaseTimes::default(),
            disk: Disk::default(),
        }
    }
}

/// The sockets that authseal listens on. They are bound before anything else, so that a
/// port in use is reported at once and a test knows its port.
#[derive(Debug)]
pub struct Listeners {
    /// Socket of the service.
    pub service: Listener,
    /// Socket of health checks and metrics.
    pub admin: Listener,
}

impl Listeners {
    /// Binds the addresses of the settings.
    pub async fn bind(config: &Config) -> io::Result<Self> {
        Ok(Self {
            service: config.edge.listen.bind("AUTHSEAL_LISTEN").await?,
            admin: ListenAddress::Tcp(config.admin.listen)
                .bind("AUTHSEAL_ADMIN_LISTEN")
                .await?,
        })
    }
}

/// A running authseal server.
#[derive(Debug)]
pub struct App {
    /// Address of the service; `None` for a Unix socket.
    pub address: Option<SocketAddr>,
    /// Address of health checks and metrics.
    pub admin_address: Option<SocketAddr>,
    /// The keys.
    pub keyring: Arc<Keyring>,
    /// The request handler, for callers without a connection.
    pub server: Arc<Server>,
    engine: RefreshEngine,
    audit: AuditLog,
    /// Stops the service. It is cancelled before `end`, so that health checks work until
    /// the end.
    shutdown: CancellationToken,
    /// Ends the shutdown of the service.
    hurry: CancellationToken,
    service: TaskTracker,
    /// Stops everything else.
    end: CancellationToken,
    others: TaskTracker,
}

/// The server cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The keys folder cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// The store cannot be used.
    #[error("AUTHSEAL_STORE_URL: the store {0}")]
    Store(#[from] StoreError),
    /// The audit log cannot be written.
    #[error("AUTHSEAL_AUDIT_LOG: {0}")]
    Audit(io::Error),
    /// A listening socket cannot be used.
    #[error("{0}")]
    Listen(#[from] io::Error),
}

impl App {
    /// Makes the first key if there has never been one and the settings allow it. Then
    /// starts to serve, or to wait for keys that should be there.
    pub async fn start(
        config: Config,
        listeners: Listeners,
        knobs: Knobs,
    ) -> Result<Self, StartError> {
        let address = listeners.service.address();
        let admin_address = listeners.admin.address();
        let first_key = begin(&config.keyring, &knobs.clock, config.makes_first_key)?;
        let descriptors = knobs.descriptors;
        let limits = Limits {
            connections: config.edge.max_connections.min(descriptors.clients),
            spare: knobs.limits.spare.min(descriptors.spare),
            ..knobs.limits.clone()
        };
        let (shutdown, hurry) = (CancellationToken::new(), CancellationToken::new());
        let Wired {
            server,
            admin,
            engine,
            reloader,
            metrics,
            redis,
            audit,
        } = wire(config, knobs, shutdown.clone())?;
        let keyring = reloader.keyring.clone();
        let service_server = HttpServer {
            listener: listeners.service,
            connections: Connections::new(limits, metrics.connections()),
            certificate: reloader.certificate(),
            hurry: hurry.clone(),
        };
        let admin_limits = Limits {
            connections: descriptors.admin,
            spare: descriptors::admin_spare(descriptors.admin),
            ..Limits::default()
        };
        let admin_server = HttpServer::limited(listeners.admin, admin_limits);

        record_start(&audit, &keyring, first_key.as_deref());
        let end = CancellationToken::new();
        let (service, others) = (TaskTracker::new(), TaskTracker::new());
        reloader.start(&others, &end).await?;
        if let Some(redis) = redis {
            others.spawn(store_check::warn_of_store(redis, end.clone()));
        }
        if let Some(news) = engine.clone().read_news().await {
            others.spawn(news.run(end.clone()));
        }
        service.spawn(service_server.serve(server.clone(), shutdown.clone()));
        others.spawn(admin_server.serve(admin, end.clone()));
        Ok(Self {
            address,
            admin_address,
            keyring,
            server,
            engine,
            audit,
            shutdown,
            hurry,
            service,
            end,
            others,
        })
    }

    /// Returns what ends a shutdown early.
    pub fn early_end(&self) -> EarlyEnd {
        EarlyEnd {
            engine: self.engine.clone(),
            hurry: self.hurry.clone(),
            service: self.service.clone(),
        }
    }

    /// Stops accepting, finishes every request and provider call in progress, and
    /// returns, at the latest after [`LEAVE_WITHIN`].
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.service.close();
        self.others.close();
        let leaving = async {
            self.service.wait().await;
            self.engine.drain().await;
        };
        if tokio::time::timeout(SERVICE_WITHIN, leaving).await.is_err() {
            tracing::error!(
                "some provider calls were given up after {} s: who logged in there may have to \
                 log in again",
                SERVICE_WITHIN.as_secs()
            );
        }
        self.end.cancel();
        // Health checks and reloads are nothing to wait for.
        let _ = tokio::time::timeout(OTHERS_WITHIN, self.others.wait()).await;
        self.engine.close_store().await;
        self.audit.record(|| AuditEvent::now("stopped"));
        self.audit.finish().await;
    }
}

/// Ends a shutdown that takes too long for the administrator.
#[derive(Clone, Debug)]
pub struct EarlyEnd {
    engine: RefreshEngine,
    hurry: CancellationToken,
    service: TaskTracker,
}

impl EarlyEnd {
    /// Returns the unfinished work.
    pub fn unfinished(&self) -> Unfinished {
        let (provider_calls, unsaved) = self.engine.unfinished();
        Unfinished {
            provider_calls,
            unsaved,
        }
    }

    /// True after [`EarlyEnd::answer_requests`].
    pub fn has_begun(&self) -> bool {
        self.hurry.is_cancelled()
    }

    /// Has every request in progress answered with a 502. Call it during [`App::stop`].
    pub async fn answer_requests(&self) {
        self.hurry.cancel();
        self.service.wait().await;
    }
}

/// Work that is lost if the process ends now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Number of provider calls in progress.
    pub provider_calls: usize,
    /// Number of new refresh tokens that the shared store does not have yet.
    pub unsaved: usize,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_str("Nothing is lost");
        }
        write!(
            f,
            "Provider calls under way: {}; new refresh tokens not stored: {}. Logins whose \
             provider takes each refresh token once may be lost: their users must log in again",
            self.provider_calls, self.unsaved
        )
    }
}

/// Makes the first key if that is allowed. Other problems with the keys are logged by the
/// reloader.
fn begin(
    keyring: &Keyring,
    clock: &Clock,
    makes_first_key: bool,
) -> Result<Option<String>, KeyringError> {
    let made = keyring.begin(clock.now(), makes_first_key)?;
    if let Some(kid) = &made {
        tracing::warn!(
            "made the first key, {kid}.jwk, in {}. BACK IT UP: whoever has it opens every AuthID, \
             and if you lose it, no AuthID can be opened",
            keyring.source()
        );
    }
    Ok(made)
}

/// Records the keys and revocations that this process starts with: nobody has recorded how
/// they changed while no server ran.
fn record_start(audit: &AuditLog, keyring: &Keyring, first_key: Option<&str>) {
    if let Some(kid) = first_key {
        audit.record(|| {
            let event = AuditEvent::now("key_made").with("by", "serve");
            event.with("kid", kid)
        });
    }
    let keys = keyring.current();
    audit.record(|| {
        let kids: Vec<&str> = keys.iter().map(|key| key.kid.as_str()).collect();
        AuditEvent::now("started")
            .with("version", env!("CARGO_PKG_VERSION"))
            .with("kids", kids)
            .with("revocations", keys.revoked_count())
    });
}
