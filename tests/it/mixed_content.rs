//! Duplicati's old web UI on https, and authseal on http: the browser blocks the UI's
//! requests, so nothing can be handed over.

use std::time::Duration;

use crate::support::{
    Answer, Browser, ScriptedProvider, TestApp, authid_on, callback,
    hand_over::{TOKEN, fetch, not_ready},
    login_link, login_links, tokens,
};

const HTTP: &str = "http://auth.lan";
const SECURE_UI: &str = "https://nas.lan:8200";
const PLAIN_UI: &str = "http://nas.lan:8200";
const CAN_NOT: &str = "can't fetch it: its page is on https";
const PERHAPS: &str = "Browsers block requests of an https page to this server";
const PASTE: &str = "Copy it, and paste it into the AuthID field in Duplicati.";

async fn start(public_url: &str) -> TestApp {
    let provider = ScriptedProvider::start(|_| tokens("access", Some("refresh")));
    let app = TestApp::builder()
        .scripted(&provider, "stable")
        .env("AUTHSEAL_PUBLIC_URL", public_url);
    app.start().await
}

/// The start page as this opener opens it, and the result page.
async fn log_in(
    app: &TestApp,
    browser: &mut Browser,
    opener: Option<&str>,
    token: &str,
) -> [Answer; 2] {
    let start = format!("{}/?type=scripted{token}", app.url);
    let start = match opener {
        Some(opener) => browser.get_from(opener, &start).await,
        None => browser.get(&start).await,
    };
    let link = login_link(&start.body);
    let begun = browser.get(&format!("{}{link}", app.url)).await;
    let callback = callback(app, begun.header("location"), "code=c");
    [start, browser.get(&callback).await.good()]
}

#[tokio::test]
async fn an_https_page_is_promised_nothing_and_the_person_copies() {
    let app = start(HTTP).await;
    let mut browser = Browser::default();
    let token = format!("&token={TOKEN}");
    let [start, page] = log_in(&app, &mut browser, Some(SECURE_UI), &token).await;
    for promise in ["asks for", "will receive", "You confirm", "It goes to"] {
        assert!(!start.body.contains(promise), "{promise}: {start:?}");
    }
    let links = login_links(&start.body).count();
    assert_eq!(links, 1, "nothing is sent anyway: {start:?}");
    for text in [CAN_NOT, PASTE, "Your AuthID is ready"] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
    // No button that hands over, no address field, and nothing is posted.
    for word in ["data-post", "hand-over", "fetches it within"] {
        assert!(!page.body.contains(word), "{word}: {page:?}");
    }
    authid_on(&page.body);
    assert_eq!(fetch(&app, TOKEN).await, not_ready());
}

#[tokio::test]
async fn a_page_that_may_be_on_https_leads_to_the_copy_and_can_still_be_handed_over_to() {
    let app = start(HTTP).await;
    let mut browser = Browser::default();
    let token = format!("&token={TOKEN}");
    let [start, page] = log_in(&app, &mut browser, None, &token).await;
    let asks = "The program that opened this page asks for your AuthID.";
    assert!(start.body.contains(asks), "{start:?}");
    assert!(page.body.contains("Your AuthID is ready"), "{page:?}");
    let (before, question) = page.body.split_once("<details>").unwrap();
    let authid = authid_on(before);
    for text in [PASTE, "Treat it like a password"] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
    for text in [
        PERHAPS,
        "A program that does not say its address asks for your AuthID.",
        "Hand it over to the program that opened this page",
    ] {
        assert!(question.contains(text), "{text}: {page:?}");
    }
    assert!(!page.body.contains("data-post"), "no address: {page:?}");
    assert_eq!(fetch(&app, TOKEN).await, not_ready());
    let after = app.hand_over(&mut browser, &page).await;
    assert!(after.body.contains("fetches it within"), "{after:?}");
    assert_eq!(fetch(&app, TOKEN).await["authid"], authid);
}

#[tokio::test]
async fn where_nothing_is_blocked_the_page_asks_first() {
    for (number, (public_url, opener)) in [
        (HTTP, Some(PLAIN_UI)),
        ("https://auth.lan", Some(SECURE_UI)),
        ("https://auth.lan", None),
        ("http://localhost:8080", Some(SECURE_UI)),
        ("http://localhost:8080", None),
    ]
    .into_iter()
    .enumerate()
    {
        let app = start(public_url).await;
        let mut browser = Browser::default();
        let token = format!("&token={TOKEN}{number}");
        let [start, page] = log_in(&app, &mut browser, opener, &token).await;
        assert!(
            start.body.contains("You confirm who receives it"),
            "{start:?}"
        );
        assert!(page.body.contains("Hand over your AuthID?"), "{page:?}");
        for text in [CAN_NOT, PERHAPS] {
            assert!(!page.body.contains(text), "{public_url}: {page:?}");
        }
    }
}

/// Messages are not blocked: the current web UI gets its AuthID that way.
#[tokio::test]
async fn a_page_that_opens_ours_without_a_token_is_sent_to_as_ever() {
    let app = start(HTTP).await;
    for (opener, expected) in [
        (
            Some(SECURE_UI),
            "data-origin=\"https://nas.lan:8200\" data-trusted",
        ),
        (None, "Address of your Duplicati"),
    ] {
        let [_, page] = log_in(&app, &mut Browser::default(), opener, "").await;
        assert!(page.body.contains(expected), "{page:?}");
        assert!(!page.body.contains(CAN_NOT), "{page:?}");
    }
}

/// A token shows that it is the old web UI, which listens for no message.
#[tokio::test]
async fn a_program_that_has_stopped_waiting_is_asked_for_no_address() {
    let app = start(HTTP).await;
    for opener in [None, Some(PLAIN_UI)] {
        let mut browser = Browser::default();
        let link = format!("{}/?type=scripted&token={TOKEN}", app.url);
        let page = match opener {
            Some(opener) => browser.get_from(opener, &link).await,
            None => browser.get(&link).await,
        };
        app.clock.advance(Duration::from_secs(300));
        let login = format!("{}{}", app.url, login_link(&page.body));
        let begun = browser.get(&login).await;
        let callback = callback(&app, begun.header("location"), "code=c");
        let page = browser.get(&callback).await.good();
        for text in [PASTE, "Nothing is handed over now"] {
            assert!(page.body.contains(text), "{text}: {page:?}");
        }
        assert!(!page.body.contains("data-post"), "{page:?}");
    }
}
