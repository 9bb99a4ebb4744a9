//! One connection's life: handshake, requests and answers, and its end.

use std::{convert::Infallible, future::Future, pin::pin, sync::Arc, time::Duration};

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
use tokio_util::sync::CancellationToken;

use super::{Body, Certificate, Peer, Reply, connections::Seated, listener::Stream};

/// The longest AuthID fits thrice, as one that is percent-encoded needs.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_STREAMS: u32 = 100;
/// How much an HTTP/2 peer may send before a handler reads: no more than a form.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024;
/// During a shutdown, a connection that has been silent for so long is closed. One
/// that is not gets its answer first, and is told with it that it was the last.
const QUIET: Duration = Duration::from_millis(500);

/// What the connections of one door share.
pub(super) struct Host<H> {
    http: auto::Builder<TokioExecutor>,
    handler: H,
    certificate: Option<Arc<Certificate>>,
    /// Nobody is accepted any more.
    pub(super) draining: CancellationToken,
    /// The end of the drain deadline.
    pub(super) cut: CancellationToken,
}

impl<H, F> Host<H>
where
    H: Fn(Request<Body>, Peer) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    pub(super) fn new(handler: H, certificate: Option<Arc<Certificate>>) -> Self {
        Self {
            http: http(),
            handler,
            certificate,
            draining: CancellationToken::new(),
            cut: CancellationToken::new(),
        }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(&self, stream: Stream, peer: Peer, seated: Seated) {
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
            let (handler, draining) = (self.handler.clone(), self.draining.clone());
            let seat = seated.seat();
            async move {
                let (head, incoming) = request.into_parts();
                let body = match incoming.is_end_stream() {
                    true => Body::Whole(Bytes::new()),
                    false => Body::read(incoming, size(&head), &seat).await,
                };
                let answering = seat.answering();
                let mut reply = match is_http1 && !has_one_host(&head) {
                    true => bad_request(),
                    false => handler(Request::from_parts(head, body), peer).await,
                };
                if is_http1 && draining.is_cancelled() {
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
            self.draining.cancelled().await;
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

/// About what a head takes in memory, at least.
fn size(head: &request::Parts) -> u32 {
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
    let uri = head
        .uri
        .path_and_query()
        .map_or(0, |text| text.as_str().len());
    u32::try_from(headers.sum::<usize>() + uri).unwrap_or(u32::MAX)
}

fn bad_request() -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = StatusCode::BAD_REQUEST;
    let close = HeaderValue::from_static("close");
    reply.headers_mut().insert(CONNECTION, close);
    reply
}
