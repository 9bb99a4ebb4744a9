//! The HTTP client for all providers.
//!
//! It never follows a redirect, limits the size of responses, and its errors never quote
//! what was sent.

mod connect_fault;
mod connection_limit;
mod payload;
mod proxy;
mod received;
mod roots;
mod stream;

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header::ACCEPT_ENCODING};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{Client, ResponseFuture, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use thiserror::Error;

pub(crate) use payload::Fence;
pub use proxy::{Exceptions, NotAProxy, OutboundProxy};
pub(crate) use received::Received;
pub use roots::{Authorities, NoAuthorities};

use crate::clock::LastLookTimer;
use connect_fault::ConnectFault;
use connection_limit::{ConnectionLimit, LimitedConnector, Pool};
use payload::{Payload, Withholding};
use proxy::Connector;
use stream::CallGuard;

/// Limit of response headers. It is high, because proxies on the way add theirs.
const MAX_HEADERS: usize = 500;
/// Limit of a response body, far above any token response.
const MAX_BODY_BYTES: usize = 256 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// Half of the 90 seconds after which an idle connection is closed at the latest: the pool
/// looks only once in this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(45);
/// Limit of idle connections: as many as calls to one provider may be in progress
/// (`provider::lane`). With fewer, each burst of calls would open new connections.
const IDLE_CONNECTIONS_PER_HOST: usize = 128;
/// TCP_USER_TIMEOUT: the kernel gives up a connection whose peer acknowledges nothing, even
/// after it was closed here. So a request is not delivered long after its call has ended.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(20);
/// Silence after which the kernel asks the peer if it is there, and then the pause between two
/// questions. A firewall may have forgotten the connection.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(15);
const TCP_KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// Silence on an HTTP/2 connection after which a PING is sent, also while no call runs, and the
/// time for its answer. Together shorter than the deadline of a call, so that a call on a dead
/// connection ends while there is time for another one.
const PING_AFTER: Duration = Duration::from_secs(10);
const PONG_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of one response that a provider may send before they are read: the longest one fits.
const STREAM_WINDOW: u32 = MAX_BODY_BYTES as u32;
/// The same for all responses on one HTTP/2 connection. hyper holds small frames in far more
/// memory than they have bytes, and takes fewer of them the smaller this is.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Pause before a second attempt to connect: the host may be restarting, or the resolver
/// may have lost a packet.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Value of `Accept-Encoding` in every request. Without it the host may compress the response (RFC
/// 9110 section 12.5.3), and nothing here could read that.
pub(crate) const UNCOMPRESSED: HeaderValue = HeaderValue::from_static("identity");

/// The way out to the providers.
#[derive(Clone, Debug, Default)]
pub struct WayOut {
    /// The proxy, if there is one.
    pub proxy: OutboundProxy,
    /// Certificate authorities that are trusted.
    pub authorities: Authorities,
}

/// A client with a pool of connections. Clones share the pool.
#[derive(Clone, Debug)]
pub struct Outbound {
    pool: Arc<Pool>,
}

type HttpClient = Client<LimitedConnector, Payload>;

/// Reasons why there is no response. Try again later; with a remedy, tell the administrator.
#[derive(Debug, Error)]
pub enum OutboundError {
    /// No connection could be made (DNS, TCP or TLS). Nothing was sent.
    #[error("no connection to {host}: {cause}")]
    Connect {
        /// Host of the request.
        host: String,
        /// Description of the fault.
        cause: String,
        /// The administrator's remedy, if time does not help: a sentence without a full stop.
        remedy: Option<String>,
    },
    /// The connection was closed before the response was complete.
    #[error("{host} closed the connection before its response was complete")]
    Broken {
        /// Host of the request.
        host: String,
    },
    /// The response is not valid HTTP.
    #[error("the response of {host} is no valid HTTP")]
    NotHttp {
        /// Host of the request.
        host: String,
    },
    /// The response is larger than any token response.
    #[error("the response of {host} has more than {MAX_BODY_BYTES} bytes")]
    TooLarge {
        /// Host of the request.
        host: String,
    },
    /// The fence refused the request. Nothing was sent.
    #[error("nothing was sent")]
    Withheld,
}

impl Outbound {
    /// Creates a client for connections by this way.
    pub fn new(way: WayOut) -> Self {
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        http.set_nodelay(true);
        http.enforce_http(false);
        http.set_tcp_user_timeout(Some(UNACKNOWLEDGED_TIMEOUT));
        http.set_keepalive(Some(TCP_KEEP_ALIVE));
        http.set_keepalive_interval(Some(TCP_KEEP_ALIVE_INTERVAL));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(way.authorities.client_config())
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Connector {
                direct: http,
                proxy: way.proxy,
            });
        let limit = ConnectionLimit::new(usize::MAX);
        Self::over(LimitedConnector {
            inner: connector,
            limit,
        })
    }

    /// Returns a client with the same settings that has at most so many open connections,
    /// together with those that are made of it.
    #[must_use]
    pub fn with_connections(&self, connections: usize) -> Self {
        Self::over(LimitedConnector {
            limit: ConnectionLimit::new(connections),
            ..self.pool.connector().clone()
        })
    }

    /// Returns a client with the same settings and a connection pool of its own. HTTP/2 puts
    /// all requests to one host on one connection, and a server may close it for all of them
    /// if many are cancelled.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self::over(self.pool.connector().clone())
    }

    fn over(connector: LimitedConnector) -> Self {
        Self {
            pool: Pool::new(connector),
        }
    }

    /// Sends a request and reads the whole response. The caller sets the deadline, and drops
    /// the future when it is over. The connection of a call that was given up or broken off
    /// takes no further one, because it may be dead: a firewall has forgotten it, or its peer
    /// accepts no more requests.
    ///
    /// If no connection could be made, nothing was sent, so it is tried once more. A request
    /// that the host may have received is never repeated: it may have used up a refresh
    /// token. (hyper itself takes another connection if an idle one was closed before the
    /// request was written.)
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, OutboundError> {
        let request = request.map(Bytes::from);
        let received = Received::default();
        self.send_fenced(|| request.clone(), None, &received).await
    }

    /// Sends a request as [`Outbound::send`] does, but asks the fence before the body is sent,
    /// and records the part of the response that has arrived in `received`. `request` makes the
    /// request, once more for another try.
    pub async fn send_fenced(
        &self,
        request: impl Fn() -> Request<Bytes>,
        fence: Option<Fence>,
        received: &Received,
    ) -> Result<Response<Bytes>, OutboundError> {
        let first = request();
        // Without a body there is nothing to withhold later.
        if let Some(fence) = fence.as_ref().filter(|_| first.body().is_empty())
            && !fence.ask().await
        {
            return Err(OutboundError::Withheld);
        }
        match self.send_once(first, fence.clone(), received).await {
            Err(OutboundError::Connect { .. }) => {
                let again = async {
                    tokio::time::sleep(RETRY_PAUSE).await;
                    self.send_once(request(), fence, received).await
                };
                // Boxed: few calls are tried again, and each would have room for it.
                Box::pin(again).await
            }
            answer => answer,
        }
    }

    /// Makes the call before the future, which then has no room for the request.
    fn send_once(
        &self,
        request: Request<Bytes>,
        fence: Option<Fence>,
        received: &Received,
    ) -> impl Future<Output = Result<Response<Bytes>, OutboundError>> {
        let mut request = request.map(|body| Payload::new(body, fence));
        request
            .headers_mut()
            .entry(ACCEPT_ENCODING)
            .or_insert(UNCOMPRESSED);
        let guard = CallGuard::of(&mut request);
        let (uri, withholding) = (request.uri().clone(), request.body().withholding());
        // Nothing is sent before it is polled.
        let call = self.pool.client().request(request);
        async move {
            let answer = answer_of(call, &uri, withholding, received).await;
            // A proxy on the way may refuse every call on one connection and none on another.
            let is_broken = matches!(
                answer,
                Err(OutboundError::Broken { .. } | OutboundError::NotHttp { .. })
            );
            if !is_broken {
                guard.answered();
            }
            answer
        }
    }
}

