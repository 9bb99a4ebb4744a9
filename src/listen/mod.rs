//! Incoming connections: listening sockets, TLS, HTTP, limits and graceful shutdown.

mod address;
mod body;
mod certificate;
mod connection_server;
mod connections;
mod listener;
mod slot;
mod unix_socket;

use std::{future::Future, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio_util::{future::FutureExt as _, sync::CancellationToken, task::TaskTracker};

pub(crate) use address::ListenAddress;
pub use body::Body;
pub use certificate::{Certificate, CertificateFiles};
pub(crate) use connections::Connections;
pub use connections::Limits;
pub use listener::{Listener, Peer};

use crate::telemetry::ConnectionMetrics;
use connection_server::ConnectionServer;
use slot::SlotGuard;

/// Pause after a failed accept, or while every connection is answering, to avoid a busy
/// loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);
/// Timeout for requests that are in progress when the shutdown starts.
const DRAIN_DEADLINE: Duration = Duration::from_secs(25);
/// File descriptors that a process needs besides its connections: for files, and for
/// connections to providers.
const OTHER_DESCRIPTORS: u64 = 1024;

/// A service that answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request from a connection of `peer`.
    fn answer(
        &self,
        request: &Request<Body>,
        peer: Peer,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// Raises the limit of file descriptors as far as the system allows, and returns how many
/// of the `wanted` connections this process may have open.
pub fn raise_descriptor_limit(wanted: usize) -> usize {
    let needed = (wanted as u64).saturating_add(OTHER_DESCRIPTORS);
    let allowed = rlimit::increase_nofile_limit(needed).unwrap_or(OTHER_DESCRIPTORS * 2);
    let connections = allowed.saturating_sub(OTHER_DESCRIPTORS).max(allowed / 2);
    usize::try_from(connections)
        .unwrap_or(usize::MAX)
        .min(wanted)
}

/// An HTTP server: a listening socket with its limits and its certificate.
#[derive(Debug)]
pub struct HttpServer {
    /// The listening socket.
    pub listener: Listener,
    /// The open connections and their limit.
    pub connections: Arc<Connections>,
    /// The TLS certificate; `None` for plain http.
    pub certificate: Option<Arc<Certificate>>,
}

impl HttpServer {
    /// Creates a server for plain http, with the default limits and without metrics.
    pub fn plain(listener: Listener) -> Self {
        Self {
            listener,
            connections: Connections::new(Limits::default(), ConnectionMetrics::default()),
            certificate: None,
        }
    }

    /// Serves HTTP/1.1 and HTTP/2 until `shutdown`. Then it stops accepting, lets every
    /// request in progress finish, and returns; connections that take longer than
    /// `DRAIN_DEADLINE` are cut off.
    pub async fn serve<H: Handler>(self, handler: Arc<H>, shutdown: CancellationToken) {
        let server = Arc::new(ConnectionServer::new(handler, self.certificate));
        let tasks = TaskTracker::new();
        let spawn = |(stream, peer), guard| {
            let server = server.clone();
            tasks.spawn(async move { server.serve(stream, peer, guard).await });
        };
        loop {
            let accepting = self.listener.accept();
            match accepting.with_cancellation_token(&shutdown).await {
                None => break,
                Some(Ok(accepted)) => spawn(accepted, free_slot(&self.connections).await),
                Some(Err(error)) if is_client_fault(&error) => {}
                Some(Err(error)) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    self.connections.free_descriptor();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        // The kernel has already established these connections, so they must be served.
        let pending = self.listener.close();
        // Drain only now that the socket is closed: a client whose connection is closed
        // connects again at once.
        self.connections.drain();
        for accepted in pending {
            spawn(accepted, free_slot(&self.connections).await);
        }
        tasks.close();
        if tokio::time::timeout(DRAIN_DEADLINE, tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some connections were cut off at the end of the drain deadline");
            self.connections.close_all();
        }
    }
}

/// Waits for a slot. While every connection is answering, new ones wait in the kernel's
/// queue.
async fn free_slot(connections: &Arc<Connections>) -> SlotGuard {
    loop {
        match connections.admit() {
            Some(guard) => return guard,
            None => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// True if the accept failed because the client is gone already, or was only interrupted.
fn is_client_fault(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
