//! The outbound proxy (`HTTPS_PROXY`, `ALL_PROXY`): its address, and connections through it.

mod address;
mod exceptions;
mod no_tunnel;

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::Empty;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

pub use address::NotAProxy;
pub use exceptions::Exceptions;
use no_tunnel::NoTunnel;

use crate::public_url::is_loopback;

use super::{
    connect_fault::{ProxyFault, root_cause},
    stream::ProviderStream,
};

/// The proxy, and the hosts that are reached without it. Connections to providers are
/// tunnelled through the proxy (CONNECT, RFC 9110 section 9.3.6), so that it sees only host
/// names.
#[derive(Clone, Default)]
pub struct OutboundProxy(Option<Arc<Proxy>>);

/// A parsed proxy. Connections are made from these values, and from nothing else: a text
/// that was parsed twice could be accepted by one parser and dropped by the other, and the
/// requests would go past the proxy.
struct Proxy {
    /// Name of the variable that the proxy comes from, for errors.
    variable: String,
    /// `http://host:port/`, without user and password.
    address: Uri,
    /// Value of `Proxy-Authorization`, marked as sensitive.
    authorization: Option<HeaderValue>,
    exceptions: Exceptions,
}

impl OutboundProxy {
    /// Parses the text of `variable`, such as HTTPS_PROXY: `http://user:password@host:port`.
    /// The user may have a Windows domain in front, and both may be percent-encoded.
    pub fn parse(variable: &str, text: &str, exceptions: Exceptions) -> Result<Self, NotAProxy> {
        let (address, authorization) = address::parse(text)?;
        Ok(Self(Some(Arc::new(Proxy {
            variable: variable.to_owned(),
            address,
            authorization,
            exceptions,
        }))))
    }

    /// Returns `host:port` of the proxy for a request to this URL; `None` if the host is
    /// connected to directly.
    pub fn route(&self, uri: &Uri) -> Option<&str> {
        let authority = self.proxy_for(uri)?.address.authority();
        authority.map(|authority| authority.as_str())
    }

    /// Returns the variable of the proxy for a request to this URL; `None` if the host is
    /// connected to directly.
    pub fn variable_for(&self, uri: &Uri) -> Option<&str> {
        Some(&self.proxy_for(uri)?.variable)
    }

    /// Describes the proxy without its password; `None` if there is none.
    pub fn describe(&self) -> Option<String> {
        let proxy = self.0.as_ref()?;
        let user = match &proxy.authorization {
            Some(_) => ", with a user and password",
            None => "",
        };
        let (address, variable) = (&proxy.address, &proxy.variable);
        let exceptions = match proxy.exceptions.is_empty() {
            true => String::new(),
            false => format!(", except for {}", proxy.exceptions),
        };
        Some(format!("{address} ({variable}{user}){exceptions}"))
    }

    /// Plain http to this machine is the only traffic that needs no exception: the proxy has
    /// another loopback.
    fn proxy_for(&self, uri: &Uri) -> Option<&Proxy> {
        let proxy = self.0.as_deref()?;
        let is_plain = uri.scheme_str() == Some("http");
        let is_here = is_plain && Url::parse(&uri.to_string()).is_ok_and(|url| is_loopback(&url));
        let is_direct = is_here || proxy.exceptions.include(uri.host()?, port(uri));
        (!is_direct).then_some(proxy)
    }
}

fn port(uri: &Uri) -> u16 {
    let usual = match uri.scheme_str() {
        Some("http") => 80,
        _ => 443,
    };
    uri.port_u16().unwrap_or(usual)
}

/// Leaves out the password.
impl fmt::Debug for OutboundProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let described = self.describe();
        write!(
            f,
            "OutboundProxy({})",
            described.as_deref().unwrap_or("none")
        )
    }
}

/// Connects by TCP, to the host itself or through the proxy.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) direct: HttpConnector,
    pub(super) proxy: OutboundProxy,
}

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

