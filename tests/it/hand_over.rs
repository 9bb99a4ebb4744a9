//! Handing the AuthID to the program that opened the page with a token, as
//! Duplicati's old web UI does.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Browser, TestApp, authid_on, get,
    hand_over::{TOKEN, fetch, log_in_and_confirm, no_such_entry, not_ready, open, state},
    login_link,
};

const OTHER_TOKEN: &str = "u0y6t3v5w8z1q7m2x9k4";

const HANDED_OVER: &str = "fetches it within a few seconds";
const ASKS: &str = "asks for your AuthID.";

#[tokio::test]
async fn whoever_has_the_token_fetches_the_authid_once() {
    let app = TestApp::start().await;
    for (number, (query, before, after)) in [
        ("", "", ""),
        ("&callback=F", "/**/F(", ");"),
        (
            "&jsonp=angular.callbacks._0",
            "/**/angular.callbacks._0(",
            ");",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let token = format!("{TOKEN}{number}");
        let page = log_in_and_confirm(&app, &token).await;
        assert!(page.body.contains(HANDED_OVER), "{page:?}");
        let authid = authid_on(&page.body);
        let url = format!("{}/fetch?token={token}{query}", app.url);
        let mut answers = Vec::new();
        for _ in 0..2 {
            let answer = get(&url, &[]).await.good();
            let body = answer.body.strip_prefix(before).unwrap();
            let body = body.strip_suffix(after).unwrap();
            answers.push(serde_json::from_str::<Value>(body).unwrap());
        }
        assert_eq!(answers, [json!({"authid": authid}), no_such_entry()]);
        assert_eq!(app.refresh(&authid).await.status, 200);
    }
}

#[tokio::test]
async fn the_state_of_a_token_says_how_far_it_is() {
    let app = TestApp::start().await;
    let assert_not_ready = async || {
        assert_eq!(state(&app, TOKEN).await, not_ready());
        assert_eq!(fetch(&app, TOKEN).await, not_ready());
    };
    assert_not_ready().await;
    let mut browser = Browser::default();
    let start = open(&app, &mut browser, TOKEN).await;
    assert_not_ready().await;
    let page = app.log_in_by(&mut browser, &login_link(&start.body)).await;
    assert_not_ready().await;

    app.hand_over(&mut browser, &page).await;
    for _ in 0..2 {
        assert_eq!(state(&app, TOKEN).await, json!({"success": false}));
    }
    assert!(fetch(&app, TOKEN).await["authid"].is_string());
    assert_eq!(state(&app, TOKEN).await, json!({"success": true}));
    assert_eq!(state(&app, OTHER_TOKEN).await, not_ready());

    app.clock.advance(Duration::from_secs(30));
    assert_not_ready().await;
}

#[tokio::test]
async fn a_program_has_thirty_seconds_to_fetch() {
    let app = TestApp::start().await;
    for (seconds, in_time) in [(29, true), (30, false)] {
        log_in_and_confirm(&app, TOKEN).await;
        app.clock.advance(Duration::from_secs(seconds));
        let fetched = fetch(&app, TOKEN).await;
        assert_eq!(fetched["authid"].is_string(), in_time, "{fetched}");
        // What says that it was fetched is gone as well.
        app.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(fetch(&app, TOKEN).await, not_ready());
    assert_eq!(state(&app, TOKEN).await, not_ready());
}

#[tokio::test]
async fn what_can_be_guessed_or_is_no_token_hands_nothing_over() {
    let app = TestApp::start().await;
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let (shortest, longest) = ("a".repeat(16), "-_".repeat(32));
    for good in [shortest.as_str(), &longest] {
        log_in_and_confirm(&app, good).await;
        assert!(fetch(&app, good).await["authid"].is_string(), "{good}");
    }
    for bad in [
        "",
        &shortest[1..],
        &format!("{longest}a"),
        "4k9x2m7q1z8w5v3t6y0 u",
        "4k9x2m7q1z8w5v3t6y0\u{fc}",
        "4k9x2m7q1z8w5v3t6y0\0",
        "<script>alert(1)</script>",
    ] {
        let token = encoded(bad);
        let mut browser = Browser::default();
        let start = open(&app, &mut browser, &token).await;
        assert_eq!(start.status, 200);
        assert!(!start.body.contains(ASKS), "{bad}: {start:?}");
        assert_eq!(start.header("set-cookie"), "", "{bad}");
        let page = app.log_in_by(&mut browser, &login_link(&start.body)).await;
        assert!(!page.body.contains("hand-over"), "{bad}: {page:?}");
        assert_eq!(fetch(&app, &token).await, no_such_entry(), "{bad}");
        assert_eq!(state(&app, &token).await, no_such_entry(), "{bad}");
    }
    let missing = get(&format!("{}/fetch", app.url), &[]).await;
    assert_eq!(missing.json(), json!({"error": "Missing token"}));
}

#[tokio::test]
async fn the_page_says_who_asks_for_the_authid() {
    let app = TestApp::start().await;
    for path in ["/?", "/?type=stable&"] {
        let mut browser = Browser::default();
        let url = format!("{}{path}token={TOKEN}", app.url);
        let seen = "http://nas.local:8200/ngax/index.html";
        let named = browser.get_from(seen, &url).await.body;
        let expected = format!("<code>http://nas.local:8200</code> {ASKS}");
        assert!(named.contains(&expected), "{named}");
        let unnamed = browser.get(&url).await.body;
        let expected = format!("The program that opened this page {ASKS}");
        assert!(unnamed.contains(&expected), "{unnamed}");
        for page in [named, unnamed] {
            assert!(page.contains("You are asked once more"), "{page}");
        }
        let plain = browser.get(&format!("{}{path}", app.url)).await.body;
        assert!(!plain.contains(ASKS), "{plain}");
    }
}

#[tokio::test]
async fn two_hand_overs_in_one_browser_do_not_disturb_each_other() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let first = open(&app, &mut browser, TOKEN).await;
    let second = open(&app, &mut browser, OTHER_TOKEN).await;
    let second = app.log_in_by(&mut browser, &login_link(&second.body)).await;
    let first = app.log_in_by(&mut browser, &login_link(&first.body)).await;
    for (token, page) in [(TOKEN, first), (OTHER_TOKEN, second)] {
        assert_eq!(fetch(&app, token).await, not_ready());
        app.hand_over(&mut browser, &page).await;
        let authid = authid_on(&page.body);
        assert_eq!(fetch(&app, token).await, json!({"authid": authid}));
    }
}