async fn answer_of(
    call: ResponseFuture,
    uri: &Uri,
    withholding: Option<Withholding>,
    received: &Received,
) -> Result<Response<Bytes>, OutboundError> {
    let host = || uri.host().unwrap_or_default().to_owned();
    let response = match call.await {
        Ok(response) => response,
        Err(_) if withholding.is_some_and(|it| it.has_happened()) => {
            return Err(OutboundError::Withheld);
        }
        Err(error) if error.is_connect() => {
            let ConnectFault { cause, remedy } = ConnectFault::of(&error);
            return Err(OutboundError::Connect {
                host: host(),
                cause,
                remedy,
            });
        }
        Err(error) if is_parse_error(&error) => {
            return Err(OutboundError::NotHttp { host: host() });
        }
        Err(_) => return Err(OutboundError::Broken { host: host() }),
    };
    let (head, body) = response.into_parts();
    let body = received.read(head.status, body, host).await?;
    Ok(Response::from_parts(head, body))
}

fn http_client(connector: LimitedConnector) -> HttpClient {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST)
        .timer(LastLookTimer)
        .http2_keep_alive_interval(PING_AFTER)
        .http2_keep_alive_timeout(PONG_WITHIN)
        .http2_keep_alive_while_idle(true)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        // Copying a form behind its head costs less than passing two pieces to the kernel.
        .http1_writev(false)
        // A bad header is no reason to lose the refresh token behind it.
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_max_headers(MAX_HEADERS)
        .build(connector)
}

fn is_parse_error(error: &hyper_util::client::legacy::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(hyper::Error::is_parse)
}
