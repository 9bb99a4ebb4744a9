//! From a [`Config`] to running services and background tasks. Tests start here
//! too.

mod reload;
mod watch;
mod wiring;

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use thiserror::Error;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    config::Config,
    keyring::{Keyring, KeyringError},
    listen::{Connections, Door, Limits, ListenAddress, Listener},
    refresh::RefreshEngine,
    store::{LeaseTimes, StoreError},
};
use wiring::{Wired, wire};

/// What only tests change.
#[derive(Clone, Debug)]
pub struct Knobs {
    /// The time.
    pub clock: Clock,
    /// How long one provider call may take. The client gives up after 25 s
    /// (client-contract.md), and must be answered before.
    pub provider_deadline: Duration,
    /// How long connections may wait; the settings say how many there may be.
    pub limits: Limits,
    /// Times of the protocol by which servers that share a store take turns.
    pub lease_times: LeaseTimes,
}

/// How long it may take to leave: as long as the provider's answer to a single-use
/// token is waited for, and then to store what came of it.
const LEAVE_WITHIN: Duration = Duration::from_secs(75);

impl Default for Knobs {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            provider_deadline: Duration::from_secs(20),
            limits: Limits::default(),
            lease_times: LeaseTimes::default(),
        }
    }
}

/// The sockets that authseal listens on, bound before anything else, so that a
/// taken port is known at once and a test knows its port.
#[derive(Debug)]
pub struct Listeners {
    /// For the service.
    pub service: Listener,
    /// For health checks and metrics.
    pub admin: Listener,
}

impl Listeners {
    /// Binds what the settings name.
    pub async fn bind(config: &Config) -> io::Result<Self> {
        Ok(Self {
            service: config.edge.listen.bind("AUTHSEAL_LISTEN").await?,
            admin: ListenAddress::Tcp(config.edge.admin_listen)
                .bind("AUTHSEAL_ADMIN_LISTEN")
                .await?,
        })
    }
}

/// A running authseal.
#[derive(Debug)]
pub struct App {
    /// Where it serves; `None` for a Unix socket.
    pub address: Option<SocketAddr>,
    /// Where health is asked.
    pub admin_address: Option<SocketAddr>,
    /// Its keys.
    pub keyring: Arc<Keyring>,
    engine: RefreshEngine,
    /// Of the service. It comes first, so that health can be asked to the end.
    shutdown: CancellationToken,
    service: TaskTracker,
    /// Of everything else.
    end: CancellationToken,
    others: TaskTracker,
}

/// Why authseal does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The keys folder.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// The store's address cannot be used.
    #[error("AUTHSEAL_STORE_URL: the store {0}")]
    Store(#[from] StoreError),
    /// A listening socket cannot be used.
    #[error("{0}")]
    Listen(#[from] io::Error),
}

impl App {
    /// Makes the first key if there has never been one, and starts to serve; or to wait for
    /// keys that should be there.
    pub async fn start(
        config: Config,
        listeners: Listeners,
        knobs: Knobs,
    ) -> Result<Self, StartError> {
        let address = listeners.service.address();
        let admin_address = listeners.admin.address();
        begin(&config.keyring, &knobs.clock, config.makes_first_key)?;
        let limits = Limits {
            connections: config.edge.max_connections,
            ..knobs.limits.clone()
        };
        let shutdown = CancellationToken::new();
        let Wired {
            server,
            admin,
            engine,
            reloader,
            metrics,
        } = wire(config, knobs, shutdown.clone())?;
        let keyring = reloader.keyring.clone();
        let service_door = Door {
            listener: listeners.service,
            connections: Connections::new(limits, metrics.connections()),
            certificate: reloader.certificate.clone(),
        };
        let admin_door = Door::plain(listeners.admin);

        let end = CancellationToken::new();
        let (service, others) = (TaskTracker::new(), TaskTracker::new());
        others.spawn(reloader.run(end.clone()));
        others.spawn(engine.clone().follow_news(end.clone()));
        service.spawn(service_door.serve(server, shutdown.clone()));
        others.spawn(admin_door.serve(admin, end.clone()));
        Ok(Self {
            address,
            admin_address,
            keyring,
            engine,
            shutdown,
            service,
            end,
            others,
        })
    }

    /// Tells at any later moment what is unfinished.
    pub fn unfinished(&self) -> impl Fn() -> Unfinished + Send + 'static {
        let engine = self.engine.clone();
        move || {
            let (provider_calls, unsaved) = engine.unfinished();
            Unfinished {
                provider_calls,
                unsaved,
            }
        }
    }

    /// Stops accepting, finishes every request and provider call under way, and
    /// returns, within [`LEAVE_WITHIN`] in any case.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.service.close();
        self.others.close();
        let leaving = async {
            self.service.wait().await;
            self.engine.drain().await;
        };
        if tokio::time::timeout(LEAVE_WITHIN, leaving).await.is_err() {
            tracing::error!(
                "some provider calls were given up after {} s: who logged in there may have to \
                 log in again",
                LEAVE_WITHIN.as_secs()
            );
        }
        self.end.cancel();
        self.others.wait().await;
    }
}

/// Work that a process leaves undone if it ends now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Provider calls under way.
    pub provider_calls: usize,
    /// New refresh tokens that the shared store does not have yet.
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

/// Makes the first key where one may be made. What is wrong is logged by the reloader.
fn begin(keyring: &Keyring, clock: &Clock, makes_first_key: bool) -> Result<(), KeyringError> {
    if let Some(kid) = keyring.begin(clock.now(), makes_first_key)? {
        tracing::warn!(
            "made the first key, {kid}.jwk, in {}. BACK IT UP: whoever has it opens every AuthID, \
             and without it none opens any more",
            keyring.source()
        );
    }
    Ok(())
}
