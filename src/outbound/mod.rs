//! The way out: one HTTP client for all providers.
//!
//! It never follows a redirect, reads no more than a token answer can need, and
//! says what failed without quoting what was sent.

mod payload;
mod proxy;
mod received;
mod roots;

use std::{error::Error as _, sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::ACCEPT_ENCODING};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use thiserror::Error;

pub use payload::Fence;
pub use proxy::{NotAProxy, OutboundProxy};
pub use received::Received;
pub use roots::{NoRoots, check_roots};

use payload::Payload;
use proxy::Connector;

/// Proxies on the way add theirs.
const MAX_HEADERS: usize = 500;
/// No provider's token answer comes near this.
const MAX_BODY_BYTES: usize = 256 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// As many as calls to one provider may be under way at once (`provider::lane`): below
/// that, each burst opens new ones, and above it they are of no use.
const IDLE_CONNECTIONS_PER_HOST: usize = 128;
/// The kernel gives a connection up whose peer has acknowledged nothing for so long, also
/// after we closed it: what was sent is not delivered long after its call has ended.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(20);
/// Before a connection is tried a second time: a host that restarts, or a resolver
/// that lost a packet.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Sends requests to providers, over connections that it keeps.
#[derive(Clone, Debug)]
pub struct Outbound {
    connector: HttpsConnector<Connector>,
    client: Client<HttpsConnector<Connector>, Payload>,
}

/// Why there is no answer. Try again later, or look at the network.
#[derive(Debug, Error)]
pub enum OutboundError {
    /// No connection: DNS, TCP or TLS. Nothing was sent.
    #[error("no connection to {host}: {cause}")]
    Connect {
        /// The host that was to be reached.
        host: String,
        /// The system's or TLS library's words.
        cause: String,
    },
    /// The connection broke before the answer was whole.
    #[error("{host} broke off the connection")]
    Broken {
        /// The host that was asked.
        host: String,
    },
    /// The answer is not HTTP, or contradicts itself.
    #[error("{host} answered with what is no valid HTTP")]
    NotHttp {
        /// The host that was asked.
        host: String,
    },
    /// The answer is larger than any token answer.
    #[error("{host} answered with more than {MAX_BODY_BYTES} bytes")]
    TooLarge {
        /// The host that was asked.
        host: String,
    },
    /// The fence refused at the last moment. Nothing was sent.
    #[error("nothing was sent")]
    Withheld,
}

impl Outbound {
    /// A client that trusts the system's certificates, or the built-in ones
    /// where the system has none, and goes through the proxy, if there is one.
    pub fn new(proxy: OutboundProxy) -> Self {
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        http.set_nodelay(true);
        http.enforce_http(false);
        http.set_tcp_user_timeout(Some(UNACKNOWLEDGED_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(roots::client_config())
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(Connector {
                direct: http,
                proxy,
            });
        Self::over(connector)
    }

    /// The same way out, over connections of its own. HTTP/2 puts all requests to one host
    /// on one connection, and whoever cancels many of them can have it closed for all.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self::over(self.connector.clone())
    }

    fn over(connector: HttpsConnector<Connector>) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_PER_HOST)
            // To copy a form behind its head costs less than two pieces cost the kernel.
            .http1_writev(false)
            // A bad header is no reason to lose the refresh token behind it.
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_max_headers(MAX_HEADERS)
            .build(connector.clone());
        Self { connector, client }
    }

    /// Sends one request and reads the whole answer. The caller sets the deadline.
    ///
    /// If no connection could be made, nothing was sent, so it is tried once more.
    /// A request that was perhaps received never is: it may have used a refresh token
    /// up. (hyper itself takes another connection when a kept one turns out to be
    /// closed before the request was written.)
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, OutboundError> {
        self.send_fenced(request, None, &Received::default()).await
    }

    /// The same, asking the fence before the body is sent, and noting what comes of the
    /// answer as it comes.
    pub async fn send_fenced(
        &self,
        request: Request<Vec<u8>>,
        fence: Option<Fence>,
        received: &Received,
    ) -> Result<Response<Bytes>, OutboundError> {
        // Without a body there is nothing to hold back later.
        if let Some(fence) = fence.as_ref().filter(|_| request.body().is_empty())
            && !fence.ask().await
        {
            return Err(OutboundError::Withheld);
        }
        let mut request = request.map(|body| Payload::new(body, fence));
        // Who is not told otherwise may compress (RFC 9110 section 12.5.3), and nothing here
        // could read that.
        let identity = HeaderValue::from_static("identity");
        request.headers_mut().insert(ACCEPT_ENCODING, identity);
        match self.send_once(request.clone(), received).await {
            Err(OutboundError::Connect { .. }) => {
                tokio::time::sleep(RETRY_PAUSE).await;
                self.send_once(request, received).await
            }
            answer => answer,
        }
    }

    async fn send_once(
        &self,
        request: Request<Payload>,
        received: &Received,
    ) -> Result<Response<Bytes>, OutboundError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let was_withheld = request.body().was_withheld();
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(_) if was_withheld.load(Ordering::Acquire) => return Err(OutboundError::Withheld),
            Err(error) if error.is_connect() => {
                return Err(OutboundError::Connect {
                    host,
                    cause: root_cause(&error),
                });
            }
            Err(error) if is_of_parsing(&error) => return Err(OutboundError::NotHttp { host }),
            Err(_) => return Err(OutboundError::Broken { host }),
        };
        let (head, body) = response.into_parts();
        let body = received.read(head.status, body, &host).await?;
        Ok(Response::from_parts(head, body))
    }
}

fn is_of_parsing(error: &hyper_util::client::legacy::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(hyper::Error::is_parse)
}

/// A connect error's outer layers only say that connecting failed; the last one
/// says why ("Connection refused", "invalid peer certificate").
fn root_cause(error: &hyper_util::client::legacy::Error) -> String {
    let mut cause = error.source();
    let mut text = String::from("unknown cause");
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}
