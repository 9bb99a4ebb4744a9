//! Another machine fetches the AuthID by a one-time code: /elsewhere and /collect.

use std::time::Duration;

use crate::support::{
    Answer, Browser, TestApp, authid_on, form_request, get,
    hand_over::{TOKEN, fetch, log_in as log_in_for_program, not_ready},
    hand_over_form, login_link, post_form, send,
};

const UNKNOWN: &str = "This code is unknown, was used before";

/// The page with the AuthID of a new login.
async fn result(app: &TestApp) -> Answer {
    let mut browser = Browser::default();
    let start = browser.get(&format!("{}/?type=stable", app.url)).await;
    app.log_in_by(&mut browser, &login_link(&start.body)).await
}

async fn make_code(app: &TestApp, result: &Answer) -> Answer {
    let form = hand_over_form(&result.body);
    post_form(&format!("{}/elsewhere", app.url), &form).await
}

fn code_on(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("-d code=").expect("no command");
    rest[..19].to_owned()
}

/// As curl asks.
async fn collect(app: &TestApp, code: &str) -> Answer {
    post_form(&format!("{}/collect", app.url), &[("code", code)]).await
}

#[tokio::test]
async fn the_command_prints_the_authid_once() {
    let app = TestApp::start().await;
    let result = result(&app).await;
    let page = make_code(&app, &result).await.good();
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert!(page.body.contains("<svg class=\"qr\""), "{page:?}");
    let code = code_on(&page);
    let first = collect(&app, &code).await.good();
    assert_eq!(first.body, format!("{}\n", authid_on(&result.body)));
    assert_eq!(first.header("content-type"), "text/plain");
    assert_eq!(first.header("cache-control"), "no-store");
    let second = collect(&app, &code).await;
    assert_eq!(second.status, 404);
    assert!(second.body.starts_with(UNKNOWN), "{second:?}");
}

#[tokio::test]
async fn a_browser_gets_a_page_and_the_code_may_be_typed_carelessly() {
    let app = TestApp::start().await;
    let result = result(&app).await;
    let code = code_on(&make_code(&app, &result).await.good());
    let typed = format!(" {} ", code.replace('-', " ").to_uppercase());
    let mut request = form_request(&format!("{}/collect", app.url), &[("code", &typed)]);
    let html = "text/html,*/*;q=0.8".parse().unwrap();
    request.headers_mut().insert("accept", html);
    let page = send(request.clone()).await.good();
    assert_eq!(authid_on(&page.body), authid_on(&result.body));
    let again = send(request).await;
    assert_eq!(again.status, 404);
    assert!(again.body.contains(UNKNOWN) && again.body.contains("name=\"code\""));
}

#[tokio::test]
async fn a_code_lasts_five_minutes_and_one_form_makes_one_code() {
    let app = TestApp::start().await;
    for (seconds, status) in [(299, 200), (300, 404)] {
        let result = result(&app).await;
        let code = code_on(&make_code(&app, &result).await.good());
        assert_eq!(code_on(&make_code(&app, &result).await.good()), code);
        app.clock.advance(Duration::from_secs(seconds));
        assert_eq!(collect(&app, &code).await.status, status, "{seconds} s");
    }
    let result = result(&app).await;
    let code = code_on(&make_code(&app, &result).await.good());
    collect(&app, &code).await.good();
    // Also when nothing else remembers that it was fetched.
    for seconds in [0, 60, 530] {
        app.clock.advance(Duration::from_secs(seconds));
        let gone = make_code(&app, &result).await;
        assert_eq!(gone.status, 410, "{gone:?}");
    }
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(make_code(&app, &result).await.status, 400);
}

#[tokio::test]
async fn without_a_page_of_ones_own_there_is_no_code() {
    let app = TestApp::start().await;
    let result = result(&app).await;
    let [nonce, sealed] = hand_over_form(&result.body);
    let other = self::result(&app).await;
    let [other_nonce, _] = hand_over_form(&other.body);
    let url = format!("{}/elsewhere", app.url);
    for form in [
        vec![],
        vec![nonce],
        vec![nonce, ("sealed", "x")],
        vec![other_nonce, sealed],
    ] {
        assert_eq!(post_form(&url, &form).await.status, 400, "{form:?}");
    }
    let mut request = form_request(&url, &[nonce, sealed]);
    let site = "cross-site".parse().unwrap();
    request.headers_mut().insert("sec-fetch-site", site);
    assert_eq!(send(request).await.status, 400);
    for guess in ["", "x", "0000-0000-0000-0000", TOKEN, &"0".repeat(70_000)] {
        assert_eq!(collect(&app, guess).await.status, 404);
    }
}

#[tokio::test]
async fn a_code_is_no_hand_over_token_and_a_token_no_code() {
    let app = TestApp::start().await;
    let result = result(&app).await;
    let code = code_on(&make_code(&app, &result).await.good());
    assert_eq!(fetch(&app, &code).await, not_ready());
    // The form that asks for one hand-over does not serve for the other.
    let mut browser = Browser::default();
    let asks = log_in_for_program(&app, &mut browser, TOKEN).await;
    assert_eq!(make_code(&app, &asks).await.status, 400);
    collect(&app, &code).await.good();
}

#[tokio::test]
async fn the_form_takes_a_code_from_nobody_but_its_user() {
    let app = TestApp::start().await;
    let form = get(&format!("{}/collect", app.url), &[]).await.good();
    for part in ["method=\"post\"", "action=\"/collect\"", "name=\"code\""] {
        assert!(form.body.contains(part), "{form:?}");
    }
    // No address with a code fetches anything: previews of links follow them.
    let result = result(&app).await;
    let code = code_on(&make_code(&app, &result).await.good());
    let by_get = get(&format!("{}/collect?code={code}", app.url), &[]).await;
    assert!(!by_get.body.contains("v2:"), "{by_get:?}");
    collect(&app, &code).await.good();
}
