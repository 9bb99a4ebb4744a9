//! SSL_CERT_FILE: which authorities providers are believed by.

use std::sync::Arc;

use authseal::{
    clock::Clock,
    keyring::{KeySource, Keyring},
    listen::{Body, Certificate, CertificateFiles, Handler, HttpServer, Listener, Peer},
};
use bytes::Bytes;
use http::{Request, Response, header::CONTENT_TYPE};
use http_body_util::Full;
use rcgen::{CertificateParams, KeyPair};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{ServerProcess, seal};

/// A token endpoint under https, with a certificate that nobody knows.
struct Provider {
    port: u16,
    folder: tempfile::TempDir,
    _running: DropGuard,
}

/// It asks nothing, and gives everybody the same token.
struct TokenEndpoint;

impl Handler for TokenEndpoint {
    async fn answer(&self, _request: &Request<Body>, _peer: Peer) -> Response<Full<Bytes>> {
        let body =
            r#"{"access_token":"never-print-access","token_type":"Bearer","expires_in":3600}"#;
        let mut answer = Response::new(Full::new(Bytes::from(body)));
        let json = "application/json".parse().unwrap();
        answer.headers_mut().insert(CONTENT_TYPE, json);
        answer
    }
}

impl Provider {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = CertificateFiles {
            chain: folder.path().join("fullchain.pem"),
            key: folder.path().join("privkey.pem"),
        };
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        std::fs::write(&files.chain, certificate.pem()).unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = HttpServer {
            certificate: Some(Certificate::load(files).unwrap().into()),
            ..HttpServer::plain(Listener::from(listener))
        };
        let shutdown = CancellationToken::new();
        tokio::spawn(server.serve(Arc::new(TokenEndpoint), shutdown.clone()));
        Self {
            port,
            folder,
            _running: shutdown.drop_guard(),
        }
    }

    fn certificate(&self) -> String {
        let path = self.folder.path().join("fullchain.pem");
        path.to_str().unwrap().to_owned()
    }
}

/// What a server says that believes the authorities in this file.
async fn refresh(provider: &Provider, authorities: &str) -> (u16, String) {
    let keys = tempfile::tempdir().unwrap();
    let tables = tempfile::NamedTempFile::new().unwrap();
    let url = format!("https://localhost:{}/token", provider.port);
    std::fs::write(
        tables.path(),
        format!("[provider.dropbox]\ntoken_url = {url:?}"),
    )
    .unwrap();
    let server = ServerProcess::start(&[
        ("AUTHSEAL_PUBLIC_URL", "http://localhost"),
        ("AUTHSEAL_LISTEN", "127.0.0.1:0"),
        ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:0"),
        ("AUTHSEAL_KEYS_DIR", keys.path().to_str().unwrap()),
        ("AUTHSEAL_PROVIDERS", tables.path().to_str().unwrap()),
        ("DROPBOX_CLIENT_ID", "id"),
        ("DROPBOX_CLIENT_SECRET", "never-print-secret"),
        ("SSL_CERT_FILE", authorities),
    ])
    .await;
    let keyring = Keyring::load(KeySource::Folder(keys.path().into())).unwrap();
    let now = Clock::system().now();
    let authid = seal(&keyring, now, "dropbox", "never-print-refresh");
    let answer = server.refresh(&authid).await;
    (answer.status.as_u16(), answer.header("x-reason").to_owned())
}

#[tokio::test]
async fn an_authority_of_ones_own_is_believed_and_then_no_other() {
    let (provider, other) = (Provider::start().await, Provider::start().await);
    let (status, reason) = refresh(&provider, &provider.certificate()).await;
    assert_eq!(status, 200, "{reason}");
    let (status, reason) = refresh(&provider, &other.certificate()).await;
    assert_eq!(status, 503);
    assert!(reason.contains("not trusted here"), "{reason}");
    assert!(reason.contains("SSL_CERT_FILE must name"), "{reason}");
}
