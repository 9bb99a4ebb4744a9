//! Who may log in: LOGIN_NETWORKS, LOGIN_HEADER and LOGIN_PASSWORD, in any mix, and
//! what stays open whatever they say.

use super::settings::check as settings;
use crate::support::{Answer, Program, Scrape, TestApp, TestAppBuilder, get, post_form};

const PASSWORD: &str = "never-print password";
const GATED: [&str; 6] = [
    "/",
    "/login?id=stable",
    "/cli-token?id=stable",
    "/renew",
    "/revoke",
    "/inspect",
];
const INSIDE: (&str, &str) = ("X-Forwarded-For", "192.168.1.5");
const OUTSIDE: (&str, &str) = ("X-Forwarded-For", "203.0.113.7");
const ANNA: (&str, &str) = ("Remote-User", "anna");

fn proxied() -> TestAppBuilder {
    TestApp::builder().env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1")
}

async fn at(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Answer {
    get(&format!("{}{path}", app.url), headers).await
}

async fn check(app: &TestApp, headers: &[(&str, &str)], is_admitted: bool) {
    for path in GATED {
        let status = at(app, path, headers).await.status;
        assert_eq!(status != 403, is_admitted, "{path} {headers:?}: {status}");
    }
}

#[tokio::test]
async fn only_who_comes_from_a_listed_network_sees_the_pages() {
    let app = proxied().env("AUTHSEAL_LOGIN_NETWORKS", "192.168.0.0/16, 2001:db8::/32");
    let app = app.start().await;
    check(&app, &[INSIDE], true).await;
    check(&app, &[("X-Forwarded-For", "2001:db8::5")], true).await;
    check(&app, &[OUTSIDE], false).await;
    check(&app, &[], false).await;
    let counted = Scrape::of(&app.admin_url).await;
    let refused = counted.sum("authseal_login_refused_total", &[("gate", "network")]);
    assert_eq!(refused, 2.0 * GATED.len() as f64);
}

#[tokio::test]
async fn only_whom_a_trusted_proxy_names_sees_the_pages() {
    let app = proxied().env("AUTHSEAL_LOGIN_HEADER", "Remote-User");
    let app = app.start().await;
    check(&app, &[ANNA], true).await;
    check(&app, &[], false).await;
    check(&app, &[("Remote-User", " ")], false).await;
    // What a client sent and what the proxy added.
    check(&app, &[ANNA, ("Remote-User", "")], false).await;
    let stranger = TestApp::builder()
        .env("AUTHSEAL_TRUSTED_PROXIES", "10.0.0.0/8")
        .env("AUTHSEAL_LOGIN_HEADER", "Remote-User");
    check(&stranger.start().await, &[ANNA], false).await;
}

#[tokio::test]
async fn of_several_gates_each_must_open_or_any_as_the_settings_say() {
    let mixed = |require: &str| {
        proxied()
            .env("AUTHSEAL_LOGIN_NETWORKS", "192.168.0.0/16")
            .env("AUTHSEAL_LOGIN_HEADER", "Remote-User")
            .env("AUTHSEAL_LOGIN_REQUIRE", require)
    };
    let all = mixed("").start().await;
    check(&all, &[INSIDE, ANNA], true).await;
    check(&all, &[INSIDE], false).await;
    check(&all, &[OUTSIDE, ANNA], false).await;
    let any = mixed("any").start().await;
    check(&any, &[INSIDE], true).await;
    check(&any, &[OUTSIDE, ANNA], true).await;
    check(&any, &[OUTSIDE], false).await;
}

#[tokio::test]
async fn where_an_authid_a_token_or_a_sealed_cookie_counts_no_gate_stands() {
    let app = proxied()
        .env("AUTHSEAL_LOGIN_NETWORKS", "192.168.0.0/16")
        .env("AUTHSEAL_LOGIN_PASSWORD", PASSWORD);
    let app = app.start().await;
    let authid = app.seal(
        "stable",
        &app.provider.issue_refresh_token("stable").unwrap(),
    );
    let headers = [OUTSIDE, ("X-AuthID", authid.as_str())];
    assert_eq!(at(&app, "/refresh", &headers).await.status, 200);
    for (path, status) in [
        ("/refresh?type=stable", 302),
        ("/fetch?token=4k9x2m7q1z8w5v3t6y0u", 200),
        ("/token-state?token=4k9x2m7q1z8w5v3t6y0u", 200),
        // Refused for want of the cookie, and for nothing else.
        ("/logged-in?code=c&state=s", 400),
        ("/logged-in/own?code=c&state=s", 400),
        ("/privacy-policy", 200),
        ("/style.css", 200),
        ("/authseal.js", 200),
    ] {
        assert_eq!(at(&app, path, &[OUTSIDE]).await.status, status, "{path}");
    }
    for path in [
        "/renewed",
        "/revoked",
        "/inspected",
        "/hand-over",
        "/collect",
    ] {
        let answer = post_form(&format!("{}{path}", app.url), &[("authid", &authid)]).await;
        assert_ne!(answer.status, 403, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_login_begun_inside_ends_wherever_the_browser_is_by_then() {
    let app = proxied().env("AUTHSEAL_LOGIN_NETWORKS", "192.168.0.0/16");
    let app = app.start().await;
    let begun = at(&app, "/login?id=stable", &[INSIDE]).await;
    let cookie = begun.header("set-cookie").split(';').next().unwrap();
    let callback = app.allow(begun.header("location")).await;
    get(&callback, &[OUTSIDE, ("cookie", cookie)]).await.good();
}

#[tokio::test]
async fn serve_says_at_start_who_may_log_in() {
    for (environment, says) in [
        (vec![], "ANYONE who can reach http://localhost may log in"),
        (
            vec![
                ("AUTHSEAL_LOGIN_NETWORKS", "10.0.0.0/8"),
                ("AUTHSEAL_LOGIN_PASSWORD", PASSWORD),
            ],
            "logging in: whoever comes from 10.0.0.0/8 and gives the password",
        ),
        (
            vec![
                ("AUTHSEAL_LOGIN_HEADER", "Remote-User"),
                ("AUTHSEAL_TRUSTED_PROXIES", "unix"),
                ("AUTHSEAL_LOGIN_PASSWORD", PASSWORD),
                ("AUTHSEAL_LOGIN_REQUIRE", "any"),
            ],
            "logging in: whoever a trusted proxy names in remote-user or gives the password",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut all = vec![
            ("AUTHSEAL_PUBLIC_URL", "http://localhost"),
            ("AUTHSEAL_LISTEN", "127.0.0.1:0"),
            ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:0"),
            ("AUTHSEAL_KEYS_DIR", folder.path().to_str().unwrap()),
        ];
        all.extend(environment);
        let program = Program::start(&["serve"], &all);
        program.says("serving http://localhost on ").await;
        let said = program.so_far();
        assert!(said.contains(says), "{said}");
        assert!(!said.contains("never-print"), "{said}");
    }
}

#[tokio::test]
async fn a_gate_that_cannot_work_is_complained_about() {
    for (environment, says) in [
        (
            vec![("AUTHSEAL_LOGIN_NETWORKS", "home")],
            "AUTHSEAL_LOGIN_NETWORKS names \"home\"",
        ),
        (
            vec![("AUTHSEAL_LOGIN_PASSWORD", "short")],
            "AUTHSEAL_LOGIN_PASSWORD has fewer than 12 characters; anybody who",
        ),
        (
            vec![("AUTHSEAL_LOGIN_HEADER", "Remote-User")],
            "AUTHSEAL_TRUSTED_PROXIES does not say",
        ),
        (
            vec![("AUTHSEAL_LOGIN_HEADER", "a b")],
            "AUTHSEAL_LOGIN_HEADER is not the name",
        ),
        (
            vec![("AUTHSEAL_LOGIN_HEADER", "Cookie")],
            "AUTHSEAL_LOGIN_HEADER is a header that clients",
        ),
        (
            vec![("AUTHSEAL_LOGIN_REQUIRE", "some")],
            "AUTHSEAL_LOGIN_REQUIRE must be all or any",
        ),
        (
            vec![("AUTHSEAL_TRUSTED_PROXIES", "*")],
            "AUTHSEAL_TRUSTED_PROXIES names \"*\"",
        ),
        (
            vec![("AUTHSEAL_RATE_LIMIT", "0")],
            "AUTHSEAL_RATE_LIMIT is not a number",
        ),
        (
            vec![("AUTHSEAL_CACHE_MB", "-1")],
            "AUTHSEAL_CACHE_MB is not a number",
        ),
        (
            vec![("AUTHSEAL_MAX_CONNECTIONS", "many")],
            "AUTHSEAL_MAX_CONNECTIONS is not a number",
        ),
        (
            vec![("AUTHSEAL_TLS_CERT", "/x")],
            "AUTHSEAL_TLS_CERT is set, but AUTHSEAL_TLS_KEY is not",
        ),
        (
            vec![("HTTPS_PROXY", "socks5://a:1")],
            "HTTPS_PROXY is the address of a SOCKS proxy",
        ),
        (
            vec![("SSL_CERT_FILE", "/no/such/file")],
            "SSL_CERT_FILE names a file that cannot be read",
        ),
    ] {
        let printed = settings(&environment).await;
        assert_eq!(printed.code, Some(1), "{}", printed.text);
        printed.assert_says(&[says]);
    }
    let printed = settings(&[("AUTHSEAL_LOGIN_NETWORKS", "192.168.0.0/16")]).await;
    printed.assert_says(&["name it in AUTHSEAL_TRUSTED_PROXIES"]);
}
