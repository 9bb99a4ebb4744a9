//! A limit of open connections to all providers together, because each takes a file
//! descriptor. When it is reached, idle connections are closed first; then new ones wait.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, Weak},
    task::{Context, Poll},
};

use arc_swap::ArcSwap;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service;

use super::{
    HttpClient, http_client,
    proxy::{BoxError, Connector},
    stream::OTHER_CALLS,
};

/// The limit, which all clients of a process share.
#[derive(Clone, Debug)]
pub(super) struct ConnectionLimit(Arc<ConnectionBudget>);

#[derive(Debug)]
struct ConnectionBudget {
    free: Arc<Semaphore>,
    // Locked to add a pool and to list them, never across an await.
    pools: Mutex<Vec<Weak<Pool>>>,
}

impl ConnectionLimit {
    pub(super) fn new(connections: usize) -> Self {
        let free = connections.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(ConnectionBudget {
            free: Arc::new(Semaphore::new(free)),
            pools: Mutex::default(),
        }))
    }

    async fn permit(self) -> io::Result<OwnedSemaphorePermit> {
        let free = self.0.free.clone();
        free.acquire_owned().await.map_err(io::Error::other)
    }

    fn is_reached(&self) -> bool {
        self.0.free.available_permits() == 0
    }

    fn close_idle(&self) {
        let live: Vec<_> = self.pools().iter().filter_map(Weak::upgrade).collect();
        live.iter().for_each(|pool| pool.close_idle());
    }

    fn pools(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Pool>>> {
        let pools = self.0.pools.lock();
        pools.expect("nothing panics while holding the lock")
    }
}

/// A client with a pool of idle connections, which can be closed at any time.
#[derive(Debug)]
pub(super) struct Pool {
    connector: LimitedConnector,
    client: ArcSwap<HttpClient>,
}

impl Pool {
    pub(super) fn new(connector: LimitedConnector) -> Arc<Self> {
        let pool = Arc::new(Self {
            client: ArcSwap::from_pointee(http_client(connector.clone())),
            connector,
        });
        pool.connector.limit.pools().push(Arc::downgrade(&pool));
        pool
    }

    pub(super) fn connector(&self) -> &LimitedConnector {
        &self.connector
    }

    /// Returns the client for one request, which may have to wait for a connection. It does
    /// not wait with the old pool, whose idle connections would stay open then.
    pub(super) fn client(&self) -> Arc<HttpClient> {
        if self.connector.limit.is_reached() {
            self.connector.limit.close_idle();
        }
        self.client.load_full()
    }

    /// Begins a new pool. The old one closes its idle connections with the last request
    /// that uses it.
    fn close_idle(&self) {
        self.client
            .store(Arc::new(http_client(self.connector.clone())));
    }
}

/// A connector that connects only within the limit.
#[derive(Clone, Debug)]
pub(super) struct LimitedConnector {
    pub(super) inner: HttpsConnector<Connector>,
    pub(super) limit: ConnectionLimit,
}

type TlsOrPlain = <HttpsConnector<Connector> as Service<Uri>>::Response;

impl Service<Uri> for LimitedConnector {
    type Response = CountedStream<TlsOrPlain>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // Nothing is looked up or opened before this is polled.
        let (permit, mut inner) = (self.limit.clone().permit(), self.inner.clone());
        Box::pin(async move {
            let permit = permit.await?;
            // hyper goes on with a connection that no call waits for any more. A peer that is
            // silent in a handshake must not keep its place.
            let connecting = tokio::time::timeout(OTHER_CALLS, inner.call(uri));
            Ok(CountedStream {
                stream: connecting.await??,
                _permit: permit,
            })
        })
    }
}

/// A connection that counts against the limit until it is closed.
#[derive(Debug)]
pub(super) struct CountedStream<S> {
    stream: S,
    _permit: OwnedSemaphorePermit,
}

impl<S: Connection> Connection for CountedStream<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

impl<S: Read + Unpin> Read for CountedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for CountedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
