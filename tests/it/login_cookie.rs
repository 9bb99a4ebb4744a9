//! The cookie that ties a login to the browser that began it.

use std::time::Duration;

use super::login::assert_not_begun;
use crate::support::{Browser, TestApp, begin, get, parameter};

#[tokio::test]
async fn another_logins_cookie_does_not_help() {
    let app = TestApp::start().await;
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let victims_request = begin(&app, &mut victim, "stable").await;
    let attackers_request = begin(&app, &mut attacker, "stable").await;
    let attackers_callback = app.allow(&attackers_request).await;

    // Login CSRF: the attacker's callback in the victim's browser.
    assert_not_begun(&victim.get(&attackers_callback).await);
    // Not under the other's name either.
    let (name, _) = attacker.cookies.first_key_value().unwrap();
    let (_, value) = victim.cookies.first_key_value().unwrap();
    let cookie = format!("{name}={value}");
    assert_not_begun(&get(&attackers_callback, &[("cookie", &cookie)]).await);

    assert_eq!(app.provider.seen().exchanges, 0);
    assert_eq!(app.provider.seen().refusals, 0);
    let victims_callback = app.allow(&victims_request).await;
    assert_eq!(victim.get(&victims_callback).await.status, 200);
}

#[tokio::test]
async fn a_broken_cookie_is_no_cookie() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let request = begin(&app, &mut browser, "stable").await;
    let callback = app.allow(&request).await;
    let (name, value) = browser.cookies.first_key_value().unwrap();
    let (kid, sealed) = value.split_once('.').unwrap();
    for broken in [
        "",
        ".",
        "x",
        sealed,
        &format!("{kid}."),
        &format!("{kid}.AAAA"),
        &format!("nope.{sealed}"),
        &value[..value.len() - 1],
        &format!("{value}A"),
        &format!("{value}=="),
        &app.seal("stable", "never-print-refresh"),
    ] {
        let cookie = format!("{name}={broken}");
        assert_not_begun(&get(&callback, &[("cookie", &cookie)]).await);
    }
    assert_eq!(browser.get(&callback).await.status, 200);
}

#[tokio::test]
async fn a_login_must_be_finished_within_ten_minutes() {
    let app = TestApp::start().await;
    for (seconds, status) in [(599, 200), (600, 400)] {
        let mut browser = Browser::default();
        let request = begin(&app, &mut browser, "stable").await;
        app.clock.advance(Duration::from_secs(seconds));
        let callback = app.allow(&request).await;
        let page = browser.get(&callback).await;
        assert_eq!(page.status, status, "{seconds} s: {page:?}");
    }
    assert_eq!(app.provider.seen().exchanges, 1);
}

#[tokio::test]
async fn the_cookie_is_for_this_server_and_the_way_back_alone() {
    let https = "https://auth.example/seal";
    for (public_url, prefix, secure) in [(None, "authseal-", false), (Some(https), "__Host-", true)]
    {
        let mut builder = TestApp::builder();
        if let Some(public_url) = public_url {
            builder = builder.env("AUTHSEAL_PUBLIC_URL", public_url);
        }
        let app = builder.start().await;
        let begun = get(&format!("{}/login?id=stable", app.url), &[]).await;
        let cookie = begun.header("set-cookie");
        let state = parameter(begun.header("location"), "state");
        assert!(cookie.starts_with(prefix), "{cookie}");
        assert!(cookie.contains(&format!("-{state}=")), "{cookie}");
        let mut attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
        attributes.sort_unstable();
        let mut expected = vec!["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax"];
        expected.extend(secure.then_some("Secure"));
        assert_eq!(attributes, expected);
        assert_eq!(begun.header("cache-control"), "no-store");
    }
}
