//! Duplicati's old web UI with a certificate.

use std::sync::Arc;

use authseal::listen::{Body, Certificate, CertificateFiles, Handler, HttpServer, Peer};
use bytes::Bytes;
use http::{
    HeaderValue, Request, Response,
    header::{CONTENT_TYPE, REFERRER_POLICY},
};
use http_body_util::Full;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::opener::{HOME_NAME, PAGE, old_ui_at};

/// A web server on https that has nothing but that program; it ends when dropped.
pub struct HttpsOpener {
    port: u16,
    _folder: TempDir,
    _running: DropGuard,
}

struct Program;

impl HttpsOpener {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed([HOME_NAME.to_owned()]).unwrap();
        let files = CertificateFiles {
            chain: folder.path().join("fullchain.pem"),
            key: folder.path().join("privkey.pem"),
        };
        std::fs::write(&files.chain, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        let certificate = Certificate::load(files).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shutdown = CancellationToken::new();
        let server = HttpServer {
            certificate: Some(Arc::new(certificate)),
            ..HttpServer::plain(listener.into())
        };
        tokio::spawn(server.serve(Arc::new(Program), shutdown.clone()));
        Self {
            port,
            _folder: folder,
            _running: shutdown.drop_guard(),
        }
    }

    /// It with the authseal at `base`.
    pub fn old_ui(&self, base: &str, token: &str) -> String {
        old_ui_at(&self.origin(), base, "stable", token)
    }

    /// The same, but it has its browser say everywhere whence a link came.
    pub fn telling_ui(&self, base: &str, token: &str) -> String {
        old_ui_at(&format!("{}/telling", self.origin()), base, "stable", token)
    }

    fn origin(&self) -> String {
        format!("https://{HOME_NAME}:{}", self.port)
    }
}

impl Handler for Program {
    async fn answer(&self, request: &Request<Body>, _peer: Peer) -> Response<Full<Bytes>> {
        let mut page = Response::new(Full::from(PAGE));
        let html = "text/html; charset=utf-8".parse().unwrap();
        page.headers_mut().insert(CONTENT_TYPE, html);
        if request.uri().path() == "/telling/" {
            let policy = HeaderValue::from_static("unsafe-url");
            page.headers_mut().insert(REFERRER_POLICY, policy);
        }
        page
    }
}
