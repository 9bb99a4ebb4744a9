//! The page that opened ours, and who else gets nothing without being named.

use super::settings::check;
use crate::support::{
    Answer, Browser, ScriptedProvider, TestApp, authid_on, callback, get, login_link, tokens,
};

const LISTED: &str = "https://duplicati.example.com:8200, http://backup.example.org/";

/// What the result page says of its opener: the origin, and whether it is trusted.
fn opener_on(page: &Answer) -> Option<(String, bool)> {
    authid_on(&page.body);
    let (_, rest) = page.body.split_once("data-origin=\"")?;
    let (origin, rest) = rest.split_once('"')?;
    let (attributes, _) = rest.split_once('>')?;
    let is_trusted = attributes.contains("data-trusted");
    assert_eq!(page.body.contains("Send it to "), !is_trusted, "{page:?}");
    Some((origin.to_owned(), is_trusted))
}

#[tokio::test]
async fn the_authid_is_for_the_origin_in_the_referer_of_the_first_request() {
    let app = TestApp::builder()
        .env("AUTHSEAL_OPENER_ORIGINS", LISTED)
        .start()
        .await;
    for (referer, expected) in [
        (
            "http://localhost:8200/ngclient/?x#y",
            Some(("http://localhost:8200", true)),
        ),
        (
            "https://192.168.1.7:443/",
            Some(("https://192.168.1.7", true)),
        ),
        (
            "http://[fd00::5]:8200/",
            Some(("http://[fd00::5]:8200", true)),
        ),
        ("http://nas:8200", Some(("http://nas:8200", true))),
        ("http://NAS.lan./", Some(("http://nas.lan.", true))),
        (
            "https://duplicati.example.com:8200/a",
            Some(("https://duplicati.example.com:8200", true)),
        ),
        (
            "http://backup.example.org",
            Some(("http://backup.example.org", true)),
        ),
        (
            "https://duplicati.example.com/",
            Some(("https://duplicati.example.com", false)),
        ),
        (
            "https://backup.example.org/",
            Some(("https://backup.example.org", false)),
        ),
        (
            "https://evil.example/localhost",
            Some(("https://evil.example", false)),
        ),
        (
            "http://localhost@evil.example/",
            Some(("http://evil.example", false)),
        ),
        (
            "http://127.0.0.1.evil.example/",
            Some(("http://127.0.0.1.evil.example", false)),
        ),
        (
            "http://203.0.113.9:8200/",
            Some(("http://203.0.113.9:8200", false)),
        ),
        (app.url.as_str(), None),
        ("about:blank", None),
        ("null", None),
        ("*", None),
        ("file:///etc/passwd", None),
        ("chrome-extension://abc/x", None),
        ("http://", None),
    ] {
        let mut browser = Browser::default();
        let start = format!("{}/?type=stable", app.url);
        let start = browser.get_from(referer, &start).await;
        assert_eq!(start.status, 200, "{referer}");
        let page = app.log_in_by(&mut browser, &login_link(&start.body)).await;
        let expected = expected.map(|(origin, is_trusted)| (origin.to_owned(), is_trusted));
        assert_eq!(opener_on(&page), expected, "{referer}");
    }
}

#[tokio::test]
async fn whoever_opens_the_page_directly_names_nobody_later_either() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let start = browser.get(&app.url).await;
    assert_eq!(start.header("set-cookie"), "");
    let evil = "http://localhost:666/";
    let login = format!("{}{}", app.url, login_link(&start.body));
    let begun = browser.get_from(evil, &login).await;
    let callback = app.allow(begun.header("location")).await;
    let page = browser.get_from(evil, &callback).await;
    assert_eq!(opener_on(&page), None);
}

