//! docs/endpoints.md: each line of its tables is tried.

use http::Request;
use http_body_util::Full;

use crate::support::{Answer, Client, TestApp};

const PAGE: &str = include_str!("../../docs/endpoints.md");

/// The cells of each line of the table with this head.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let (_, rest) = PAGE.split_once(head).expect(head);
    let lines = rest
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    lines.map(cells).collect()
}

async fn ask(method: &str, url: &str, path: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("{url}{path}"));
    Client::new()
        .send(request.body(Full::default()).unwrap())
        .await
}

#[tokio::test]
async fn each_endpoint_takes_the_methods_that_stand_on_the_page() {
    let app = TestApp::start().await;
    let rows = table("| path | methods | HEAD | gate | what |");
    assert!(rows.len() >= 20, "{rows:?}");
    for row in rows {
        let path = row[0].trim_matches('`');
        let refused = ask("DELETE", &app.url, path).await;
        assert_eq!(refused.status, 405, "{path}");
        assert_eq!(refused.header("allow"), row[1], "{path}");
        let takes_head = ask("HEAD", &app.url, path).await.status != 405;
        assert_eq!(takes_head, row[2] == "yes", "{path}");
    }
}

#[tokio::test]
async fn each_endpoint_is_gated_as_the_page_says() {
    let app = TestApp::builder().env("AUTHSEAL_LOGIN_NETWORKS", "203.0.113.0/24");
    let app = app.start().await;
    for row in table("| path | methods | HEAD | gate | what |") {
        let path = row[0].trim_matches('`');
        let method = row[1].split(',').next().unwrap();
        let is_gated = ask(method, &app.url, path).await.status == 403;
        // What stands behind the password's form is asked for first.
        let expected = row[3] == "yes" || path == "/password";
        assert_eq!(is_gated, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_path_is_compared_letter_by_letter_except_for_that_of_refreshes() {
    let app = TestApp::start().await;
    for path in [
        "/refresh/",
        "/Refresh",
        "/REFRESH",
        "//refresh",
        "//Refresh//",
    ] {
        // Without an AuthID, that is what /refresh says.
        assert_eq!(ask("GET", &app.url, path).await.status, 401, "{path}");
    }
    for path in [
        "/fetch/",
        "/Fetch",
        "//fetch",
        "//",
        "/refresh/x",
        "/refreshed",
    ] {
        assert_eq!(ask("GET", &app.url, path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn each_admin_endpoint_stands_on_the_page() {
    let app = TestApp::start().await;
    let rows = table("| path | answer |");
    assert_eq!(rows.len(), 3);
    for row in rows {
        let path = row[0].trim_matches('`');
        assert_eq!(ask("GET", &app.admin_url, path).await.status, 200, "{path}");
        assert_eq!(
            ask("POST", &app.admin_url, path).await.header("allow"),
            "GET"
        );
        assert_eq!(ask("GET", &app.url, path).await.status, 404, "{path}");
    }
}

/// Lists of the addresses that stay open before a proxy that asks for a password.
const OPEN_LISTS: [(&str, &str); 5] = [
    (
        "docs/self-hosting.md",
        include_str!("../../docs/self-hosting.md"),
    ),
    (
        "deploy/caddy/basic-auth.caddyfile",
        include_str!("../../deploy/caddy/basic-auth.caddyfile"),
    ),
    (
        "deploy/caddy/forward-auth.caddyfile",
        include_str!("../../deploy/caddy/forward-auth.caddyfile"),
    ),
    (
        "deploy/nginx/basic-auth.conf",
        include_str!("../../deploy/nginx/basic-auth.conf"),
    ),
    (
        "deploy/traefik/basic-auth.yaml",
        include_str!("../../deploy/traefik/basic-auth.yaml"),
    ),
];

#[test]
fn each_list_of_open_addresses_has_all_that_no_gate_protects() {
    for row in table("| path | methods | HEAD | gate | what |") {
        let path = row[0].trim_matches(['`', '/']);
        // authseal's own password is asked for behind the proxy's.
        if row[3] == "yes" || path == "password" {
            continue;
        }
        let as_pattern = path.replace('.', r"\.");
        for (file, text) in OPEN_LISTS {
            let is_there = text.contains(path) || text.contains(&as_pattern);
            assert!(is_there, "{file}: {path}");
        }
    }
}
