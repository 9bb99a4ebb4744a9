//! The storage behind a remote: a proxy through which rclone reaches Google, Dropbox,
//! Box and Microsoft, and which answers in their place, with one file.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

const HOSTS: [&str; 4] = [
    "www.googleapis.com",
    "api.dropboxapi.com",
    "api.box.com",
    "graph.microsoft.com",
];

/// The one file, everywhere.
pub const FILE: &str = "hello.txt";

type AccessTokens = Arc<Mutex<Vec<String>>>;

/// A running proxy; it ends with the test's runtime.
pub struct Storage {
    /// What rclone is told, so that it comes here and believes it.
    pub environment: Vec<(&'static str, String)>,
    access_tokens: AccessTokens,
    _folder: TempDir,
}

impl Storage {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let roots = folder.path().join("roots.pem");
        let (tls, root) = certificates();
        std::fs::write(&roots, root).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let access_tokens = AccessTokens::default();
        tokio::spawn(accept(listener, tls, access_tokens.clone()));
        Self {
            environment: vec![
                ("HTTPS_PROXY", proxy),
                ("SSL_CERT_FILE", roots.to_str().unwrap().to_owned()),
            ],
            access_tokens,
            _folder: folder,
        }
    }

    /// The access tokens that came since the last time.
    pub fn access_tokens(&self) -> Vec<String> {
        std::mem::take(&mut *self.access_tokens.lock().unwrap())
    }
}

/// A certificate for every host, and the root that signed it.
fn certificates() -> (TlsAcceptor, String) {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_key = KeyPair::generate().unwrap();
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let issuer = Issuer::new(root, root_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(HOSTS.map(str::to_owned)).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), root_pem)
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, access_tokens: AccessTokens) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(client, tls.clone(), access_tokens.clone()));
    }
}

/// One CONNECT (RFC 9110 section 9.3.6), and the requests inside.
async fn serve(client: TcpStream, tls: TlsAcceptor, access_tokens: AccessTokens) {
    let mut client = BufReader::new(client);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if client.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
    let Ok(inside) = tls.accept(client).await else {
        return;
    };
    let service = service_fn(move |request: Request<Incoming>| {
        let bearer = request.headers().get("authorization");
        let bearer = bearer.map_or("", |value| value.to_str().unwrap());
        let access_token = bearer.strip_prefix("Bearer ").unwrap_or_default();
        access_tokens.lock().unwrap().push(access_token.to_owned());
        let answer = answer(request.uri().path());
        async move { Ok::<_, std::convert::Infallible>(answer) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(inside), service);
    let _ = connection.await;
}

fn answer(path: &str) -> Response<Full<Bytes>> {
    let time = "2026-01-01T00:00:00Z";
    let drive = json!({"id": "the-drive", "name": "of tests", "driveType": "personal"});
    let body: Value = match path {
        "/drive/v3/files/root" => json!({"id": "root-id"}),
        "/drive/v3/files" => json!({"files": [{
            "id": "1", "name": FILE, "mimeType": "text/plain", "size": "5",
            "modifiedTime": time, "parents": ["root-id"],
            // What has none is a Google document.
            "md5Checksum": "5d41402abc4b2a76b9719d911017c592",
        }]}),
        "/2/files/list_folder" => json!({"cursor": "c", "has_more": false, "entries": [{
            ".tag": "file", "name": FILE, "id": "id:1", "rev": "0123456789abc", "size": 5,
            "is_downloadable": true,
            "client_modified": time, "server_modified": time,
            "path_lower": "/hello.txt", "path_display": "/hello.txt",
        }]}),
        "/2.0/folders/0/items" => json!({"total_count": 1, "offset": 0, "entries": [{
            "type": "file", "id": "1", "name": FILE, "size": 5, "item_status": "active",
        }]}),
        "/v1.0/me/drives" => json!({"value": [drive]}),
        "/v1.0/me/drive" => drive,
        "/v1.0/drives/the-drive/root" => json!({"id": "root-id", "name": "root", "folder": {},
            "webUrl": "https://onedrive.example",
            "parentReference": {"driveId": "the-drive", "driveType": "personal"}}),
        path if path.ends_with("/children") => json!({"value": [{
            "id": "1", "name": FILE, "size": 5, "file": {"mimeType": "text/plain"},
            "fileSystemInfo": {"createdDateTime": time, "lastModifiedDateTime": time},
            "parentReference": {"driveId": "the-drive", "id": "root-id"},
        }]}),
        _ => Value::Null,
    };
    let status = if body.is_null() { 404 } else { 200 };
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap()
}
