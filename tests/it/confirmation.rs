//! The click by which a person hands an AuthID over, and everything that is not that click.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    Answer, Browser, ScriptedProvider, TestApp, authid_on, callback,
    emulators::{Emulated, credential_on, hidden_state},
    form_request, get,
    hand_over::{TOKEN, assert_strict, fetch, log_in, no_such_entry, not_ready, open},
    hand_over_form, login_link, parameter, send, tokens,
};

const OTHER_TOKEN: &str = "u0y6t3v5w8z1q7m2x9k4";
const NAS: &str = "http://nas.local:8200";
const TOO_LATE: &str = "Nothing is handed over now";

/// The page shows the AuthID, and nobody can fetch it.
async fn assert_nothing_handed_over(app: &TestApp, page: &Answer) {
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains(TOO_LATE), "{page:?}");
    authid_on(&page.body);
    assert_eq!(fetch(app, TOKEN).await, not_ready());
}

/// A stranger's link to somebody whose provider asks nothing any more.
#[tokio::test]
async fn a_login_alone_delivers_nothing_and_the_page_names_who_asks() {
    let app = TestApp::start().await;
    for (referer, asks, button) in [
        (
            Some(NAS),
            format!("<code>{NAS}</code> asks for your AuthID."),
            format!("Hand it over to {NAS}"),
        ),
        (
            Some("https://evil.example/page?x"),
            "<code>https://evil.example</code> asks for your AuthID.".into(),
            "Hand it over to https://evil.example".into(),
        ),
        (
            None,
            "A program that does not say its address asks for your AuthID.".into(),
            "Hand it over to the program that opened this page".into(),
        ),
    ] {
        let mut browser = Browser::default();
        let start = format!("{}/?type=stable&token={TOKEN}", app.url);
        let start = match referer {
            Some(referer) => browser.get_from(referer, &start).await,
            None => browser.get(&start).await,
        };
        let page = app
            .log_in_by(&mut browser, &login_link(&start.body))
            .await
            .good();
        assert!(page.body.contains(&asks), "{page:?}");
        assert!(page.body.contains(&format!(">{button}</button>")));
        // The copy button is shown by the script, in what is folded away.
        let (before, _) = page.body.split_once("<details>").unwrap();
        assert_eq!(before.matches("<button").count(), 1, "{page:?}");
        // Nothing is posted to an opener, however trusted.
        assert!(!page.body.contains("data-post"), "{page:?}");
        assert!(!page.body.contains(TOKEN), "{page:?}");
        assert_eq!(fetch(&app, TOKEN).await, not_ready());

        let after = app.hand_over(&mut browser, &page).await;
        assert!(after.body.contains("fetches it within a few seconds"));
        assert!(!after.body.contains("data-post"), "{after:?}");
        assert!(browser.cookies.keys().all(|name| name.contains("visit")));
        let authid = authid_on(&page.body);
        assert_eq!(authid_on(&after.body), authid);
        assert_eq!(fetch(&app, TOKEN).await, json!({"authid": authid}));
        app.clock.advance(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn a_person_has_five_minutes_from_opening_to_the_click() {
    let app = TestApp::start().await;
    for (before, after, in_time) in [(0, 299, true), (299, 0, true), (200, 100, false)] {
        let mut browser = Browser::default();
        let start = open(&app, &mut browser, TOKEN).await;
        app.clock.advance(Duration::from_secs(before));
        let page = app.log_in_by(&mut browser, &login_link(&start.body)).await;
        app.clock.advance(Duration::from_secs(after));
        let after = app.hand_over(&mut browser, &page).await;
        assert_eq!(after.body.contains(TOO_LATE), !in_time, "{after:?}");
        let authid = authid_on(&after.body);
        assert_eq!(fetch(&app, TOKEN).await["authid"] == authid, in_time);
        assert_eq!(app.refresh(&authid).await.status, 200);
        app.clock.advance(Duration::from_secs(30));
    }
    // Who comes back too late is not asked at all.
    let mut browser = Browser::default();
    let start = open(&app, &mut browser, TOKEN).await;
    app.clock.advance(Duration::from_secs(300));
    let page = app.log_in_by(&mut browser, &login_link(&start.body)).await;
    assert!(!page.body.contains("action=\"/hand-over\""), "{page:?}");
    assert_nothing_handed_over(&app, &page).await;
}

/// Another attempt does not begin the five minutes anew.
#[tokio::test]
async fn the_time_counts_from_the_first_opening() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let start = open(&app, &mut browser, TOKEN).await;
    app.clock.advance(Duration::from_secs(290));
    let begun = browser
        .get(&format!("{}{}", app.url, login_link(&start.body)))
        .await;
    let state = parameter(begun.header("location"), "state");
    let refused = format!("{}/logged-in?error=access_denied&state={state}", app.url);
    let again = login_link(&browser.get(&refused).await.body);
    app.clock.advance(Duration::from_secs(10));
    let page = app.log_in_by(&mut browser, &again).await;
    assert_nothing_handed_over(&app, &page).await;
}

#[tokio::test]
async fn a_form_that_is_sent_again_hands_nothing_over() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let page = log_in(&app, &mut browser, TOKEN).await;
    let authid = authid_on(&page.body);
    let mut second_click = browser.clone();
    app.hand_over(&mut browser, &page).await;
    assert_eq!(fetch(&app, TOKEN).await["authid"], authid);
    // Of a double click, the second one comes with the cookie.
    app.hand_over(&mut second_click, &page).await;
    assert_eq!(fetch(&app, TOKEN).await, no_such_entry());
    app.clock.advance(Duration::from_secs(30));
    // Reloaded, or from the browser's history.
    for _ in 0..2 {
        let again = app.hand_over(&mut browser, &page).await;
        assert_nothing_handed_over(&app, &again).await;
        assert_eq!(authid_on(&again.body), authid);
    }
}

#[tokio::test]
async fn only_the_browser_that_was_asked_can_confirm() {
    let app = TestApp::start().await;
    let mut asked = Browser::default();
    let page = log_in(&app, &mut asked, TOKEN).await;
    let mut other = Browser::default();
    let others = log_in(&app, &mut other, OTHER_TOKEN).await;
    for mut browser in [Browser::default(), other] {
        let after = app.hand_over(&mut browser, &page).await;
        assert_nothing_handed_over(&app, &after).await;
    }
    // Under the names of others, cookies do not open.
    let [(_, nonce), sealed] = hand_over_form(&page.body);
    let [others_nonce, _] = hand_over_form(&others.body);
    let name = format!("authseal-hand-over-{nonce}");
    for value in asked.cookies.clone().into_values().chain(["".into()]) {
        if value == asked.cookies[&name] {
            continue;
        }
        let mut browser = Browser {
            cookies: [(name.clone(), value)].into(),
            ..Browser::default()
        };
        let after = app.hand_over(&mut browser, &page).await;
        assert_nothing_handed_over(&app, &after).await;
    }
    // A form is good under its own nonce alone, and to the letter.
    let url = format!("{}/hand-over", app.url);
    let cut = ("sealed", &sealed.1[1..]);
    for fields in [
        vec![others_nonce, sealed],
        vec![sealed],
        vec![("nonce", nonce)],
        vec![("nonce", nonce), cut],
        vec![],
    ] {
        let refused = asked.post(&url, &fields).await;
        assert_eq!(refused.status, 400, "{fields:?}: {refused:?}");
        assert!(!refused.body.contains("v2:"), "{refused:?}");
    }
    assert_eq!(fetch(&app, TOKEN).await, not_ready());
    app.hand_over(&mut asked, &page).await;
    assert!(fetch(&app, TOKEN).await["authid"].is_string());
}

#[tokio::test]
async fn no_other_site_can_click() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let page = log_in(&app, &mut browser, TOKEN).await;
    let url = format!("{}/hand-over", app.url);
    let jar: Vec<String> = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let jar = jar.join("; ");
    let click = async |site: &str| {
        let mut request = form_request(&url, &hand_over_form(&page.body));
        let headers = request.headers_mut();
        headers.insert("sec-fetch-site", site.parse().unwrap());
        headers.insert("cookie", jar.parse().unwrap());
        send(request).await
    };
    for site in ["cross-site", "same-site", ""] {
        assert_eq!(click(site).await.status, 400, "{site}");
        assert_eq!(fetch(&app, TOKEN).await, not_ready());
    }
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(hand_over_form(&page.body))
        .finish();
    let by_link = get(&format!("{url}?{form}"), &[("cookie", &jar)]).await;
    assert_eq!(by_link.status, 405);
    assert_eq!(click("same-origin").await.status, 200);
    assert!(fetch(&app, TOKEN).await["authid"].is_string());
}

