//! Another machine fetches the AuthID by a one-time code: /elsewhere and /collect.

use std::time::Duration;

use authseal::clock::UnixTime;

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
    let old = make_code(&app, &result).await;
    assert_eq!(old.status, 400);
    for part in ["older than 10 minutes", "href=\"/renew\""] {
        assert!(old.body.contains(part), "{old:?}");
    }
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
    let short = "0000-0000-0000-000";
    let long = "0".repeat(70_000);
    for guess in ["", "x", "0000-0000-0000-0000", short, TOKEN, &long] {
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

#[tokio::test]
async fn another_site_neither_makes_nor_collects_a_code_nor_renews() {
    let app = TestApp::start().await;
    let result = result(&app).await;
    let code = code_on(&make_code(&app, &result).await.good());
    let authid = authid_on(&result.body);
    for (path, form) in [
        ("/elsewhere", hand_over_form(&result.body).to_vec()),
        ("/collect", vec![("code", code.as_str())]),
        ("/renewed", vec![("authid", authid.as_str())]),
    ] {
        let mut request = form_request(&format!("{}{path}", app.url), &form);
        let site = "cross-site".parse().unwrap();
        request.headers_mut().insert("sec-fetch-site", site);
        let refused = send(request).await;
        assert_eq!(refused.status, 400, "{path}");
        assert!(refused.body.contains("Another site sent this"), "{path}");
    }
    collect(&app, &code).await.good();
}

#[tokio::test]
async fn a_network_makes_so_many_codes_and_another_one_notices_nothing() {
    let app = TestApp::builder().env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1");
    let app = app.start().await;
    let result = result(&app).await;
    let make = async |client: &str| {
        let form = hand_over_form(&result.body);
        let mut request = form_request(&format!("{}/elsewhere", app.url), &form);
        let client = client.parse().unwrap();
        request.headers_mut().insert("x-forwarded-for", client);
        send(request).await
    };
    for _ in 0..10 {
        make("198.51.100.1").await.good();
    }
    let refused = make("198.51.100.1").await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("retry-after")),
        (429, "30")
    );
    assert!(refused.body.contains("Wait 30 seconds"), "{refused:?}");
    make("203.0.113.1").await.good();
    app.clock.advance(Duration::from_secs(30));
    let code = code_on(&make("198.51.100.1").await.good());
    collect(&app, &code).await.good();
}

#[tokio::test]
async fn codes_are_tried_slowly() {
    let app = TestApp::start().await;
    let result = result(&app).await;
    let code = code_on(&make_code(&app, &result).await.good());
    let wrong = "0000-0000-0000-0000";
    // What cannot be a code asks nothing of the store, and is not counted.
    for (tries, typed, status) in [(30, "x", 404), (20, wrong, 404), (1, &code, 429)] {
        for _ in 0..tries {
            assert_eq!(collect(&app, typed).await.status, status, "{typed}");
        }
    }
    app.clock.advance(Duration::from_secs(6));
    collect(&app, &code).await.good();
}

#[tokio::test]
async fn a_page_that_came_by_a_code_gives_no_other_code() {
    let app = TestApp::start().await;
    let result = result(&app).await;
    assert!(result.body.contains("/elsewhere\" target=\"_blank\""));
    let code = code_on(&make_code(&app, &result).await.good());
    let mut request = form_request(&format!("{}/collect", app.url), &[("code", &code)]);
    let html = "text/html".parse().unwrap();
    request.headers_mut().insert("accept", html);
    let page = send(request).await.good();
    assert!(!page.body.contains("/elsewhere"), "{page:?}");
}

#[tokio::test]
async fn a_form_serves_no_second_time_when_the_clock_is_set_back() {
    let app = TestApp::start().await;
    let result = result(&app).await;
    let start = app.clock.now();
    app.clock.advance(Duration::from_secs(590));
    let code = code_on(&make_code(&app, &result).await.good());
    collect(&app, &code).await.good();
    app.clock.set(UnixTime(start.0 - 590));
    for _ in 0..19 {
        assert_eq!(make_code(&app, &result).await.status, 410);
        app.clock.advance(Duration::from_secs(60));
    }
}
