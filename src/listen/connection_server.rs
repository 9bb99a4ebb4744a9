//! Serves one connection: TLS handshake, requests, responses and shutdown.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

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

use super::{
    Body, Certificate, Handler, Peer,
    listener::Stream,
    slot::{Slot, SlotGuard},
};

/// Three times the longest AuthID, because percent-encoding makes it three times as long.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_STREAMS: u32 = 100;
/// Limits of HTTP/2 streams that a peer resets before a handler sees them, and of streams
/// that the server resets because the peer violates the protocol. Above a limit the
/// connection is closed.
const MAX_EARLY_RESETS: usize = 20;
const MAX_OWN_RESETS: usize = 100;
/// Bytes that an HTTP/2 peer may send before a handler reads them: enough for one form.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024;
/// Idle time after which a connection is closed during a shutdown. An HTTP/1 connection
/// that sends a request before that still gets its response, with `Connection: close`.
const QUIET: Duration = Duration::from_millis(500);

/// State that all connections of one HTTP server share.
pub(super) struct ConnectionServer<H> {
    http: auto::Builder<TokioExecutor>,
    handler: Arc<H>,
    certificate: Option<Arc<Certificate>>,
}

impl<H: Handler> ConnectionServer<H> {
    pub(super) fn new(handler: Arc<H>, certificate: Option<Arc<Certificate>>) -> Self {
        Self {
            http: http(),
            handler,
            certificate,
        }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(self: &Arc<Self>, stream: Stream, peer: Peer, guard: SlotGuard) {
        let served = async {
            match &self.certificate {
                None => self.serve_http(stream, peer, &guard).await,
                Some(certificate) => match certificate.accept(stream).await {
                    Ok(stream) => self.serve_http(stream, peer, &guard).await,
                    Err(error) => tracing::debug!("no TLS handshake: {error}"),
                },
            }
        };
        tokio::select! {
            () = served => {}
            () = guard.must_close() => {}
        }
    }

    async fn serve_http<S>(self: &Arc<Self>, stream: S, peer: Peer, guard: &SlotGuard)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let is_http2 = Notify::new();
        let context = Arc::new(RequestContext {
            server: self.clone(),
            slot: guard.slot.clone(),
            peer,
        });
        let service = service_fn(|request: Request<Incoming>| {
            if request.version() == Version::HTTP_2 {
                is_http2.notify_one();
            }
            let context = context.clone();
            async move { Ok::<_, Infallible>(context.answer(request).await) }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let quiet = async {
            guard.draining().await;
            tokio::select! {
                () = guard.has_waited(QUIET) => {}
                // Send GOAWAY at once: it says which requests will still be answered.
                () = is_http2.notified() => {}
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

/// State that the requests of one connection share. A request clones the `Arc` of this,
/// not that of the shared `ConnectionServer`, whose reference count all threads would write
/// at every request.
struct RequestContext<H> {
    server: Arc<ConnectionServer<H>>,
    slot: Arc<Slot>,
    peer: Peer,
}

impl<H: Handler> RequestContext<H> {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let received = self.slot.request();
        let (head, incoming) = request.into_parts();
        let is_http1 = head.version < Version::HTTP_2;
        let body = match incoming.is_end_stream() {
            true => Body::Whole(Bytes::new()),
            false => Box::pin(Body::read(incoming, size(&head), &self.slot)).await,
        };
        let responding = self.slot.response();
        let mut response = match is_http1 && !has_one_host(&head) {
            true => bad_request(),
            false => {
                let request = Request::from_parts(head, body);
                self.server.handler.answer(&request, self.peer).await
            }
        };
        if is_http1 && responding.is_draining() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        drop(responding);
        received.answered();
        response
    }
}

fn http() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // `SlotGuard::must_close` has the timeouts: this one would also close idle
        // connections.
        .header_read_timeout(None)
        // Without `half_close`, hyper checks for the end of the connection while a
        // request is being answered, and needs another 8 KB for that for each one. With
        // it, a client that half-closes its side still gets its response.
        .half_close(true)
        // Copying a small response behind its head costs less than passing two pieces to
        // the kernel.
        .writev(false)
        .max_buf_size(MAX_HEAD_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_EARLY_RESETS)
        .max_local_error_reset_streams(MAX_OWN_RESETS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_WINDOW as usize);
    http
}

/// True if an HTTP/1.1 request has exactly one Host header (RFC 9112 section 3.2). Its
/// value is not used here, but several values allow attacks on proxies that disagree
/// about which one counts.
fn has_one_host(head: &request::Parts) -> bool {
    head.version < Version::HTTP_11 || head.headers.get_all(HOST).iter().count() == 1
}

/// Returns approximately the memory of a request's head in bytes, at least.
fn size(head: &request::Parts) -> u32 {
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
    let uri = head
        .uri
        .path_and_query()
        .map_or(0, |text| text.as_str().len());
    u32::try_from(headers.sum::<usize>() + uri).unwrap_or(u32::MAX)
}

fn bad_request() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}
