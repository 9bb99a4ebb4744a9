//! The way to the provider: authseal's own kind of client (src/outbound), without its limits.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::{Request, Uri, body::Bytes};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};

/// A client of one token endpoint. An https URL works, with the certificate authority in
/// SSL_CERT_FILE.
#[derive(Clone)]
pub struct Provider {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    token_url: Uri,
}

impl Provider {
    /// Makes a client with connections of its own.
    pub fn new(token_url: Uri) -> Self {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.enforce_http(false);
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(90))
            .build(connector);
        Self { client, token_url }
    }

    /// Posts a form and returns the body of the answer. A provider that can't be reached is a
    /// broken measurement: the connection is dropped, and the load counts an error.
    pub async fn post(&self, form: Bytes) -> Result<Bytes, hyper::Error> {
        let request = Request::post(self.token_url.clone())
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(form))
            .expect("the headers are valid");
        let answer = self.client.request(request).await;
        let answer = answer.expect("the provider answers");
        Ok(answer.into_body().collect().await?.to_bytes())
    }
}
