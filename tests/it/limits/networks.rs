//! The networks from which an AuthID may be used.

use super::{limits, limits_of, with_limits};
use crate::support::{
    Answer, ScriptedProvider, TestApp, believing, form_request, get, send, tokens,
};

const INSIDE: &str = "192.0.2.7";
const OUTSIDE: &str = "198.51.100.7";

async fn app() -> TestApp {
    let provider = ScriptedProvider::start(|_| tokens("never-print-access", None));
    believing(&provider).start().await
}

async fn post_from(app: &TestApp, path: &str, authid: &str, from: &str) -> Answer {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", authid)];
    let mut request = form_request(&format!("{}{path}", app.url), &fields);
    let headers = request.headers_mut();
    headers.insert("x-forwarded-for", from.parse().unwrap());
    if path != "/token" {
        headers.insert("x-authid", authid.parse().unwrap());
    }
    send(request).await
}

#[tokio::test]
async fn an_authid_is_used_from_its_networks_behind_a_trusted_proxy_and_from_no_others() {
    let app = app().await;
    let login = app.seal("scripted", "never-print-refresh");
    for (networks, address, status) in [
        ("192.0.2.0/24", INSIDE, 200),
        ("192.0.2.0/24", "::ffff:192.0.2.7", 200),
        ("::ffff:192.0.2.0/120", INSIDE, 200),
        ("192.0.2.0/24", OUTSIDE, 401),
        ("192.0.2.0/24", "2001:db8:1:2::9", 401),
        ("2001:db8:1:2::/64", "2001:db8:1:2::9", 200),
        ("2001:db8:1:2::/64", "2001:db8:1:3::9", 401),
        ("192.0.2.0/24,2001:db8::/32", "2001:db8:1:3::9", 200),
        ("192.0.2.7/32", INSIDE, 200),
        ("192.0.2.7/32", "192.0.2.8", 401),
        // A translator's clients, which count by their IPv4 address, are none of IPv4.
        ("192.0.2.0/24", "64:ff9b::192.0.2.7", 401),
        // No address at all.
        ("192.0.2.0/24", "nonsense", 401),
        ("0.0.0.0/1", "", 401),
    ] {
        let authid = with_limits(&app, &login, limits(None, networks, 0));
        // The access token is cached: limits come before that.
        assert_eq!(app.refresh_from(&login, OUTSIDE).await.status, 200);
        let answer = app.refresh_from(&authid, address).await;
        assert_eq!(answer.status, status, "{networks} {address}: {answer:?}");
    }
}

#[tokio::test]
async fn every_way_to_use_it_is_refused_elsewhere_with_what_to_do() {
    let app = app().await;
    let login = app.seal("scripted", "never-print-refresh");
    let authid = with_limits(&app, &login, limits(None, "192.0.2.0/24", 0));
    let reason = format!(
        "The AuthID may be used from some networks only, and not from 198.51.100.7. Use it from one \
         of them, or log in again at {}/?type=scripted",
        app.url
    );
    for (path, status) in [("/token", 400), ("/renewed", 401)] {
        let refused = post_from(&app, path, &authid, OUTSIDE).await;
        assert_eq!(refused.status, status, "{path}: {refused:?}");
        assert!(refused.body.contains(&reason), "{path}: {refused:?}");
        assert!(!format!("{refused:?}").contains("v2:"), "{refused:?}");
        assert_eq!(post_from(&app, path, &authid, INSIDE).await.status, 200);
    }
    let refused = app.refresh_from(&authid, OUTSIDE).await;
    assert_eq!(refused.header("x-reason"), reason);
    let unknown = app.refresh_from(&authid, "nonsense").await;
    let says = "this server does not see from which address it is used. Tell the administrator";
    assert!(unknown.header("x-reason").contains(says), "{unknown:?}");
    for (from, expected) in [(OUTSIDE, "outside_networks"), (INSIDE, "null")] {
        let inspected = post_from(&app, "/inspected", &authid, from)
            .await
            .good()
            .json();
        let refused = inspected["refused"].as_str().unwrap_or("null");
        assert_eq!(
            (refused, &inspected["limits"]["networks"][0]),
            (expected, &"192.0.2.0/24".into())
        );
    }
}

#[tokio::test]
async fn a_peer_that_is_no_trusted_proxy_and_names_an_address_has_none() {
    let app = TestApp::start().await;
    let login = app.authid("stable").await;
    let local = with_limits(&app, &login, limits(None, "127.0.0.0/8", 0));
    assert_eq!(app.refresh(&local).await.status, 200);
    let headers = [
        ("X-AuthID", local.as_str()),
        ("x-forwarded-for", "127.0.0.1"),
    ];
    let refused = get(&format!("{}/refresh", app.url), &headers).await;
    assert_eq!(refused.status, 401, "{refused:?}");
}

#[tokio::test]
async fn each_new_authid_has_the_networks_of_the_setting() {
    let app = TestApp::builder().env("AUTHSEAL_AUTHID_NETWORKS", "127.0.0.0/8, fd00::/8");
    let app = app.start().await;
    let authid = app.authid("stable").await;
    assert_eq!(
        limits_of(&app, &authid),
        limits(None, "127.0.0.0/8,fd00::/8", 0)
    );
    assert_eq!(app.refresh(&authid).await.status, 200);
}
