//! The way in: accepting connections, and letting them go.

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

/// After a failed accept, or with every connection answering, so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);
/// How long connections may take to finish what they began before shutdown.
const DRAIN_DEADLINE: Duration = Duration::from_secs(25);
/// What a process needs besides its connections: files, and connections to
/// providers.
const OTHER_DESCRIPTORS: u64 = 1024;

type Reply = Response<Full<Bytes>>;

/// What answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one that came by a connection from `peer`.
    fn answer(&self, request: &Request<Body>, peer: Peer) -> impl Future<Output = Reply> + Send;
}

/// How many of `wanted` connections this process may have open, after it has asked
/// the system for as many file descriptors as it may.
pub fn make_room(wanted: usize) -> usize {
    let needed = (wanted as u64).saturating_add(OTHER_DESCRIPTORS);
    let allowed = rlimit::increase_nofile_limit(needed).unwrap_or(OTHER_DESCRIPTORS * 2);
    let room = allowed.saturating_sub(OTHER_DESCRIPTORS).max(allowed / 2);
    usize::try_from(room).unwrap_or(usize::MAX).min(wanted)
}

/// One server: where it accepts, and how.
#[derive(Debug)]
pub struct Door {
    /// Where.
    pub listener: Listener,
    /// How many.
    pub connections: Arc<Connections>,
    /// By TLS, or in the clear.
    pub certificate: Option<Arc<Certificate>>,
}

impl Door {
    /// In the clear, with the usual limits, and counted nowhere.
    pub fn plain(listener: Listener) -> Self {
        Self {
            listener,
            connections: Connections::new(Limits::default(), ConnectionMetrics::default()),
            certificate: None,
        }
    }

    /// Serves HTTP/1.1 and HTTP/2 until `shutdown`; then stops accepting, lets every
    /// request under way finish, and returns.
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
        // The kernel has told these clients that they are connected.
        let waiting = self.listener.close();
        // Not before: whoever learns that his connection ends makes a new one at once.
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

/// Waits for a place. With every connection answering, further ones wait in the
/// kernel's queue.
async fn place(connections: &Arc<Connections>) -> Seated {
    loop {
        match connections.admit() {
            Some(seated) => return seated,
            None => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Whoever was to be accepted has gone already.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
