//! Incoming connections: listening sockets, TLS, HTTP, limits and graceful shutdown.

mod address;
mod body;
mod certificate;
mod connection_server;
mod connections;
mod lent_stream;
mod listener;
mod parting;
mod place;
mod request_guards;
mod slot;
mod unix_socket;
mod validity;

use std::{future::Future, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio_util::{future::FutureExt as _, sync::CancellationToken, task::TaskTracker};

pub(crate) use address::{ListenAddress, tcp_address};
pub use body::Body;
pub use certificate::{Certificate, CertificateFiles};
pub(crate) use connections::Connections;
pub use connections::Limits;
pub use listener::{Listener, Peer};
pub use validity::CertificateFlaw;

use crate::{clock::Stopwatch, telemetry::ConnectionMetrics};
use connection_server::ConnectionServer;
use slot::SlotGuard;

/// Pause while every connection is answering, to avoid a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);
/// Pause after a failed accept.
const FAILURE_PAUSE: Duration = Duration::from_millis(50);
/// Time without a failed accept after which the next one is reported again.
const MENDED_AFTER: Duration = Duration::from_secs(10);
/// Timeout of the responses to requests that were in progress at the end of a shutdown.
const LAST_RESPONSES: Duration = Duration::from_secs(2);

/// A service that answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request from a connection of `peer`.
    fn answer(
        &self,
        request: &Request<Body>,
        peer: Peer,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;

    /// Answers a request from `peer` at once, without its work. `request` is `None` if not
    /// even its head is complete.
    fn unserved(
        &self,
        request: Option<&Request<Body>>,
        peer: Peer,
        why: Unserved,
    ) -> Response<Full<Bytes>> {
        let _ = (request, peer, why);
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    }
}

/// Reason why a request is answered without its handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unserved {
    /// The server is shutting down.
    Stopping,
    /// There are too many connections.
    Overloaded,
    /// The request did not arrive in time.
    Late,
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
    /// Cancelled to end a shutdown at once.
    pub hurry: CancellationToken,
}

impl HttpServer {
    /// Creates a server for plain http, with the default limits and without metrics.
    pub fn plain(listener: Listener) -> Self {
        Self::limited(listener, Limits::default())
    }

    /// Creates a server for plain http without metrics.
    pub fn limited(listener: Listener, limits: Limits) -> Self {
        Self {
            listener,
            connections: Connections::new(limits, ConnectionMetrics::default()),
            certificate: None,
            hurry: CancellationToken::new(),
        }
    }

    /// Serves HTTP/1.1 and HTTP/2 until `shutdown`. Then it stops accepting, lets every
    /// request in progress finish, and returns. Requests that take longer than
    /// [`Limits::drain`], or until `hurry`, get a 502.
    pub async fn serve<H: Handler>(self, handler: Arc<H>, shutdown: CancellationToken) {
        let server = Arc::new(ConnectionServer::new(handler, self.certificate));
        let tasks = TaskTracker::new();
        let spawn = |(stream, peer), guard| {
            let server = server.clone();
            tasks.spawn(async move { server.serve(stream, peer, guard).await });
        };
        let mut failure = None;
        loop {
            let accepting = self.listener.accept();
            match accepting.with_cancellation_token(&shutdown).await {
                None => break,
                Some(Ok(accepted)) => {
                    note_success(&mut failure);
                    spawn(accepted, free_slot(&self.connections).await);
                }
                Some(Err(error)) if is_client_fault(&error) => {}
                Some(Err(error)) => {
                    note_failure(&mut failure, &error);
                    self.connections.free_descriptor();
                    tokio::time::sleep(FAILURE_PAUSE).await;
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
        let drained = tokio::time::timeout(self.connections.limits.drain, tasks.wait());
        if let Some(Ok(())) = drained.with_cancellation_token(&self.hurry).await {
            return;
        }
        tracing::warn!("requests in progress are answered with 502: the shutdown ends");
        self.connections.cut_off();
        let _ = tokio::time::timeout(LAST_RESPONSES, tasks.wait()).await;
        self.connections.close_all();
    }
}

/// Waits for a slot. While every connection is answering, and those above the limit are
/// taken, new ones wait in the kernel's queue.
async fn free_slot(connections: &Arc<Connections>) -> SlotGuard {
    loop {
        match connections.admit() {
            Some(guard) => return guard,
            None => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Reports the first of several failed accepts.
fn note_failure(last: &mut Option<Stopwatch>, error: &io::Error) {
    if last.replace(Stopwatch::start()).is_none() {
        tracing::warn!("no connection can be accepted, so new ones wait: {error}");
    }
}

fn note_success(last: &mut Option<Stopwatch>) {
    if last.is_some_and(|last| last.elapsed() > MENDED_AFTER) {
        *last = None;
        tracing::info!("connections are accepted again");
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
