//! TLS_CERT and TLS_KEY: a certificate of one's own, and a new one without a restart.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    settings::check as settings,
    support::{
        Gate, Scrape, TestApp, TestAppBuilder, begin_to_stop, eventually, gated, is_unserved,
        rest_of, tokens,
    },
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// A folder with the two files.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.renew();
        files
    }

    fn chain(&self) -> PathBuf {
        self.0.path().join("fullchain.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("privkey.pem")
    }

    /// A new pair in their place; returns the certificate.
    fn renew(&self) -> CertificateDer<'static> {
        self.renew_with("localhost", |_| {})
    }

    /// The same for another host, or with another change.
    fn renew_with(
        &self,
        host: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let mut certificate = CertificateParams::new([host.to_owned()]).unwrap();
        change(&mut certificate);
        let certificate = certificate.self_signed(&key).unwrap();
        replace(&self.key(), &key.serialize_pem());
        replace(&self.chain(), &certificate.pem());
        certificate.der().clone()
    }

    fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.chain()).unwrap()
    }

    fn builder(&self) -> TestAppBuilder {
        TestApp::builder()
            .env("AUTHSEAL_TLS_CERT", self.chain().to_str().unwrap())
            .env("AUTHSEAL_TLS_KEY", self.key().to_str().unwrap())
    }

    async fn serve(&self) -> TestApp {
        self.builder().start().await
    }
}

/// As certbot does it: never half a file.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, path).unwrap();
}

/// A connection that trusts this certificate alone.
async fn connect(
    app: &TestApp,
    trusted: &CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(app.app.address.unwrap()).await?;
    shake_hands(stream, trusted, protocol).await
}

/// The handshake on a connection that stands.
async fn shake_hands(
    stream: TcpStream,
    trusted: &CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.into()];
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

async fn is_served_with(app: &TestApp, certificate: &CertificateDer<'static>) -> bool {
    connect(app, certificate, "http/1.1").await.is_ok()
}

