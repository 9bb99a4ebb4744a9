//! Connections through an outbound proxy (`HTTPS_PROXY`, `NO_PROXY`).

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::Uri;
use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, proxy::Tunnel},
        proxy::matcher::Matcher,
    },
    rt::TokioIo,
};
use thiserror::Error;
use tokio::net::TcpStream;
use tower_service::Service;

/// The proxy, and the hosts that are reached without it. Connections to providers are
/// tunnelled through the proxy (CONNECT, RFC 9110 section 9.3.6), so that it sees only host
/// names.
#[derive(Clone, Default)]
pub struct OutboundProxy(Option<Arc<Matcher>>);

/// The text is not the address of a usable proxy.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("is not the address of a proxy; write it like http://proxy.example.com:3128")]
pub struct NotAProxy;

impl OutboundProxy {
    /// Parses `HTTPS_PROXY` and `NO_PROXY` as curl does: the first may contain a user and
    /// password, the second lists host names, domains and networks.
    pub fn parse(https_proxy: &str, no_proxy: &str) -> Result<Self, NotAProxy> {
        let text = match https_proxy.contains("://") {
            true => https_proxy.to_owned(),
            false => format!("http://{https_proxy}"),
        };
        let url = url::Url::parse(&text).map_err(|_| NotAProxy)?;
        if url.scheme() != "http" || !url.has_host() {
            return Err(NotAProxy);
        }
        let matcher = Matcher::builder().https(text).no(no_proxy.to_owned());
        Ok(Self(Some(Arc::new(matcher.build()))))
    }
}

/// Leaves out the address, which may contain a password.
impl fmt::Debug for OutboundProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(_) => f.write_str("OutboundProxy(set)"),
            None => f.write_str("OutboundProxy(none)"),
        }
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
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.direct.poll_ready(context).map_err(BoxError::from)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let proxy = self
            .proxy
            .0
            .as_ref()
            .and_then(|proxy| proxy.intercept(&uri));
        let Some(proxy) = proxy else {
            let connecting = self.direct.call(uri);
            return Box::pin(async move { Ok(connecting.await?) });
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.direct.clone());
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let connecting = tunnel.call(uri);
        Box::pin(async move {
            let failed = |error| format!("through the proxy of HTTPS_PROXY: {error}");
            connecting.await.map_err(|error| failed(error).into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(https_proxy: &str, no_proxy: &str, host: &str, expected: Option<&str>) {
        let OutboundProxy(matcher) = OutboundProxy::parse(https_proxy, no_proxy).unwrap();
        let uri = format!("https://{host}/token").parse().unwrap();
        let proxy = matcher.unwrap().intercept(&uri);
        let proxy = proxy.map(|proxy| proxy.uri().to_string());
        assert_eq!(proxy.as_deref(), expected, "{host}");
    }

    #[test]
    fn a_host_is_reached_through_the_proxy_unless_it_is_listed() {
        let proxy = Some("http://proxy:3128/");
        check("http://proxy:3128", "", "a.example", proxy);
        check("proxy:3128", "", "a.example", proxy);
        check("http://user:word@proxy:3128", "", "a.example", proxy);
        check("proxy:3128", "example", "a.example", None);
        check("proxy:3128", "10.0.0.0/8, .lan", "10.1.2.3", None);
        check("proxy:3128", "*", "a.example", None);
    }

    #[test]
    fn what_is_no_http_proxy_is_refused() {
        for wrong in ["", "https://proxy:3128", "socks5://proxy:1080", "http://"] {
            assert_eq!(
                OutboundProxy::parse(wrong, "").unwrap_err(),
                NotAProxy,
                "{wrong}"
            );
        }
    }

    #[test]
    fn its_password_is_not_printed() {
        let proxy = OutboundProxy::parse("http://user:never-print@proxy:3128", "").unwrap();
        assert!(!format!("{proxy:?}").contains("never-print"));
    }
}