#[tokio::test]
async fn the_cookie_of_the_click_is_strict_and_lasts_as_long_as_the_program_waits() {
    let provider = ScriptedProvider::start(|_| tokens("access", Some("refresh")));
    for (public_url, prefix, secure) in [
        (None, "authseal-hand-over-", false),
        (
            Some("https://auth.example"),
            "__Host-authseal-hand-over-",
            true,
        ),
    ] {
        let mut builder = TestApp::builder().scripted(&provider, "stable");
        if let Some(public_url) = public_url {
            builder = builder.env("AUTHSEAL_PUBLIC_URL", public_url);
        }
        let app = builder.start().await;
        let mut browser = Browser::default();
        let start = format!("{}/?type=scripted&token={TOKEN}", app.url);
        let link = login_link(&browser.get(&start).await.body);
        let begun = browser.get(&format!("{}{link}", app.url)).await;
        let callback = callback(&app, begun.header("location"), "code=c");
        let page = browser.get(&callback).await;
        let [(_, nonce), _] = hand_over_form(&page.body);
        let mut cookies = page.headers.get_all("set-cookie").iter();
        let cookie = cookies.find_map(|cookie| {
            let cookie = cookie.to_str().unwrap();
            cookie.starts_with(prefix).then(|| cookie.to_owned())
        });
        let cookie = cookie.unwrap();
        assert!(cookie.starts_with(&format!("{prefix}{nonce}=")), "{cookie}");
        assert_strict(&cookie, 300, secure);
    }
}

