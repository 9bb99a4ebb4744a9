//! From a [`Config`] to running services and background tasks. Tests start here
//! too.

mod reload;
mod wiring;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    config::Config,
    keyring::{Keyring, KeyringError},
    listen,
    refresh::RefreshEngine,
    store::StoreError,
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
    /// About how much memory access tokens may take.
    pub cache_bytes: u64,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            provider_deadline: Duration::from_secs(20),
            cache_bytes: 64 * 1024 * 1024,
        }
    }
}

/// The sockets that authseal listens on, bound before anything else, so that a
/// taken port is known at once and a test knows its port.
#[derive(Debug)]
pub struct Listeners {
    /// For the service.
    pub service: TcpListener,
    /// For health checks and metrics.
    pub admin: TcpListener,
}

impl Listeners {
    /// Binds what the settings name.
    pub async fn bind(config: &Config) -> io::Result<Self> {
        Ok(Self {
            service: listen::bind("AUTHSEAL_LISTEN", config.listen).await?,
            admin: listen::bind("AUTHSEAL_ADMIN_LISTEN", config.admin_listen).await?,
        })
    }
}

/// A running authseal.
#[derive(Debug)]
pub struct App {
    /// Where it serves.
    pub address: SocketAddr,
    /// Where health is asked.
    pub admin_address: SocketAddr,
    /// Its keys.
    pub keyring: Arc<Keyring>,
    engine: RefreshEngine,
    shutdown: CancellationToken,
    tasks: TaskTracker,
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
    /// Makes the first key if there is none, and starts to serve.
    pub async fn start(
        config: Config,
        listeners: Listeners,
        knobs: Knobs,
    ) -> Result<Self, StartError> {
        let address = listeners.service.local_addr()?;
        let admin_address = listeners.admin.local_addr()?;
        make_first_key(&config.keyring, &knobs.clock)?;
        let Wired {
            server,
            admin,
            engine,
            reloader,
        } = wire(config, knobs)?;
        let keyring = reloader.keyring.clone();

        let shutdown = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(reloader.run(shutdown.clone()));
        tasks.spawn(listen::run(
            listeners.service,
            move |request, _peer| {
                let server = server.clone();
                async move { server.answer(request).await }
            },
            shutdown.clone(),
        ));
        tasks.spawn(listen::run(
            listeners.admin,
            move |request, _peer| {
                let admin = admin.clone();
                async move { admin.answer(&request) }
            },
            shutdown.clone(),
        ));
        Ok(Self {
            address,
            admin_address,
            keyring,
            engine,
            shutdown,
            tasks,
        })
    }

    /// Stops accepting, finishes every request and provider call under way, and
    /// returns.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.engine.drain().await;
    }
}

fn make_first_key(keyring: &Keyring, clock: &Clock) -> Result<(), KeyringError> {
    if let Some(kid) = keyring.make_first_key(clock.now())? {
        tracing::warn!(
            "made the first key, {kid}.jwk, in {}. BACK IT UP: whoever has it opens every AuthID, \
             and without it none opens any more",
            keyring.source()
        );
    }
    Ok(())
}
