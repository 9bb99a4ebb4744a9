//! The language of a page: chosen at its foot, or the best one for the browser.

use crate::support::{
    Answer, Browser, TestApp,
    emulators::{Emulated, Fault},
    form_request, get,
    hand_over::TOKEN,
    post_form, send,
};

const GERMAN: (&str, &str) = ("Accept-Language", "fr;q=0.9, de-AT, en;q=0.5");

async fn in_german(app: &TestApp, path: &str) -> Answer {
    get(&format!("{}{path}", app.url), &[GERMAN]).await
}

fn assert_german(page: &Answer) {
    assert!(page.body.contains(r#"<html lang="de">"#), "{page:?}");
    assert_eq!(page.header("content-language"), "de");
    assert_eq!(page.header("vary"), "Accept-Language, Cookie");
}

/// The link to this page in another language; empty if it has none.
fn language_link(page: &Answer) -> String {
    let link = page.body.split("?lang=").nth(1);
    let link = link.and_then(|rest| rest.split('"').next());
    link.unwrap_or_default().replace("&#38;", "&")
}

#[tokio::test]
async fn every_page_is_in_the_language_that_the_browser_prefers() {
    let app = TestApp::start().await;
    for (path, heading) in [
        ("/", "Speicherdienst wählen"),
        ("/?type=stable", "Bei Test storage anmelden"),
        ("/renew", "AuthID erneuern"),
        ("/revoke", "AuthID widerrufen"),
        ("/inspect", "AuthID ansehen"),
        ("/collect", "AuthID mit einem Code holen"),
        ("/privacy-policy", "Datenschutz"),
        ("/cli-token", "Mit einem Anmeldetoken anmelden"),
        ("/login?id=nothing", "Diesen Dienst gibt es nicht"),
        ("/no/such/page", "Diese Seite gibt es nicht"),
    ] {
        let page = in_german(&app, path).await;
        assert_german(&page);
        assert!(
            page.body.contains(&format!("<h1>{heading}</h1>")),
            "{page:?}"
        );
        let english = get(&format!("{}{path}", app.url), &[]).await;
        assert!(english.body.contains(r#"<html lang="en">"#), "{english:?}");
    }
}

#[tokio::test]
async fn a_language_that_was_chosen_stays_for_this_browser() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let start = browser.get(&app.url).await;
    assert!(browser.cookies.is_empty(), "{start:?}");
    assert_eq!(language_link(&start), "de");
    let chosen = browser.get(&format!("{}/?lang=de", app.url)).await;
    assert_german(&chosen);
    let cookie = chosen.header("set-cookie");
    assert_eq!(
        cookie,
        "authseal-language=de; HttpOnly; SameSite=Lax; Path=/"
    );
    assert_german(&browser.get(&format!("{}/renew", app.url)).await);
    let form = [("authid", "nothing")];
    let result = browser.post(&format!("{}/renewed", app.url), &form).await;
    assert_german(&result);
    // The result of a form has no address to load again.
    assert_eq!(language_link(&result), "");
    let back = browser.get(&format!("{}/?lang=en", app.url)).await;
    assert!(back.body.contains(r#"<html lang="en">"#), "{back:?}");
}

#[tokio::test]
async fn a_link_to_another_language_keeps_what_the_page_is_for_and_nothing_else() {
    let app = TestApp::start().await;
    let path = "/?type=stable&evil=%22%3E&authid=never-print&send=no&lang=de&lang=en";
    let page = get(&format!("{}{path}", app.url), &[]).await;
    // An AuthID makes it a refresh.
    assert_eq!(page.status, 401, "{page:?}");
    let path = path.replace("&authid=never-print", "");
    let page = get(&format!("{}{path}", app.url), &[]).await;
    assert_eq!(language_link(&page), "en&type=stable");
    for path in [
        "//evil.example/?type=%22%3E%26x".to_owned(),
        "/?type=x&account=other".to_owned(),
        format!("/no?type=stable&token={TOKEN}"),
        format!("/login?id=nothing&token={TOKEN}"),
    ] {
        let page = get(&format!("{}{path}", app.url), &[]).await;
        assert_eq!(language_link(&page), "de", "{path}");
    }
}

/// Our pages send no `Referer`, so the visit says which page opened this one.
#[tokio::test]
async fn a_page_that_a_program_opened_is_still_its_page_in_another_language() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    let path = format!("{}/?type=stable&token={TOKEN}", app.url);
    let opener = "http://nas.example:8200";
    let page = browser.get_from(opener, &path).await;
    let link = language_link(&page);
    assert!(link.contains("&visit="), "{link}");
    let german = browser.get(&format!("{}/?lang={link}", app.url)).await;
    assert_german(&german);
    let warning = format!("<code>{opener}</code> bittet um Ihre AuthID.");
    assert!(german.body.contains(&warning), "{german:?}");
}

/// On http, the cookie of the visit is sent only below the prefix, which Duplicati's own links lack.
#[tokio::test]
async fn a_link_to_another_language_has_the_prefix_of_the_server() {
    let builder = TestApp::builder().env("AUTHSEAL_PUBLIC_URL", "http://localhost/seal");
    let app = builder.start().await;
    let link = |page: &Answer, path: &str| page.body.contains(&format!(r#"href="{path}?lang="#));
    for path in ["/?type=stable", "/seal/?type=stable", "/seal?type=stable"] {
        let page = get(&format!("{}{path}", app.url), &[]).await;
        assert!(link(&page, "/seal/"), "{path}: {page:?}");
    }
    for path in ["/no/such/page", "//evil.example/"] {
        let page = get(&format!("{}{path}", app.url), &[]).await;
        assert!(link(&page, ""), "{path}: {page:?}");
    }
}

#[tokio::test]
async fn a_login_ends_in_the_language_in_which_it_began() {
    let app = TestApp::start().await;
    let mut browser = Browser::default();
    browser.get(&format!("{}/?lang=de", app.url)).await;
    let page = app.log_in_by(&mut browser, "/login?id=stable").await;
    assert_german(&page);
    assert!(page.body.contains("Ihre AuthID ist bereit"), "{page:?}");
    assert_eq!(language_link(&page), "");
}

#[tokio::test]
async fn a_page_says_in_its_language_what_helps_and_marks_english_words() {
    let app = TestApp::start().await;
    let mut request = form_request(&format!("{}/renewed", app.url), &[("authid", "x")]);
    let language = GERMAN.1.parse().unwrap();
    request.headers_mut().insert("Accept-Language", language);
    let page = send(request).await;
    assert_german(&page);
    let german = "Kopieren Sie die ganze AuthID, oder melden Sie sich erneut an. Meldung: ";
    let marked = format!(r#"{german}<span lang="en">"#);
    assert!(page.body.contains(&marked), "{page:?}");
}

/// A new login would leave the login as it is.
#[tokio::test]
async fn after_a_failed_revocation_nobody_is_told_to_log_in() {
    let emulated = Emulated::start(&["box"]).await;
    let authid = emulated.credential("box.com").await;
    let body = r#"{"error":"invalid_grant"}"#;
    let fault = Fault::Answer(400, body.into());
    emulated.only().fault("/token", fault);
    let url = format!("{}/revoked", emulated.app.url);
    let mut request = form_request(&url, &[("authid", &authid)]);
    let language = GERMAN.1.parse().unwrap();
    request.headers_mut().insert("Accept-Language", language);
    let page = send(request).await;
    assert_german(&page);
    assert!(page.body.contains("Entfernen Sie den Zugriff"), "{page:?}");
    assert!(!page.body.contains("erneut an"), "{page:?}");
}

#[tokio::test]
async fn programs_are_answered_in_english() {
    let app = TestApp::start().await;
    let headers = [GERMAN, ("X-AuthID", "nothing")];
    let refused = get(&format!("{}/refresh", app.url), &headers).await;
    assert!(refused.header("x-reason").contains("Copy the whole AuthID"));
    let mut request = form_request(&format!("{}/collect", app.url), &[("code", "x")]);
    let language = GERMAN.1.parse().unwrap();
    request.headers_mut().insert("Accept-Language", language);
    let unknown = send(request).await;
    assert!(
        unknown.body.starts_with("This code is unknown"),
        "{unknown:?}"
    );
    let english = post_form(&format!("{}/collect", app.url), &[("code", "x")]).await;
    assert_eq!(unknown.body, english.body);
}
