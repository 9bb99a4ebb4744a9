//! Where a request comes from, when a proxy says it and a client lies.

use std::net::Ipv4Addr;

use super::{
    Proxy, caddy,
    client::{INSIDE, OUTSIDE, PROXY, get_from},
    front::Front,
    nginx,
};

/// Whom authseal takes a client for, when only `INSIDE` may log in.
#[derive(Debug, PartialEq)]
enum TakenFor {
    Insider,
    Outsider,
    Nobody,
}
use TakenFor::{Insider, Nobody, Outsider};

/// An authseal behind this proxy, which it trusts.
async fn behind(proxy: impl AsyncFnOnce(&str) -> Proxy) -> Front {
    Front::start(proxy, "http", "", |app| {
        app.env("AUTHSEAL_TRUSTED_PROXIES", PROXY)
            .env("AUTHSEAL_LOGIN_NETWORKS", &INSIDE.to_string())
    })
    .await
}

/// An nginx that sets the headers that these lines say. All others it passes on as
/// they come.
async fn nginx_with(lines: &str, authseal: &str) -> Proxy {
    let pass = nginx::pass(authseal);
    nginx::serve(&format!("location / {{ {pass} {lines} }}")).await
}

async fn check(front: &Front, from: Ipv4Addr, headers: &[(&str, &str)], expected: TakenFor) {
    let answer = get_from(from, &front.public_url, headers).await;
    let says = |text: &str| answer.body.contains(text);
    let taken_for = match answer.status.as_u16() {
        200 => Insider,
        403 if says(&format!("you come from {OUTSIDE}.")) => Outsider,
        403 if says("where you come from") => Nobody,
        _ => panic!("{answer:?}"),
    };
    assert_eq!(taken_for, expected, "{from} {headers:?}");
}

/// What a client may send of its own, and what comes of it: at best nothing.
async fn check_lies(front: &Front) {
    const LIST: &str = "X-Forwarded-For";
    const STANDARD: &str = "Forwarded";
    let inside = INSIDE.to_string();
    for (headers, insider, outsider) in [
        (&[][..], Insider, Outsider),
        (&[(LIST, &*inside)], Insider, Outsider),
        (&[(LIST, "127.0.0.3")], Insider, Outsider),
        (&[(LIST, "127.0.0.2, 127.0.0.1")], Insider, Outsider),
        (&[(LIST, "127.0.0.2,127.0.0.2,")], Insider, Outsider),
        (&[(LIST, "unknown")], Insider, Outsider),
        (&[(LIST, &inside), (LIST, &inside)], Insider, Outsider),
        // Passed on as it is, beside what the proxy wrote.
        (&[(STANDARD, "for=127.0.0.2")], Insider, Nobody),
        (&[(STANDARD, "for=127.0.0.3")], Nobody, Outsider),
        (
            &[(STANDARD, "for=127.0.0.2, for=127.0.0.1")],
            Insider,
            Nobody,
        ),
        (&[(STANDARD, "for=\"[::1]\"")], Nobody, Nobody),
        (&[(STANDARD, "for=_hidden")], Nobody, Nobody),
        (&[(STANDARD, "lies")], Nobody, Nobody),
        (&[(STANDARD, "")], Nobody, Nobody),
        (
            &[(LIST, &inside), (STANDARD, "for=127.0.0.2")],
            Insider,
            Nobody,
        ),
    ] {
        check(front, INSIDE, headers, insider).await;
        check(front, OUTSIDE, headers, outsider).await;
    }
}

#[tokio::test]
async fn nobody_lies_his_way_past_an_nginx_that_replaces_the_list() {
    let lines = "proxy_set_header X-Forwarded-For $remote_addr;";
    let front = behind(async |authseal| nginx_with(lines, authseal).await);
    check_lies(&front.await).await;
}

#[tokio::test]
async fn nobody_lies_his_way_past_an_nginx_that_appends_to_the_list() {
    let lines = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
    let front = behind(async |authseal| nginx_with(lines, authseal).await);
    check_lies(&front.await).await;
}

#[tokio::test]
async fn nobody_lies_his_way_past_caddy() {
    let front =
        behind(async |authseal| caddy::serve("http", &format!("reverse_proxy {authseal}")).await);
    check_lies(&front.await).await;
}

/// With both headers, as deploy's configuration says.
#[tokio::test]
async fn a_proxy_that_removes_the_standard_header_lets_insiders_say_what_they_like() {
    let lines = "proxy_set_header X-Forwarded-For $remote_addr;
                 proxy_set_header Forwarded \"\";";
    let nginx = behind(async |authseal| nginx_with(lines, authseal).await);
    let caddy = behind(async |authseal| {
        let lines = format!("reverse_proxy {authseal} {{\nheader_up -Forwarded\n}}");
        caddy::serve("http", &lines).await
    });
    for front in [nginx.await, caddy.await] {
        for value in ["for=127.0.0.2", "for=127.0.0.3", "lies"] {
            let forwarded = [("Forwarded", value)];
            check(&front, INSIDE, &forwarded, Insider).await;
            check(&front, OUTSIDE, &forwarded, Outsider).await;
        }
    }
}

/// Only honest clients: what they send themselves, an nginx that is told nothing
/// passes on, and nobody can tell that from its own word.
#[tokio::test]
async fn nobody_gets_in_by_a_proxy_that_does_not_say_where_from() {
    let nginx = behind(async |authseal| nginx_with("", authseal).await);
    let caddy = behind(async |authseal| {
        let lines = format!("reverse_proxy {authseal} {{\nheader_up -X-Forwarded-For\n}}");
        caddy::serve("http", &lines).await
    });
    for front in [nginx.await, caddy.await] {
        check(&front, INSIDE, &[], Nobody).await;
        check(&front, OUTSIDE, &[], Nobody).await;
    }
}
