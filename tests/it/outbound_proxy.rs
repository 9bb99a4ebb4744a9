//! HTTPS_PROXY: the way out through a proxy, which learns host names and no more.

use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::STANDARD};
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
    // Time does not change the rules of a proxy.
    let remedy = "Tell the administrator to check HTTPS_PROXY and the proxy's rules; authseal check \
                  --online tests it";
    assert!(reason.ends_with(remedy), "{reason}");
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
async fn a_proxy_that_speaks_no_basic_says_so_and_one_that_fails_is_left_to_time() {
    for (answer, words, end) in [
        (
            "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: Kerberos\r\n\
             Content-Length: 0\r\n\r\n",
            "it wants Negotiate or Kerberos, and authseal speaks Basic only",
            "--online tests it",
        ),
        (
            "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
            "it cannot reach the host",
            "Try again later",
        ),
    ] {
        let reason = refresh_through(&Proxy::start(answer).await, "").await;
        assert!(reason.contains(words), "{reason}");
        assert!(reason.ends_with(end), "{reason}");
        assert!(reason.len() <= 300, "{reason}");
    }
}

#[tokio::test]
async fn what_no_proxy_names_is_asked_directly() {
    let proxy = Proxy::start("").await;
    refresh_through(&proxy, "provider.invalid").await;
    assert!(proxy.heads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_user_and_password_reach_the_proxy_however_they_are_written() {
    for (credentials, sent) in [
        ("DOM^x:p", "DOM^x:p"),
        (r"DOM\x:p@ss", r"DOM\x:p@ss"),
        ("DOM%5Cx:p%2Fss%40", r"DOM\x:p/ss@"),
        ("j\u{f6}rg:{|}", "j\u{f6}rg:{|}"),
    ] {
        let proxy = Proxy::start("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n").await;
        let url = format!("HTTP://{credentials}@{}/", proxy.address);
        let app = TestApp::builder()
            .scripted_at("https://provider.invalid/token", "stable")
            .env("all_proxy", &url);
        let app = app.start().await;
        let answer = app
            .refresh(&app.seal("scripted", "never-print-refresh"))
            .await;
        let reason = answer.header("x-reason");
        let says = "through the proxy of all_proxy: it answered HTTP 407";
        assert!(reason.contains(says), "{reason}");
        let head = proxy.heads.lock().unwrap()[0].clone();
        let (_, pair) = head
            .split_once("Basic ")
            .or(head.split_once("basic "))
            .unwrap();
        let pair = STANDARD.decode(pair.lines().next().unwrap()).unwrap();
        assert_eq!(String::from_utf8(pair).unwrap(), sent);
    }
}

#[tokio::test]
async fn what_goes_through_the_tunnel_is_the_providers_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        for (start, answer) in [
            (
                "CONNECT provider.invalid:80 ",
                "HTTP/1.0 200 Connection established\r\n\r\n",
            ),
            (
                "POST /token ",
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 64\r\n\r\n\
                 {\"access_token\":\"through\",\"token_type\":\"Bearer\",\"expires_in\":99}",
            ),
        ] {
            let mut head = String::new();
            while stream.read_line(&mut head).await.unwrap() > 2 {}
            assert!(head.starts_with(start), "{head}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        // Kept open until the test ends.
        std::future::pending::<()>().await;
    });
    let app = TestApp::builder()
        .tables(
            r#"
[provider.tunnelled]
name = "Tunnelled"
credentials = ["TUNNELLED"]
authorize_url = "http://provider.invalid/authorize"
token_url = "http://provider.invalid/token"
insecure_http = true
refresh_tokens = "stable"

[service.tunnelled]
provider = "tunnelled"
name = "Tunnelled"
"#,
        )
        .env("TUNNELLED_CLIENT_ID", "id")
        .env("TUNNELLED_CLIENT_SECRET", "never-print-secret")
        .env("HTTPS_PROXY", &url);
    let app = app.start().await;
    let answer = app
        .refresh(&app.seal("tunnelled", "never-print-refresh"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["access_token"], "through");
}
