//! A proxy that asks who is there, and tells authseal (LOGIN_HEADER).

use std::{io::Write, net::Ipv4Addr, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::NamedTempFile;

use super::{
    Proxy, caddy,
    client::{OUTSIDE, PROXY, get_from},
    front::Front,
    nginx,
};

const PASSWORD: &str = "never-print-this-password";
/// It by bcrypt, so weak that it is quick.
const HASH: &str = "$2b$04$pka8AWQcF.MEu8.6RUS.s./BoUveyt51PZrCjMl8GEFWrLzhaAJMC";

/// What the two pages of this test are at: one behind the proxy's password, one that
/// it guards not.
const GUARDED: &str = "/";
const UNGUARDED: &str = "/renew";

/// `users` is a file of nginx's own format.
async fn nginx(authseal: &str, users: &Path) -> Proxy {
    let (pass, users) = (nginx::pass(authseal), users.display());
    nginx::serve(&format!(
        "location / {{
            auth_basic authseal;
            auth_basic_user_file {users};
            {pass}
            proxy_set_header Remote-User $remote_user;
        }}
        location = {UNGUARDED} {{
            {pass}
            proxy_set_header Remote-User \"\";
        }}"
    ))
    .await
}

async fn caddy(authseal: &str) -> Proxy {
    caddy::serve(
        "http",
        &format!(
            "@open path {UNGUARDED}
            handle @open {{
                reverse_proxy {authseal} {{
                    header_up -Remote-User
                }}
            }}
            handle {{
                basicauth {{
                    alice {HASH}
                }}
                reverse_proxy {authseal} {{
                    header_up Remote-User {{http.auth.user.id}}
                }}
            }}"
        ),
    )
    .await
}

/// What a request gets: in, asked by the proxy for a password, or told by authseal
/// that nobody has signed in.
#[derive(Debug, PartialEq)]
enum Got {
    In,
    Asked,
    Refused,
}
use Got::{Asked, In, Refused};

async fn check(from: Ipv4Addr, url: &str, headers: &[(&str, &str)], expected: Got) {
    let answer = get_from(from, url, headers).await;
    let got = match answer.status.as_u16() {
        200 => In,
        401 if answer.header("www-authenticate").starts_with("Basic") => Asked,
        403 if answer.body.contains("You are not signed in") => Refused,
        _ => panic!("{url}: {answer:?}"),
    };
    assert_eq!(got, expected, "{url}");
}

async fn check_behind(proxy: impl AsyncFnOnce(&str) -> Proxy) {
    let front = Front::start(proxy, "http", "", |app| {
        app.env("AUTHSEAL_TRUSTED_PROXIES", PROXY)
            .env("AUTHSEAL_LOGIN_HEADER", "Remote-User")
    })
    .await;
    let basic = |password| format!("Basic {}", STANDARD.encode(format!("alice:{password}")));
    let (right, wrong) = (basic(PASSWORD), basic("never-print-a-wrong-one"));
    let (signed_in, wrong) = (("Authorization", &*right), ("Authorization", &*wrong));
    let (claims, like_it) = (("Remote-User", "mallory"), ("Remote_User", "mallory"));

    let at = |path: &str| format!("{}{path}", front.public_url);
    let (guarded, unguarded) = (at(GUARDED), at(UNGUARDED));
    for (headers, at_guarded, at_unguarded) in [
        (&[][..], Asked, Refused),
        (&[claims], Asked, Refused),
        (&[claims, claims], Asked, Refused),
        (&[like_it], Asked, Refused),
        (&[wrong], Asked, Refused),
        (&[wrong, claims], Asked, Refused),
        (&[signed_in], In, Refused),
        (&[signed_in, claims], In, Refused),
    ] {
        check(OUTSIDE, &guarded, headers, at_guarded).await;
        check(OUTSIDE, &unguarded, headers, at_unguarded).await;
    }
    // Past the proxy: only from its own address would it be believed.
    let straight = format!("{}{GUARDED}", front.app.url);
    check(OUTSIDE, &straight, &[claims], Refused).await;
    check(PROXY.parse().unwrap(), &straight, &[claims], In).await;
}

#[tokio::test]
async fn who_has_signed_in_to_nginx_is_let_in_and_nobody_else() {
    let mut users = NamedTempFile::new().unwrap();
    write!(users, "alice:{{PLAIN}}{PASSWORD}").unwrap();
    check_behind(async |authseal| nginx(authseal, users.path()).await).await;
}

/// The file in deploy/, with a single sign-on that knows who has its cookie, and lets in
/// everybody.
#[tokio::test]
async fn whom_a_single_sign_on_names_to_caddy_is_let_in_and_nobody_else() {
    let sso = "@known header Cookie session
        header @known Remote-User alice
        respond 200";
    let sso = caddy::serve("http", sso).await;
    let file = include_str!("../../../deploy/caddy/forward-auth.caddyfile");
    let (_, site) = file.split_once("auth.example.com {").unwrap();
    let (site, _) = site.rsplit_once('}').unwrap();
    let proxy = async |authseal: &str| {
        let at_sso = format!("127.0.0.1:{}", sso.port);
        let site = site
            .replace("{$SSO_UPSTREAM:127.0.0.1:9091}", &at_sso)
            .replace("127.0.0.1:8080", authseal);
        caddy::serve("http", &site).await
    };
    let front = Front::start(proxy, "http", "", |app| {
        app.env("AUTHSEAL_TRUSTED_PROXIES", PROXY)
            .env("AUTHSEAL_LOGIN_HEADER", "Remote-User")
    })
    .await;
    let url = format!("{}{GUARDED}", front.public_url);
    let (cookie, claims) = (("Cookie", "session"), ("Remote-User", "mallory"));
    for (headers, expected) in [
        (&[][..], Refused),
        (&[claims], Refused),
        (&[cookie], In),
        (&[cookie, claims], In),
    ] {
        check(OUTSIDE, &url, headers, expected).await;
    }
}

#[tokio::test]
async fn who_has_signed_in_to_caddy_is_let_in_and_nobody_else() {
    check_behind(caddy).await;
}