impl Service<Uri> for Connector {
    type Response = TokioIo<ProviderStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.direct.poll_ready(context).map_err(BoxError::from)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Some(proxy) = self.proxy.proxy_for(&uri) else {
            let connecting = self.direct.call(uri);
            return Box::pin(async move { Ok(watched(connecting.await?)) });
        };
        let variable = proxy.variable.clone();
        let authorization = proxy.authorization.clone();
        let connecting = self.direct.call(proxy.address.clone());
        Box::pin(async move {
            let stream = connecting.await.map_err(|error| root_cause(&error));
            let tunnelled = match stream {
                Ok(stream) => tunnel(stream, &uri, authorization).await,
                Err(cause) => Err(NoTunnel::now(format!("it cannot be reached: {cause}"))),
            };
            let failed = |NoTunnel { cause, is_lasting }| ProxyFault {
                variable,
                cause,
                is_lasting,
            };
            Ok(watched(tunnelled.map_err(failed)?))
        })
    }
}

/// Asks the proxy for a tunnel to the host of `uri`.
async fn tunnel(
    stream: TokioIo<TcpStream>,
    uri: &Uri,
    authorization: Option<HeaderValue>,
) -> Result<TokioIo<TcpStream>, NoTunnel> {
    let no_http = |_| NoTunnel::now("it does not answer in HTTP");
    let host = uri.host().unwrap_or_default();
    let host = format!("{host}:{}", port(uri));
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(&host)
        .header(header::HOST, &host)
        .body(Empty::<Bytes>::new())
        .map_err(|error| NoTunnel::now(error.to_string()))?;
    let has_password = authorization.is_some();
    if let Some(authorization) = authorization {
        let headers = request.headers_mut();
        headers.insert(header::PROXY_AUTHORIZATION, authorization);
    }
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .map_err(no_http)?;
    // Ends with the tunnel, which takes the stream over, or with the sender's drop.
    tokio::spawn(connection.with_upgrades());
    let answer = sender.send_request(request).await.map_err(no_http)?;
    if !answer.status().is_success() {
        return Err(NoTunnel::of_answer(&answer, has_password));
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(no_http)?;
    let parts = upgraded.downcast::<TokioIo<TcpStream>>();
    let parts = parts.map_err(|_| NoTunnel::now("its connection is of another kind"))?;
    // A TLS server waits for the client. Bytes in front of its answer are not the host's.
    match parts.read_buf.is_empty() {
        true => Ok(parts.io),
        false => Err(NoTunnel::now("it sent more than an answer to CONNECT")),
    }
}

fn watched(stream: TokioIo<TcpStream>) -> TokioIo<ProviderStream> {
    TokioIo::new(ProviderStream::new(stream.into_inner()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(proxy: &str, no_proxy: &str, url: &str, expected: Option<&str>) {
        let (exceptions, ignored) = Exceptions::parse(no_proxy);
        assert!(ignored.is_empty(), "{ignored:?}");
        let proxy = OutboundProxy::parse("HTTPS_PROXY", proxy, exceptions).unwrap();
        let route = proxy.route(&url.parse().unwrap()).map(str::to_owned);
        assert_eq!(route.as_deref(), expected, "{url}");
    }

    #[test]
    fn a_host_is_reached_through_the_proxy_unless_it_is_listed() {
        let proxy = Some("proxy:3128");
        check("http://proxy:3128", "", "https://a.example/token", proxy);
        check("proxy:3128", "", "https://a.example/token", proxy);
        check("proxy:3128", "", "http://a.example/token", proxy);
        check("proxy:3128", "example", "https://a.example/token", None);
        check("proxy:3128", "*", "https://a.example/token", None);
        check("proxy:3128", "", "http://127.0.0.1:8090/token", None);
        check("proxy:3128", "", "https://127.0.0.1:8090/token", proxy);
    }

    #[test]
    fn its_password_is_not_printed() {
        let text = "http://user:never-print@proxy:3128";
        let proxy = OutboundProxy::parse("ALL_PROXY", text, Exceptions::default()).unwrap();
        let shown = "http://proxy:3128/ (ALL_PROXY, with a user and password)";
        assert_eq!(proxy.describe().as_deref(), Some(shown));
        assert!(!format!("{proxy:?}").contains("never-print"));
    }
}
