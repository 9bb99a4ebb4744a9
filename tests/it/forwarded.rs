//! Who a request comes from, as far as it matters: what is believed of the headers
//! that proxies set, and what is not of those that anybody can.

use crate::support::{Answer, TestApp, TestAppBuilder, get};

const FORGED: [(&str, &str); 3] = [
    ("X-Forwarded-For", "192.168.1.5"),
    ("Forwarded", "for=192.168.1.5"),
    ("X-Real-IP", "192.168.1.5"),
];

/// Logs in only from the network at home.
fn at_home() -> TestAppBuilder {
    TestApp::builder().env("AUTHSEAL_LOGIN_NETWORKS", "192.168.0.0/16")
}

async fn start_page(app: &TestApp, headers: &[(&str, &str)]) -> Answer {
    get(&format!("{}/", app.url), headers).await
}

#[tokio::test]
async fn a_stranger_cannot_say_that_he_comes_from_elsewhere() {
    let app = at_home().start().await;
    for header in FORGED {
        let answer = start_page(&app, &[header]).await;
        assert_eq!(answer.status, 403, "{header:?}");
    }
    assert_eq!(start_page(&app, &FORGED).await.status, 403);
}

#[tokio::test]
async fn behind_a_proxy_that_the_settings_forgot_nobody_passes_for_the_proxy() {
    let app = TestApp::builder().env("AUTHSEAL_LOGIN_NETWORKS", "127.0.0.0/8");
    let app = app.start().await;
    assert_eq!(start_page(&app, &[]).await.status, 200);
    let proxied = start_page(&app, &[("X-Forwarded-For", "203.0.113.7")]).await;
    assert_eq!(proxied.status, 403);
    let page = &proxied.body;
    assert!(
        page.contains("AUTHSEAL_TRUSTED_PROXIES must name the proxy"),
        "{page}"
    );
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_what_it_appended_itself() {
    let app = at_home().env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1");
    let app = app.start().await;
    for (forwarded_for, status) in [
        ("192.168.1.5", 200),
        ("203.0.113.7, 192.168.1.5", 200),
        ("192.168.1.5, 203.0.113.7", 403),
        ("192.168.1.5, 203.0.113.7, 127.0.0.1", 403),
        ("192.168.1.5, unknown", 403),
        ("", 403),
    ] {
        let answer = start_page(&app, &[("X-Forwarded-For", forwarded_for)]).await;
        assert_eq!(answer.status, status, "{forwarded_for}");
    }
    // A proxy that writes one of the two passes a client's other one on.
    let both = [("X-Forwarded-For", "203.0.113.7"), FORGED[1]];
    assert_eq!(start_page(&app, &both).await.status, 403);
    let neither = start_page(&app, &[]).await;
    assert_eq!(neither.status, 403);
    assert!(neither.body.contains("X-Forwarded-For"), "{}", neither.body);
}

#[tokio::test]
async fn the_host_header_is_believed_nowhere() {
    let app = TestApp::start().await;
    let evil = [
        ("Host", "evil.example"),
        ("X-Forwarded-Host", "evil.example"),
    ];
    for path in [
        "/",
        "/?type=stable",
        "/login?id=stable",
        "/refresh?type=stable",
        "/nothing",
    ] {
        let answer = get(&format!("{}{path}", app.url), &evil).await;
        assert!(
            !format!("{answer:?}").contains("evil.example"),
            "{answer:?}"
        );
    }
    let login = get(&format!("{}/login?id=stable", app.url), &evil).await;
    let redirect_uri: String = form_urlencoded::byte_serialize(app.url.as_bytes()).collect();
    assert!(
        login.header("location").contains(&redirect_uri),
        "{login:?}"
    );
}

#[tokio::test]
async fn the_prefix_may_be_kept_or_stripped_and_nothing_looks_like_it() {
    let app = TestApp::builder().env("AUTHSEAL_PUBLIC_URL", "http://localhost/seal");
    let app = app.start().await;
    for (path, status) in [
        ("/", 200),
        ("/seal", 200),
        ("/seal/", 200),
        ("/seal/style.css", 200),
        ("/style.css", 200),
        ("/seal/seal/", 404),
        ("/sealstyle.css", 404),
        ("/seal/login?id=stable", 302),
        ("/login?id=stable", 302),
    ] {
        let answer = get(&format!("{}{path}", app.url), &[]).await;
        assert_eq!(answer.status, status, "{path}");
        if status == 302 {
            let location = answer.header("location");
            let redirect_uri = "redirect_uri=http%3A%2F%2Flocalhost%2Fseal%2Flogged-in";
            assert!(location.contains(redirect_uri), "{location}");
            let cookie = answer.header("set-cookie");
            assert!(cookie.contains("Path=/seal/;"), "{cookie}");
        }
    }
    let page = get(&format!("{}/", app.url), &[]).await.body;
    for link in page.split("href=\"/").skip(1) {
        assert!(link.starts_with("seal/"), "{link}");
    }
}
