//! The way in: accepting connections, and letting them go.

mod address;
mod body;
mod certificate;
mod connections;
mod listener;
mod unix_socket;

use std::{convert::Infallible, future::Future, io, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode, Version,
    header::{CONNECTION, HOST},
    request,
};
use http_body_util::Full;
use hyper::{
    body::{Body as _, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
};
use tokio_util::{future::FutureExt as _, sync::CancellationToken, task::TaskTracker};

pub use address::{ListenAddress, NotAnAddress};
pub use body::Body;
pub use certificate::{Certificate, CertificateError, CertificateFiles};
pub use connections::{Connections, Limits};
pub use listener::{Listener, Peer};

use crate::telemetry::ConnectionMetrics;
use connections::Seated;
use listener::Stream;

/// The longest AuthID fits thrice, as one that is percent-encoded needs.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_STREAMS: u32 = 100;
/// How much an HTTP/2 peer may send before a handler reads: no more than a form.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// After a failed accept, or with every connection answering, so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);
/// During a shutdown, a connection that has been silent for so long is closed. One
/// that is not gets its answer first, and is told with it that it was the last.
const QUIET: Duration = Duration::from_millis(500);
/// How long connections may take to finish what they began before shutdown.
const DRAIN_DEADLINE: Duration = Duration::from_secs(25);
/// What a process needs besides its connections: files, and connections to
/// providers.
const OTHER_DESCRIPTORS: u64 = 1024;

type Reply = Response<Full<Bytes>>;

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
    pub async fn serve<H, F>(self, handler: H, shutdown: CancellationToken)
    where
        H: Fn(Request<Body>, Peer) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let host = Arc::new(Host {
            http: http(),
            handler,
            certificate: self.certificate,
            shutdown,
            cut: CancellationToken::new(),
        });
        let tasks = TaskTracker::new();
        let spawn = |(stream, peer), seated| {
            let host = host.clone();
            tasks.spawn(async move { host.serve(stream, peer, seated).await });
        };
        loop {
            let accepting = self.listener.accept();
            match accepting.with_cancellation_token(&host.shutdown).await {
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
        while let Some(accepted) = waiting(&self.listener).await {
            spawn(accepted, place(&self.connections).await);
        }
        drop(self.listener);
        tasks.close();
        if tokio::time::timeout(DRAIN_DEADLINE, tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some connections were cut off at the end of the drain deadline");
            host.cut.cancel();
        }
    }
}

/// A connection that waits to be accepted, if there is one.
async fn waiting(listener: &Listener) -> Option<(Stream, Peer)> {
    let at_once = tokio::time::timeout(Duration::ZERO, listener.accept());
    at_once.await.ok()?.ok()
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

fn http() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // `Seated::must_leave` knows better: this one would cut idle connections.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_WINDOW as usize);
    http
}

/// RFC 9112 section 3.2. Whose it is does not matter to us, but proxies that disagree
/// about it can be played off against each other.
fn has_one_host(head: &request::Parts) -> bool {
    head.version < Version::HTTP_11 || head.headers.get_all(HOST).iter().count() == 1
}

fn bad_request() -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = StatusCode::BAD_REQUEST;
    let close = HeaderValue::from_static("close");
    reply.headers_mut().insert(CONNECTION, close);
    reply
}

/// What the connections of one door share.
struct Host<H> {
    http: auto::Builder<TokioExecutor>,
    handler: H,
    certificate: Option<Arc<Certificate>>,
    shutdown: CancellationToken,
    /// The end of the drain deadline.
    cut: CancellationToken,
}

impl<H, F> Host<H>
where
    H: Fn(Request<Body>, Peer) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    async fn serve(&self, stream: Stream, peer: Peer, seated: Seated) {
        let served = async {
            match &self.certificate {
                None => self.speak_http(stream, peer, &seated).await,
                Some(certificate) => match certificate.accept(stream).await {
                    Ok(stream) => self.speak_http(stream, peer, &seated).await,
                    Err(error) => tracing::debug!("no TLS handshake: {error}"),
                },
            }
        };
        tokio::select! {
            () = served => {}
            () = seated.must_leave() => {}
            () = self.cut.cancelled() => {}
        }
    }

    async fn speak_http<S>(&self, stream: S, peer: Peer, seated: &Seated)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let speaks_http2 = Notify::new();
        let service = service_fn(|request: Request<Incoming>| {
            let is_http1 = request.version() < Version::HTTP_2;
            if !is_http1 {
                speaks_http2.notify_one();
            }
            let (handler, shutdown) = (self.handler.clone(), self.shutdown.clone());
            let seat = seated.seat();
            async move {
                let (head, incoming) = request.into_parts();
                let body = match incoming.is_end_stream() {
                    true => Body::Whole(Bytes::new()),
                    false => Body::read(incoming).await,
                };
                let answering = seat.answering();
                let mut reply = match is_http1 && !has_one_host(&head) {
                    true => bad_request(),
                    false => handler(Request::from_parts(head, body), peer).await,
                };
                if is_http1 && shutdown.is_cancelled() {
                    let close = HeaderValue::from_static("close");
                    reply.headers_mut().insert(CONNECTION, close);
                }
                drop(answering);
                Ok::<_, Infallible>(reply)
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let quiet = async {
            self.shutdown.cancelled().await;
            tokio::select! {
                () = seated.has_waited(QUIET) => {}
                // GOAWAY says which requests will still be answered: it goes at once.
                () = speaks_http2.notified() => {}
            }
        };
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = quiet => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!("a connection ended early: {error}");
        }
    }
}
