//! The least that a hyper server can do which must ask another one: a POST to
//! the provider for every request, and the provider's body as the answer.
//!
//!     bare-forwarder TOKEN_URL FORM_BYTES [NAME: VALUE]...
//!
//! Beside it stands an uncached /refresh. The client is authseal's own kind
//! (src/outbound), without its limits. An https URL works, with the certificate
//! authority in SSL_CERT_FILE.

use std::time::Duration;

use authseal_benches::{arguments, expect, headers, ok, random_token, serve};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Uri, body::Bytes};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

type Provider = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

#[tokio::main]
async fn main() {
    let mut arguments = arguments();
    let url: Uri = expect(&mut arguments, "TOKEN_URL");
    let form = form_of(expect(&mut arguments, "FORM_BYTES"));
    let headers = headers(arguments);
    let provider = provider();
    serve(move |_request| {
        let (provider, headers) = (provider.clone(), headers.clone());
        let request = token_request(url.clone(), form.clone());
        async move {
            // A provider that can't be reached is a broken measurement: the
            // connection is dropped, and wrk counts an error.
            let response = provider
                .request(request)
                .await
                .expect("the provider answers");
            let body = response.into_body().collect().await?.to_bytes();
            Ok(ok(&headers, body))
        }
    })
    .await;
}

fn token_request(url: Uri, form: Bytes) -> Request<Full<Bytes>> {
    Request::post(url)
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(form))
        .expect("the headers are valid")
}

/// A refresh request (RFC 6749 section 6) of exactly this many bytes, or the
/// least possible.
fn form_of(bytes: usize) -> Bytes {
    let frame = "grant_type=refresh_token&refresh_token=";
    let token = random_token(bytes.saturating_sub(frame.len()));
    Bytes::from(format!("{frame}{token}"))
}

fn provider() -> Provider {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    http.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_native_roots()
        .expect("the system has certificates")
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(90))
        .build(connector)
}