#[tokio::test]
async fn both_protocols_are_spoken_under_it() {
    let files = Files::new();
    let app = files.serve().await;
    let certificate = files.certificate();
    let mut stream = connect(&app, &certificate, "http/1.1").await.unwrap();
    stream.write_all(GET).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let stream = connect(&app, &certificate, "h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request =
        http::Request::get("https://localhost/").body(http_body_util::Empty::<bytes::Bytes>::new());
    let answer = sender.send_request(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_handshake_under_way_is_finished_by_a_server_that_stops_and_its_request_answered() {
    let files = Files::new();
    let app = files.serve().await;
    let certificate = files.certificate();
    let stream = TcpStream::connect(app.app.address.unwrap()).await.unwrap();
    let stopped = begin_to_stop(app).await;
    let mut stream = shake_hands(stream, &certificate, "http/1.1").await.unwrap();
    stream.write_all(GET).await.unwrap();
    let answer = rest_of(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_full_server_says_so_under_tls_too() {
    let files = Files::new();
    let gate = Gate::closed();
    let provider = gated(&gate, |_| tokens("never-print-access", None));
    let app = files.builder().env("AUTHSEAL_MAX_CONNECTIONS", "1");
    let app = app.scripted(&provider, "stable").start().await;
    let certificate = files.certificate();
    let mut first = connect(&app, &certificate, "http/1.1").await.unwrap();
    let authid = app.seal("scripted", "never-print-refresh");
    let request = format!("GET /refresh HTTP/1.1\r\nHost: a\r\nX-AuthID: {authid}\r\n\r\n");
    first.write_all(request.as_bytes()).await.unwrap();
    provider.asked_times(1).await;
    let mut second = connect(&app, &certificate, "http/1.1").await.unwrap();
    second.write_all(GET).await.unwrap();
    let overloaded = "This OAuth server is overloaded. Try again in a moment";
    is_unserved(&rest_of(&mut second).await, overloaded);
    gate.open();
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart() {
    let files = Files::new();
    let app = files.serve().await;
    let old = files.certificate();
    let mut kept = connect(&app, &old, "http/1.1").await.unwrap();
    let new = files.renew();
    eventually("the new certificate is served", async || {
        is_served_with(&app, &new).await.then_some(())
    })
    .await;
    assert!(!is_served_with(&app, &old).await);
    // Whoever is connected stays so.
    kept.write_all(GET).await.unwrap();
    let mut answer = String::new();
    kept.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_bad_pair_changes_nothing_and_is_counted() {
    let files = Files::new();
    let app = files.serve().await;
    let good = files.certificate();
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    for (path, text) in [
        (files.chain(), "no certificate"),
        (files.key(), other_key.as_str()),
        (files.chain(), ""),
    ] {
        let before = errors(&app).await;
        replace(&path, text);
        eventually("the bad pair is noticed", async || {
            (errors(&app).await > before).then_some(())
        })
        .await;
        assert!(is_served_with(&app, &good).await);
    }
    let new = files.renew();
    eventually("it is mended", async || {
        is_served_with(&app, &new).await.then_some(())
    })
    .await;
}

async fn errors(app: &TestApp) -> f64 {
    let scrape = Scrape::of(&app.admin_url).await;
    scrape.sum("authseal_certificate_reload_errors_total", &[])
}

#[tokio::test]
async fn files_that_cannot_be_served_with_are_named_before_the_start() {
    let (files, other) = (Files::new(), Files::new());
    let nothing = files.0.path().join("nothing.pem");
    let [encrypted, older] = ["pkcs8.pem", "openssl.pem"].map(|name| files.0.path().join(name));
    let pkcs8 =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(&encrypted, pkcs8).unwrap();
    let rsa = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMAA=\n\
               -----END RSA PRIVATE KEY-----\n";
    std::fs::write(&older, rsa).unwrap();
    for (chain, key, says) in [
        (nothing.clone(), files.key(), "nothing.pem cannot be read"),
        (files.key(), files.key(), "privkey.pem holds no certificate"),
        (
            files.chain(),
            files.chain(),
            "fullchain.pem holds no private key",
        ),
        (files.chain(), other.key(), "cannot be used together"),
        (
            files.chain(),
            encrypted,
            "holds a private key with a passphrase",
        ),
        (
            files.chain(),
            older,
            "holds a private key with a passphrase",
        ),
        (
            "-----BEGIN CERTIFICATE-----".into(),
            files.key(),
            "without _FILE",
        ),
    ] {
        let environment = [
            ("AUTHSEAL_TLS_CERT", chain.to_str().unwrap()),
            ("AUTHSEAL_TLS_KEY", key.to_str().unwrap()),
        ];
        let printed = settings(&environment).await;
        assert_eq!(printed.code, Some(1), "{}", printed.text);
        printed.assert_says(&[says]);
    }
}

fn expired(certificate: &mut CertificateParams) {
    certificate.not_after = date_time_ymd(2020, 1, 1);
}

fn of_the_future(certificate: &mut CertificateParams) {
    certificate.not_before = date_time_ymd(2200, 1, 1);
}

/// `check` with these files, for https://auth.example.
async fn checked(files: &Files, more: &[(&str, &str)]) -> crate::settings::Printed {
    let (chain, key) = (files.chain(), files.key());
    let mut environment = vec![
        ("AUTHSEAL_TLS_CERT", chain.to_str().unwrap()),
        ("AUTHSEAL_TLS_KEY", key.to_str().unwrap()),
    ];
    environment.extend(more);
    settings(&environment).await
}

#[tokio::test]
async fn check_names_what_clients_will_refuse_and_the_end() {
    let files = Files::new();
    files.renew_with("auth.example", |certificate| {
        certificate.not_after = date_time_ymd(2199, 12, 31);
    });
    let printed = checked(&files, &[]).await;
    printed.assert_says(&["fullchain.pem, valid until 2199-12-31T00:00:00Z"]);
    let plain = [("AUTHSEAL_PUBLIC_URL", "http://auth.example")];
    let printed = checked(&files, &plain).await;
    printed.assert_says(&["AUTHSEAL_PUBLIC_URL is http://auth.example: write https:// there"]);
    let printed = checked(&files, &[]).await;
    assert!(
        !printed.text.contains("Warning: the certificate"),
        "{}",
        printed.text
    );

    files.renew_with("auth.example", expired);
    let printed = checked(&files, &[]).await;
    printed.assert_says(&["expired at 2020-01-01T00:00:00Z, so clients refuse it"]);
    files.renew_with("auth.example", of_the_future);
    let printed = checked(&files, &[]).await;
    printed.assert_says(&["is not valid before 2200-01-01T00:00:00Z"]);
    files.renew_with("other.example", |_| {});
    let printed = checked(&files, &[]).await;
    printed.assert_says(&["is not for auth.example, the host of AUTHSEAL_PUBLIC_URL"]);
    // Clients see the proxy's certificate.
    let behind_proxy = [("AUTHSEAL_TRUSTED_PROXIES", "10.0.0.1")];
    let printed = checked(&files, &behind_proxy).await;
    assert!(!printed.text.contains("is not for"), "{}", printed.text);
}

#[tokio::test]
async fn errors_of_the_files_are_in_words() {
    let files = Files::new();
    let good = std::fs::read_to_string(files.chain()).unwrap();
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (chain, key, says) in [
        (
            good.as_str(),
            other_key.as_str(),
            "the private key is not the one of the first certificate",
        ),
        (damaged, &other_key, "the first certificate is damaged"),
    ] {
        replace(&files.chain(), chain);
        replace(&files.key(), key);
        let printed = checked(&files, &[]).await;
        printed.assert_says(&[says]);
        assert!(!printed.text.contains("Other("), "{}", printed.text);
    }
}

async fn end(app: &TestApp) -> f64 {
    let scrape = Scrape::of(&app.admin_url).await;
    scrape.sum("authseal_certificate_expiration_timestamp_seconds", &[])
}

#[tokio::test]
async fn a_worse_certificate_replaces_a_good_one_only_by_a_restart() {
    let files = Files::new();
    let app = files.serve().await;
    let good = files.certificate();
    let good_end = end(&app).await;
    for worse in [expired, of_the_future] {
        let before = errors(&app).await;
        let worse = files.renew_with("localhost", worse);
        eventually("the worse pair is noticed", async || {
            (errors(&app).await > before).then_some(())
        })
        .await;
        assert!(is_served_with(&app, &good).await);
        assert!(!is_served_with(&app, &worse).await);
        assert_eq!(end(&app).await, good_end);
    }
    // A start takes what there is.
    let expired = files.renew_with("localhost", expired);
    drop(app);
    let app = files.serve().await;
    assert_eq!(end(&app).await, 1_577_836_800.0);
    assert!(!is_served_with(&app, &expired).await);
    let better = files.renew();
    eventually("the better pair is served", async || {
        is_served_with(&app, &better).await.then_some(())
    })
    .await;
}
