//! "Restrict this AuthID" on the start page, through the login to the AuthID.

use super::{limits, limits_of};
use crate::support::{Answer, Browser, TestApp, authid_on, get, hand_over, login_link};

fn query(until: &str, networks: &str, per_hour: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("type", "stable");
    for (name, value) in [
        ("until", until),
        ("networks", networks),
        ("per_hour", per_hour),
    ] {
        query.append_pair(name, value);
    }
    query.finish()
}

/// The field of the form, as a browser sends it.
fn visit(page: &Answer) -> String {
    let (_, rest) = page
        .body
        .split_once("name=\"visit\" value=\"")
        .expect("no visit");
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn limits_of_the_form_are_sealed_into_the_authid() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let page = browser.get(&format!("{}/?type=stable", app.url)).await;
    for part in [
        "<summary>Restrict this AuthID</summary>",
        "You come from 127.0.0.1/32.",
    ] {
        assert!(page.body.contains(part), "{page:?}");
    }
    let set = query("2027-06-30", "127.0.0.1, fd00::/8", "60");
    let page = browser.get(&format!("{}/?{set}", app.url)).await.good();
    let said = "The AuthID will be valid until 2027-06-30T00:00:00Z, from 127.0.0.1/32, fd00::/8, 60 times an hour.";
    assert!(page.body.contains(said), "{page:?}");
    let result = app
        .log_in_by(&mut browser, &login_link(&page.body))
        .await
        .good();
    let until = authseal::clock::UnixTime::parse("2027-06-30");
    let expected = limits(until, "127.0.0.1/32,fd00::/8", 60);
    let authid = authid_on(&result.body);
    assert_eq!(limits_of(&app, &authid), expected);
    assert!(
        result.body.contains("valid until 2027-06-30T00:00:00Z"),
        "{result:?}"
    );
    assert_eq!(app.refresh(&authid).await.status, 200);
}

#[tokio::test]
async fn limits_do_not_change_who_receives_the_authid() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let opened = hand_over::open(&app, &mut browser, hand_over::TOKEN).await;
    let set = format!("{}&visit={}", query("", "", "7"), visit(&opened));
    let page = browser.get(&format!("{}/?{set}", app.url)).await.good();
    assert!(page.body.contains("asks for"), "{page:?}");
    let asks = app.log_in_by(&mut browser, &login_link(&page.body)).await;
    app.hand_over(&mut browser, &asks).await.good();
    let fetched = hand_over::fetch(&app, hand_over::TOKEN).await;
    let authid = fetched["authid"].as_str().unwrap();
    assert_eq!(limits_of(&app, authid), limits(None, "", 7));

    // The other button sends it to nobody, with the same limits.
    let alone = page
        .body
        .split("href=\"")
        .find(|link| link.contains("send=no"))
        .unwrap();
    let alone = alone
        .split('"')
        .next()
        .unwrap()
        .replace("&#38;", "&")
        .replace("&amp;", "&");
    let result = app.log_in_by(&mut browser, &alone).await.good();
    assert_eq!(
        limits_of(&app, &authid_on(&result.body)),
        limits(None, "", 7)
    );
    // Empty fields take the limits away, and nobody receives it unasked.
    let set = format!("{}&visit={}", query("", "", ""), visit(&page));
    let page = browser.get(&format!("{}/?{set}", app.url)).await.good();
    assert!(!page.body.contains("The AuthID will be"), "{page:?}");
}

#[tokio::test]
async fn bad_input_is_named_and_begins_no_login() {
    let app = TestApp::builder()
        .env("AUTHSEAL_AUTHID_NETWORKS", "127.0.0.0/8")
        .env("AUTHSEAL_AUTHID_LIFETIME", "30d");
    let app = app.start().await;
    for (query, says) in [
        (
            query("30.6.2027", "", ""),
            "is no date. Write it like 2027-01-31",
        ),
        (query("2020-01-01", "", ""), "2020-01-01T00:00:00Z is past"),
        (
            query("2999-01-01", "", ""),
            "It can be good until 2027-02-14T08:00:00Z at most.",
        ),
        (query("", "<script>", ""), "which is no network"),
        (
            query("", "10.0.0.0/8", ""),
            "It can be good from 127.0.0.0/8 at most.",
        ),
        (query("", "0.0.0.0/0", ""), "covers every IPv4 address"),
        (query("", "", "0"), "from 1 to 60000"),
    ] {
        let page = get(&format!("{}/?{query}", app.url), &[]).await;
        assert_eq!(page.status, 400, "{page:?}");
        assert!(page.body.contains(says), "{says}: {page:?}");
        assert!(!page.body.contains("/login?id="), "{page:?}");
        assert!(!page.body.contains("<script>"), "{page:?}");
    }
    // The setting is said, and narrowed.
    let mut browser = Browser::default();
    let page = browser
        .get(&format!("{}/?{}", app.url, query("", "127.0.0.1", "")))
        .await;
    let said = "Each AuthID of this server is valid until 2027-02-14T08:00:00Z, from 127.0.0.0/8.";
    assert!(page.body.contains(said), "{page:?}");
    let result = app.log_in_by(&mut browser, &login_link(&page.body)).await;
    let until = app.clock.now().plus(30 * super::DAY);
    assert_eq!(
        limits_of(&app, &authid_on(&result.body)),
        limits(Some(until), "127.0.0.1/32", 0)
    );
}

#[tokio::test]
async fn a_login_that_fails_is_tried_again_with_the_same_limits() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let page = browser
        .get(&format!("{}/?{}", app.url, query("", "", "9")))
        .await;
    let begun = browser
        .get(&format!("{}{}", app.url, login_link(&page.body)))
        .await;
    let callback = crate::support::callback(&app, begun.header("location"), "error=access_denied");
    let failed = browser.get(&callback).await;
    assert_eq!(failed.status, 400, "{failed:?}");
    let result = app
        .log_in_by(&mut browser, &login_link(&failed.body))
        .await
        .good();
    assert_eq!(
        limits_of(&app, &authid_on(&result.body)),
        limits(None, "", 9)
    );
}
