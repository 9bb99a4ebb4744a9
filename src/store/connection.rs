//! The connection to Redis: one for all commands. When it breaks, the next command makes a
//! new one.

use std::{fmt, future::Future, pin::pin, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, Pipeline, RedisError,
    RedisFuture, ServerErrorKind, TlsMode, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};
use socket2::TcpKeepalive;
use tokio::{sync::Mutex, time::timeout};

use super::{StoreError, StoreUrl, url::Topology};
use crate::clock::{Stopwatch, within};

/// Timeout of a command, including the time to connect.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of a connection attempt. Shorter than [`COMMAND_TIMEOUT`], so that the command
/// that connects sees the failure.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Time after a failed attempt during which no other is made. Commands wait in line for a
/// connection; if each made its own attempt, the last would wait beyond all deadlines.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(250);
/// Silence after which the kernel asks Redis's machine if it is there, and then the pause
/// between two questions.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(10);
const TCP_KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// TCP_USER_TIMEOUT: the kernel gives up a connection whose peer acknowledges nothing, so that
/// no command is delivered long after it was given up.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to one Redis, to the primary that sentinels know, or to a cluster.
pub(super) struct RedisLink {
    target: RedisTarget,
    state: Mutex<LinkState>,
}

enum RedisTarget {
    Single(Client),
    Sentinel(Mutex<SentinelClient>),
    Cluster(ClusterClient),
}

#[derive(Default)]
struct LinkState {
    open: Option<Connection>,
    /// Number of the open connection. A command that failed on an older one does not close
    /// the open one.
    number: u64,
    failure: Option<(Stopwatch, StoreError)>,
}

/// A connection for commands. Clones share it.
#[derive(Clone)]
pub(super) enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl RedisLink {
    /// Prepares a connection to this address. Nothing is sent yet. Fails if TLS cannot be
    /// set up.
    pub(super) fn new(url: &StoreUrl) -> Result<Self, StoreError> {
        Ok(Self {
            target: target(url).map_err(|error| store_error(&error))?,
            state: Mutex::default(),
        })
    }

    /// Runs one command on the open connection, or on a new one. A connection on which a
    /// command is not answered in time takes no further one.
    pub(super) async fn run<T, F>(
        &self,
        command: impl FnOnce(Connection) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, RedisError>>,
    {
        let began = Stopwatch::start();
        let connecting = timeout(COMMAND_TIMEOUT, self.connection()).await;
        let (connection, number) = connecting.unwrap_or(Err(StoreError::TooSlow))?;
        let left = COMMAND_TIMEOUT.saturating_sub(began.elapsed());
        match within(left, pin!(command(connection))).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => {
                if is_of_the_connection(&error) {
                    self.close(number).await;
                }
                Err(store_error(&error))
            }
            None => {
                self.close(number).await;
                Err(StoreError::TooSlow)
            }
        }
    }

    async fn connection(&self) -> Result<(Connection, u64), StoreError> {
        let mut state = self.state.lock().await;
        if let Some(open) = &state.open {
            return Ok((open.clone(), state.number));
        }
        if let Some((since, error)) = &state.failure
            && since.elapsed() < PAUSE_AFTER_FAILURE
        {
            return Err(error.clone());
        }
        let connecting = timeout(CONNECT_TIMEOUT, self.target.connect()).await;
        match connecting {
            Ok(Ok(connection)) => {
                state.number += 1;
                state.failure = None;
                state.open = Some(connection.clone());
                Ok((connection, state.number))
            }
            failed => {
                let error = match failed {
                    Ok(Err(error)) => store_error(&error),
                    _ => StoreError::TooSlow,
                };
                state.failure = Some((Stopwatch::start(), error.clone()));
                Err(error)
            }
        }
    }

    async fn close(&self, number: u64) {
        let mut state = self.state.lock().await;
        if state.number == number {
            state.open = None;
        }
    }
}

fn target(url: &StoreUrl) -> Result<RedisTarget, RedisError> {
    match &url.topology {
        Topology::Single => {
            let node = url.nodes[0].clone().set_tcp_settings(tcp_settings());
            Ok(RedisTarget::Single(Client::open(node)?))
        }
        Topology::Cluster => {
            let cluster = ClusterClient::builder(url.nodes.clone())
                .connection_timeout(CONNECT_TIMEOUT)
                // `RedisLink::run` is earlier. This one ends what it leaves behind.
                .response_timeout(2 * COMMAND_TIMEOUT)
                .tcp_settings(tcp_settings());
            Ok(RedisTarget::Cluster(cluster.build()?))
        }
        Topology::Sentinel(name) => {
            let settings = url.nodes[0].redis_settings();
            let addresses = url.nodes.iter().map(|node| node.addr().clone());
            let mut sentinel =
                SentinelClientBuilder::new(addresses, name, SentinelServerType::Master)?
                    .set_client_to_redis_db(settings.db())
                    .set_client_to_redis_tcp_settings(tcp_settings())
                    .set_client_to_sentinel_tcp_settings(tcp_settings());
            if let Some(username) = settings.username() {
                sentinel = sentinel.set_client_to_redis_username(username);
            }
            if let Some(password) = settings.password() {
                sentinel = sentinel.set_client_to_redis_password(password);
            }
            if let ConnectionAddr::TcpTls { .. } = url.nodes[0].addr() {
                sentinel = sentinel
                    .set_client_to_redis_tls_mode(TlsMode::Secure)
                    .set_client_to_sentinel_tls_mode(TlsMode::Secure);
            }
            Ok(RedisTarget::Sentinel(Mutex::new(sentinel.build()?)))
        }
    }
}

impl RedisTarget {
    async fn connect(&self) -> Result<Connection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            // `RedisLink::run` has the timeout, and looks for the answer once more.
            .set_response_timeout(None);
        match self {
            Self::Single(client) => {
                let connecting = client.get_multiplexed_async_connection_with_config(&config);
                Ok(Connection::One(connecting.await?))
            }
            Self::Sentinel(client) => {
                let mut client = client.lock().await;
                let connecting = client.get_async_connection_with_config(&config);
                Ok(Connection::One(connecting.await?))
            }
            Self::Cluster(client) => Ok(Connection::Cluster(client.get_async_connection().await?)),
        }
    }
}

fn tcp_settings() -> TcpSettings {
    let keep_alive = TcpKeepalive::new()
        .with_time(TCP_KEEP_ALIVE)
        .with_interval(TCP_KEEP_ALIVE_INTERVAL);
    let settings = TcpSettings::default().set_keepalive(keep_alive);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let settings = settings.set_user_timeout(UNACKNOWLEDGED_TIMEOUT);
    settings
}

/// True if a new connection may help: this one is broken or silent, or its server is no
/// longer the primary.
fn is_of_the_connection(error: &RedisError) -> bool {
    let demoted = ErrorKind::Server(ServerErrorKind::ReadOnly);
    error.is_io_error() || error.is_unrecoverable_error() || error.kind() == demoted
}

fn store_error(error: &RedisError) -> StoreError {
    // The library's messages hold addresses, error codes and hashes of scripts, no secret.
    let cause = error.to_string();
    match error.kind() {
        _ if error.is_timeout() => StoreError::TooSlow,
        ErrorKind::Server(_)
        | ErrorKind::Extension
        | ErrorKind::AuthenticationFailed
        | ErrorKind::UnexpectedReturnType => StoreError::Refused { cause },
        _ => StoreError::Unreachable { cause },
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(commands, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisLink")
    }
}