/// Nothing is kept between the page and the click, so it may come to any server that has
/// the keys.
#[tokio::test]
async fn another_server_takes_the_click() {
    let app = TestApp::start().await;
    let keys = app.keys_dir.to_str().unwrap();
    let other = TestApp::builder().env("AUTHSEAL_KEYS_DIR", keys);
    let other = other.start().await;
    let mut browser = Browser::default();
    let page = log_in(&app, &mut browser, TOKEN).await;
    let after = other.hand_over(&mut browser, &page).await;
    assert!(after.body.contains("fetches it within"), "{after:?}");
    let authid = authid_on(&page.body);
    assert_eq!(fetch(&other, TOKEN).await["authid"], authid);

    let strange = TestApp::start().await;
    let page = log_in(&app, &mut browser, TOKEN).await;
    let refused = strange.hand_over(&mut browser, &page).await;
    assert_eq!(refused.status, 400, "{refused:?}");
}

#[tokio::test]
async fn whatever_a_login_gives_is_handed_over_the_same_way() {
    let emulated = Emulated::start(&["pcloud", "jottacloud"]).await;
    let url = &emulated.app.url;
    for service in ["pcloud", "jottacloud"] {
        let mut browser = Browser::default();
        let start = format!("{url}/?type={service}&token={TOKEN}");
        let link = login_link(&browser.get(&start).await.body);
        let page = if service == "jottacloud" {
            let begun = browser.get(&format!("{url}{link}")).await;
            let token = emulated.at("jottacloud").books().new_login_token();
            let state = hidden_state(&begun.body);
            let fields = [("state", state.as_str()), ("token", &token)];
            let action = format!("{url}/cli-token-login");
            browser.post(&action, &fields).await
        } else {
            emulated.log_in_by(&mut browser, &link).await
        };
        assert_eq!(fetch(&emulated.app, TOKEN).await, not_ready());
        let credential = credential_on(&page.body);
        let after = emulated.app.hand_over(&mut browser, &page).await;
        assert_eq!(credential_on(&after.body), credential);
        // pCloud's host is entered by hand, and Duplicati closes the window after the click.
        // So both pages show it, before anything that hands over.
        for page in [&page, &after] {
            let shows = page.body.contains("<dt>hostname</dt>");
            assert_eq!(shows, service == "pcloud", "{page:?}");
        }
        let first = page.body.split("<form").next().unwrap();
        for text in ["First copy this: Duplicati asks for it too", "hostname"] {
            assert_eq!(first.contains(text), service == "pcloud", "{page:?}");
        }
        let fetched = fetch(&emulated.app, TOKEN).await;
        assert_eq!(fetched["authid"], credential, "{service}");
        emulated.app.clock.advance(Duration::from_secs(30));
    }
}