#[tokio::test]
async fn the_site_of_the_public_url_is_trusted() {
    let provider = ScriptedProvider::start(|_| tokens("access", Some("refresh")));
    let app = TestApp::builder()
        .scripted(&provider, "stable")
        .env("AUTHSEAL_PUBLIC_URL", "https://auth.example.co.uk")
        .start()
        .await;
    for (opener, is_trusted) in [
        ("https://duplicati.example.co.uk:8443", true),
        ("https://example.co.uk", true),
        ("http://duplicati.example.co.uk", false),
        ("https://other.co.uk", false),
        ("https://auth.example.co.uk.evil.net", false),
    ] {
        let mut browser = Browser::default();
        let start = format!("{}/?type=scripted", app.url);
        let start = browser.get_from(opener, &start).await;
        let login = format!("{}{}", app.url, login_link(&start.body));
        let begun = browser.get(&login).await;
        let callback = callback(&app, begun.header("location"), "code=c");
        let page = browser.get(&callback).await;
        assert_eq!(opener_on(&page), Some((opener.to_owned(), is_trusted)));
    }
}

#[tokio::test]
async fn an_opener_that_is_no_origin_is_complained_about() {
    let printed = check(&[("AUTHSEAL_OPENER_ORIGINS", "*")]).await;
    printed.assert_says(&["AUTHSEAL_OPENER_ORIGINS has a *"]);
    for bad in [
        "null",
        "duplicati.never-print.example",
        "localhost:8200",
        "https://a.example, never-print",
        "ftp://never-print.example",
    ] {
        let printed = check(&[("AUTHSEAL_OPENER_ORIGINS", bad)]).await;
        assert_eq!(printed.code, Some(1), "{bad}: {}", printed.text);
        printed.assert_says(&["AUTHSEAL_OPENER_ORIGINS is not an origin; write it like https://"]);
    }
    for good in [
        "https://a.example",
        " http://nas:8200/ ,, https://b.example,",
    ] {
        let printed = check(&[("AUTHSEAL_OPENER_ORIGINS", good)]).await;
        assert_eq!(printed.code, Some(0), "{good}: {}", printed.text);
    }
}

#[tokio::test]
async fn the_oauth_url_opened_in_a_browser_leads_to_the_start_page() {
    for (public_url, prefix) in [
        ("https://auth.example.com", ""),
        ("https://example.com/seal/", "/seal"),
    ] {
        let app = TestApp::builder().env("AUTHSEAL_PUBLIC_URL", public_url);
        let app = app.start().await;
        for (id, expected) in [
            ("stable", "stable"),
            ("", ""),
            ("a%26b%3Dc%23d", "a%26b%3Dc%23d"),
            ("%0d%0aSet-Cookie:%20x", "%0D%0ASet-Cookie%3A+x"),
            ("//evil.example", "%2F%2Fevil.example"),
            ("%22%3E%3Cscript%3E", "%22%3E%3Cscript%3E"),
            ("%C3%A9", "%C3%A9"),
        ] {
            let answer = get(&format!("{}/refresh?type={id}", app.url), &[]).await;
            assert_eq!(answer.status, 302, "{answer:?}");
            let location = format!("{prefix}/?type={expected}");
            assert_eq!(answer.header("location"), location);
            assert_eq!(answer.header("set-cookie"), "");
        }
    }
}

#[tokio::test]
async fn an_authid_beside_the_type_is_refreshed() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    let url = format!("{}/refresh?type=stable", app.url);
    let by_header = get(&url, &[("X-AuthID", &authid)]).await;
    let by_query = get(&format!("{url}&authid={authid}"), &[]).await;
    for answer in [by_header, by_query] {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["type"], "stable");
    }
    let broken = get(&url, &[("X-AuthID", "v2:stable:x")]).await;
    assert_eq!(broken.status, 401, "{broken:?}");
    let posted = crate::support::post_form(&url, &[]).await;
    assert_eq!(posted.status, 401, "a client that has none: {posted:?}");
}

#[tokio::test]
async fn a_trusted_opener_is_named_before_the_login() {
    let app = TestApp::start().await;
    let start = format!("{}/?type=stable", app.url);
    for (referer, says) in [
        ("http://192.168.1.7:8200/ngclient/", true),
        // A foreign one gets nothing before a button that names it.
        ("https://evil.example/", false),
        (app.url.as_str(), false),
    ] {
        let page = Browser::default().get_from(referer, &start).await;
        let named = "<code>http://192.168.1.7:8200</code> will receive your AuthID";
        let named = page.body.replace("</strong>", "").contains(named);
        assert_eq!(named, says, "{page:?}");
    }
}
