//! https, by a proxy or by authseal itself.

use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{caddy, front::Front, nginx};
use crate::{
    browser::Browser,
    support::{PublicDemo, TestApp},
};

const PASSWORD: &str = "never-print-this-password";

/// A certificate for localhost that nobody has signed, as files.
struct Certificate {
    chain: String,
    key: String,
    _folder: TempDir,
}

impl Certificate {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, pem: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, pem).unwrap();
            path.display().to_string()
        };
        Self {
            chain: write("fullchain.pem", made.cert.pem()),
            key: write("privkey.pem", made.signing_key.serialize_pem()),
            _folder: folder,
        }
    }
}

/// A browser to which the certificate is as good as any.
async fn browser() -> Browser {
    let browser = Browser::open().await;
    browser.accept_any_certificate().await;
    browser
}

/// A whole login, by HTTP/2, and a refresh.
async fn assert_login_works(browser: &Browser, public_url: &str) {
    browser.go(&format!("{public_url}/?type=stable")).await;
    let protocol = "return performance.getEntriesByType('navigation')[0].nextHopProtocol";
    assert_eq!(browser.run(protocol).await, "h2");
    browser.click(".button.primary").await;
    browser.find("#allow").await;
    assert_cookies_are_locked(browser, public_url).await;

    browser.go(&format!("{public_url}/login?id=stable")).await;
    browser.click("#allow").await;
    browser.see_heading("Your AuthID is ready").await;
    let address = browser.address().await;
    assert!(address.starts_with(public_url), "{address}");
    let authid = browser.value("#authid").await;
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:?}");
    browser
        .go(&format!("{public_url}/refresh?authid={authid}"))
        .await;
    let refreshed = browser.text("body").await;
    assert!(refreshed.contains("\"access_token\":"), "{refreshed}");
}

/// What a login has left in the browser can be set and read by nobody else.
async fn assert_cookies_are_locked(browser: &Browser, public_url: &str) {
    browser.go(&format!("{public_url}/privacy-policy")).await;
    let cookies = browser.client.get_all_cookies().await.unwrap();
    assert!(!cookies.is_empty());
    for cookie in cookies {
        let name = cookie.name();
        assert!(name.starts_with("__Host-authseal-"), "{name}");
        assert_eq!(cookie.secure(), Some(true), "{name}");
        assert_eq!(cookie.http_only(), Some(true), "{name}");
        assert_eq!(cookie.path(), Some("/"), "{name}");
    }
}

#[tokio::test]
async fn a_login_works_where_nginx_speaks_tls() {
    let Certificate { chain, key, .. } = &Certificate::new();
    let proxy = async |authseal: &str| {
        nginx::start(|port| {
            let pass = nginx::pass(authseal);
            format!(
                "server {{
                    listen 127.0.0.1:{port} ssl http2;
                    ssl_certificate {chain};
                    ssl_certificate_key {key};
                    location / {{ {pass} }}
                }}"
            )
        })
        .await
    };
    let front = Front::start(proxy, "https", "", |app| app).await;
    assert_login_works(&browser().await, &front.public_url).await;
}

#[tokio::test]
async fn a_login_works_where_caddy_speaks_tls() {
    let Certificate { chain, key, .. } = &Certificate::new();
    let proxy = async |authseal: &str| {
        let lines = format!("tls {chain} {key}\nreverse_proxy {authseal}");
        caddy::serve("https", &lines).await
    };
    let front = Front::start(proxy, "https", "", |app| app).await;
    assert_login_works(&browser().await, &front.public_url).await;
}

#[tokio::test]
async fn a_login_works_where_authseal_itself_speaks_tls() {
    let certificate = Certificate::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let public_url = format!("https://localhost:{port}");
    let demo = PublicDemo::start(&public_url).await;
    let app = demo
        .app()
        .listener(listener)
        .env("AUTHSEAL_TLS_CERT", &certificate.chain)
        .env("AUTHSEAL_TLS_KEY", &certificate.key)
        .env("AUTHSEAL_LOGIN_PASSWORD", PASSWORD);
    let _app: TestApp = app.start().await;
    let browser = browser().await;
    browser.go(&public_url).await;
    browser.fill("#password", PASSWORD).await;
    browser.click(".button.primary").await;
    browser.see_heading("Choose your storage").await;
    assert_login_works(&browser, &public_url).await;
}
