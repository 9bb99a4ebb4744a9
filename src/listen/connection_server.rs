//! Serves one connection: TLS handshake, requests, responses and shutdown.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode, Version,
    header::{CONNECTION, HOST},
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
use tokio::time::sleep;

use super::{
    Body, Certificate, Handler, Peer, Unserved,
    lent_stream::LentStream,
    listener::Stream,
    parting::{self, PartingTimes},
    slot::{Slot, SlotGuard},
};
use crate::clock::LastLookTimer;

/// Three times the longest AuthID, because percent-encoding makes it three times as long.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_STREAMS: u32 = 100;
/// Time in which an HTTP/2 client must answer the last PING, if it has no request in progress.
const PING_WITHIN: Duration = Duration::from_secs(2);
/// Silence of an HTTP/2 client after which it gets a PING, and the time for its answer. A client
/// that is gone then takes no place until the end of its idle time.
const PING_AFTER: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(10);
/// Limits of HTTP/2 streams that a peer resets before a handler sees them, and of streams
/// that the server resets because the peer violates the protocol. Above a limit the
/// connection is closed.
const MAX_EARLY_RESETS: usize = 20;
const MAX_OWN_RESETS: usize = 100;
/// Bytes that an HTTP/2 peer may send before a handler reads them: enough for one form.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024;
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
        let stream = match &self.certificate {
            None => stream,
            Some(certificate) => {
                let shaken = tokio::select! {
                    shaken = certificate.accept(stream) => shaken,
                    _ = guard.must_close() => return,
                };
                match shaken {
                    Ok(stream) => Stream::Tls(Box::new(stream)),
                    Err(error) => return tracing::debug!("no TLS handshake: {error}"),
                }
            }
        };
        let closed = self.serve_http(stream, peer, &guard).await;
        let slot = &guard.slot;
        let Some(mut stream) = slot.take_stream() else {
            return;
        };
        match closed {
            _ if slot.was_cut_short() => {
                until_displaced(slot, parting::linger(&mut stream)).await;
            }
            Some(why) => self.part(&mut stream, peer, slot, why).await,
            None => {}
        }
    }

    /// Serves requests until the connection ends. Returns the reason if this server
    /// closes it.
    async fn serve_http(
        self: &Arc<Self>,
        stream: Stream,
        peer: Peer,
        guard: &SlotGuard,
    ) -> Option<Unserved> {
        let slot = &guard.slot;
        let context = Arc::new(RequestContext {
            server: self.clone(),
            slot: slot.clone(),
            peer,
        });
        let service = service_fn(|request: Request<Incoming>| {
            let context = context.clone();
            async move { Ok::<_, Infallible>(context.answer(request).await) }
        });
        let stream = TokioIo::new(LentStream::new(stream, slot.clone()));
        let mut connection = pin!(self.http.serve_connection(stream, service));
        let ended = async {
            let ended = tokio::select! {
                ended = &mut connection => ended,
                () = guard.is_drained() => {
                    if !slot.is_http2() {
                        return Some(Unserved::Stopping);
                    }
                    // GOAWAY says which requests will still be answered.
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        ended = &mut connection => ended,
                        // The client does not answer the PING behind it.
                        () = async {
                            sleep(PING_WITHIN).await;
                            guard.is_quiet().await;
                        } => return None,
                    }
                }
                () = slot.is_cut_short() => return None,
            };
            if let Err(error) = ended {
                tracing::debug!("a connection ended early: {error}");
            }
            None
        };
        tokio::select! {
            closed = ended => closed,
            why = guard.must_close() => Some(why),
        }
    }

    /// Closes an HTTP/1 connection. A request that has begun to arrive gets a response.
    async fn part(&self, stream: &mut Stream, peer: Peer, slot: &Slot, why: Unserved) {
        // A response that is half written must not be followed by another one.
        if slot.is_http2() || slot.is_unwritten() {
            return;
        }
        let times = match slot.place.is_lost() {
            true => PartingTimes::AT_ONCE,
            false => PartingTimes::USUAL,
        };
        let why = match why {
            _ if slot.connections.is_draining() => Unserved::Stopping,
            _ if slot.is_extra => Unserved::Overloaded,
            why => why,
        };
        if slot.is_receiving.load(Relaxed) || parting::says_more(stream, times.listen).await {
            slot.connections.metrics.unserved.inc();
            let response = self.handler.unserved(None, peer, why);
            until_displaced(slot, parting::answer(stream, response, times)).await;
        }
    }
}

/// Ends `parting` when another connection needs the place, but not before it has done all
/// that is possible without waiting.
async fn until_displaced(slot: &Slot, parting: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = parting => {}
        () = slot.displaced.notified() => {}
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
        if !is_http1 {
            self.slot.note_http2_request();
        }
        let mut request = Request::from_parts(head, Body::Broken);
        // The response comes first: most are ready at once, and then the other branch is
        // not even looked at.
        let (mut response, is_last) = tokio::select! {
            biased;
            responded = self.respond(&mut request, incoming) => responded,
            () = self.slot.is_cut_off() => {
                (self.unserved(&request, Unserved::Stopping), true)
            }
        };
        let is_cut_short = matches!(request.body(), Body::Broken | Body::Late);
        if is_http1 && is_cut_short {
            self.slot.note_cut_short();
        }
        if is_http1 && (is_last || is_cut_short) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        received.answered();
        response
    }

    /// Returns the response, and true if it is the last one of the connection.
    async fn respond(
        &self,
        request: &mut Request<Body>,
        incoming: Incoming,
    ) -> (Response<Full<Bytes>>, bool) {
        *request.body_mut() = match incoming.is_end_stream() {
            true => Body::Whole(Bytes::new()),
            false => Box::pin(Body::read(incoming, size(request), &self.slot)).await,
        };
        let responding = self.slot.response();
        let response = if !responding.has_place() {
            self.unserved(request, Unserved::Overloaded)
        } else if matches!(request.body(), Body::Broken | Body::Late)
            && self.slot.connections.is_draining()
        {
            self.unserved(request, Unserved::Stopping)
        } else if matches!(request.body(), Body::Late) {
            self.unserved(request, Unserved::Late)
        } else if !has_one_host(request) {
            bad_request()
        } else {
            self.server.handler.answer(request, self.peer).await
        };
        (response, responding.is_last())
    }

    /// Returns the response to a request that its handler does not answer.
    fn unserved(&self, request: &Request<Body>, why: Unserved) -> Response<Full<Bytes>> {
        self.slot.connections.metrics.unserved.inc();
        self.server.handler.unserved(Some(request), self.peer, why)
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
        .timer(LastLookTimer)
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PONG_WITHIN)
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
fn has_one_host(request: &Request<Body>) -> bool {
    request.version() != Version::HTTP_11 || request.headers().get_all(HOST).iter().count() == 1
}

/// Returns approximately the memory of a request's head in bytes, at least.
fn size(request: &Request<Body>) -> u32 {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
    let uri = request.uri().path_and_query();
    let uri = uri.map_or(0, |text| text.as_str().len());
    u32::try_from(headers.sum::<usize>() + uri).unwrap_or(u32::MAX)
}

fn bad_request() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}
