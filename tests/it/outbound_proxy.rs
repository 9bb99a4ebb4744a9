//! HTTPS_PROXY: the way out through a proxy, which learns host names and no more.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::support::TestApp;

/// A proxy that notes what it is asked, and refuses it.
struct Proxy {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = heads.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut head = String::new();
                while stream.read_line(&mut head).await.unwrap() > 2 {}
                noted.lock().unwrap().push(head);
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, heads }
    }
}

async fn refresh_through(proxy: &Proxy, no_proxy: &str) -> String {
    let url = format!("http://user:never-print-word@{}", proxy.address);
    let app = TestApp::builder()
        .scripted_at("https://provider.invalid/token", "stable")
        .env("HTTPS_PROXY", &url)
        .env("no_proxy", no_proxy);
    let app = app.start().await;
    let answer = app
        .refresh(&app.seal("scripted", "never-print-refresh"))
        .await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(!format!("{answer:?}").contains("never-print"), "{answer:?}");
    answer.header("x-reason").to_owned()
}

#[tokio::test]
async fn a_provider_is_asked_for_through_the_proxy_by_name() {
    let proxy = Proxy::start("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    let reason = refresh_through(&proxy, "").await;
    assert!(
        reason.contains("through the proxy of HTTPS_PROXY"),
        "{reason}"
    );
    let heads = proxy.heads.lock().unwrap().clone();
    let (head, again) = (&heads[0], heads.len());
    assert!(
        head.starts_with("CONNECT provider.invalid:443 HTTP/1.1\r\n"),
        "{head}"
    );
    // user:never-print-word
    assert!(
        head.to_lowercase().contains("proxy-authorization: basic "),
        "{head}"
    );
    assert!(!head.contains("never-print"), "{head}");
    // Nothing was sent to the provider, so each of three calls tried twice.
    assert_eq!(again, 6);
}

#[tokio::test]
async fn what_no_proxy_names_is_asked_directly() {
    let proxy = Proxy::start("").await;
    refresh_through(&proxy, "provider.invalid").await;
    assert!(proxy.heads.lock().unwrap().is_empty());
}
