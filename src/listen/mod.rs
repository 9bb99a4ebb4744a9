//! Incoming connections: listening sockets, TLS, HTTP, limits and graceful shutdown.

mod address;
mod body;
mod certificate;
mod connections;
mod host;
mod listener;
mod seat;
mod unix_socket;

use std::{future::Future, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio_util::{future::FutureExt as _, sync::CancellationToken, task::TaskTracker};

pub use address::{ListenAddress, NotAnAddress};
pub use body::Body;
pub use certificate::{Certificate, CertificateError, CertificateFiles};
pub use connections::{Connections, Limits};
pub use listener::{Listener, Peer};

use crate::telemetry::ConnectionMetrics;
use host::Host;
use seat::Seated;

/// Pause after a failed accept, or while every connection is answering, to avoid a busy
/// loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);
/// Timeout for requests that are in progress when the shutdown starts.
const DRAIN_DEADLINE: Duration = Duration::from_secs(25);
/// File descriptors that a process needs besides its connections: for files, and for
/// connections to providers.
const OTHER_DESCRIPTORS: u64 = 1024;

type Reply = Response<Full<Bytes>>;

/// A service that answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request from a connection of `peer`.
    fn answer(&self, request: &Request<Body>, peer: Peer) -> impl Future<Output = Reply> + Send;
}

/// Raises the limit of file descriptors as far as the system allows, and returns how many
/// of the `wanted` connections this process may have open.
pub fn make_room(wanted: usize) -> usize {
    let needed = (wanted as u64).saturating_add(OTHER_DESCRIPTORS);
    let allowed = rlimit::increase_nofile_limit(needed).unwrap_or(OTHER_DESCRIPTORS * 2);
    let room = allowed.saturating_sub(OTHER_DESCRIPTORS).max(allowed / 2);
    usize::try_from(room).unwrap_or(usize::MAX).min(wanted)
}

/// One server: a listening socket with its limits and its certificate.
#[derive(Debug)]
pub struct Door {
    /// The listening socket.
    pub listener: Listener,
    /// The open connections and their limit.
    pub connections: Arc<Connections>,
    /// The TLS certificate; `None` for plain http.
    pub certificate: Option<Arc<Certificate>>,
}

impl Door {
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
        let host = Arc::new(Host::new(handler, self.certificate));
        let tasks = TaskTracker::new();
        let spawn = |(stream, peer), seated| {
            let host = host.clone();
            tasks.spawn(async move { host.serve(stream, peer, seated).await });
        };
        loop {
            let accepting = self.listener.accept();
            match accepting.with_cancellation_token(&shutdown).await {
                None => break,
                Some(Ok(accepted)) => spawn(accepted, place(&self.connections).await),
                Some(Err(error)) if is_the_clients(&error) => {}
                Some(Err(error)) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    self.connections.make_room();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        // The kernel has already established these connections, so they must be served.
        let waiting = self.listener.close();
        // Drain only now that the socket is closed: a client whose connection is closed
        // connects again at once.
        self.connections.drain();
        for accepted in waiting {
            spawn(accepted, place(&self.connections).await);
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

/// Waits for a seat. While every connection is answering, new ones wait in the kernel's
/// queue.
async fn place(connections: &Arc<Connections>) -> Seated {
    loop {
        match connections.admit() {
            Some(seated) => return seated,
            None => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// True if the accept failed because the client is gone already, or was only interrupted.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
