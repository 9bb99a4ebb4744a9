//! The account of a login: its provider asks which one, and the last page names it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, Scrape, ScriptedProvider, TestApp, authid_on,
    emulators::{Emulated, Fault, escaped},
    hand_over_form, json as json_answer, log_in_by_script, login_link, parameter, post_form,
};

const TOKEN: &str = "4k9x2m7q1z8w5v3t6y0u";

/// The account that a page names.
fn account_on(page: &Answer) -> Option<&str> {
    let (_, rest) = page.body.split_once(": <strong>")?;
    let (before, _) = page.body.split_once(": <strong>")?;
    assert!(
        before.contains("<p class=\"account\">Account at "),
        "{page:?}"
    );
    rest.split("</strong>").next()
}

/// The link to a login with another account.
fn other_link(page: &Answer) -> Option<String> {
    let link = page.body.split("href=\"").find_map(|rest| {
        let (link, _) = rest.split_once('"')?;
        link.contains("account=other")
            .then(|| link.replace("&#38;", "&"))
    })?;
    Some(link)
}

/// A token answer with these members besides.
fn answer_with(more: Value) -> Value {
    let mut body = json!({"access_token": "a", "refresh_token": "r", "expires_in": 3600});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn id_token(claims: Value) -> Value {
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    json!({ "id_token": format!("eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.{payload}.c2lnbmF0dXJl") })
}

/// Provider, service, members of its token answer as its documentation shows them, account.
fn documented() -> Vec<(&'static str, &'static str, Value, Option<&'static str>)> {
    let client_id = crate::support::emulators::CLIENT_ID;
    vec![
        (
            "google",
            "googledrive",
            id_token(json!({
                "iss": "https://accounts.google.com", "azp": client_id, "aud": client_id,
                "sub": "10769150350006150715113082367", "email": "jsmith@example.com",
                "email_verified": true,
            })),
            Some("jsmith@example.com"),
        ),
        (
            "microsoft",
            "onedrivev2",
            id_token(json!({
                "aud": client_id, "name": "Abe Lincoln", "tid": "fa15d692-e9c7",
                "preferred_username": "AbeLi@microsoft.com", "ver": "2.0",
            })),
            Some("AbeLi@microsoft.com"),
        ),
        (
            "huawei",
            "huaweidrive",
            id_token(json!({"aud": client_id, "sub": "MDFAMTAx", "display_name": "j***n"})),
            Some("j***n"),
        ),
        (
            "dropbox",
            "dropbox",
            json!({"account_id": "dbid:AAH4f99T0taONIb-OurWxbINQ6ywGRopQngc", "uid": "12345"}),
            Some("dbid:AAH4f99T0taONIb-OurWxbINQ6ywGRopQngc"),
        ),
        (
            "pcloud",
            "pcloud",
            json!({"result": 0, "uid": 34535}),
            Some("34535"),
        ),
        (
            "hidrive",
            "hidrive",
            json!({"alias": "ann", "userid": "1.2"}),
            Some("ann"),
        ),
        ("box", "box.com", json!({"restricted_to": []}), None),
        ("google", "googledrive", json!({}), None),
        (
            "google",
            "googledrive",
            id_token(json!({"aud": "another-client", "email": "jsmith@example.com"})),
            None,
        ),
    ]
}

#[tokio::test]
async fn the_last_page_names_the_account_that_the_answer_names() {
    let emulated = Emulated::start(&[
        "google",
        "microsoft",
        "huawei",
        "dropbox",
        "pcloud",
        "hidrive",
        "box",
    ]);
    let emulated = emulated.await;
    for (provider, service, more, account) in documented() {
        let body = answer_with(more).to_string();
        let fault = Fault::Answer(200, body);
        emulated.at(provider).fault("token", fault);
        let page = emulated.log_in(service).await.good();
        assert_eq!(account_on(&page), account, "{service}: {page:?}");
    }
}

#[tokio::test]
async fn a_login_token_names_its_account() {
    let emulated = Emulated::start(&["jottacloud"]).await;
    let jottacloud = emulated.only();
    let log_in = async || {
        let token = jottacloud.books().new_login_token();
        let (state, cookie) = emulated.open_form("jottacloud").await;
        emulated.paste(&state, &cookie, &token).await.good()
    };
    assert_eq!(account_on(&log_in().await), Some("ann@jottacloud.example"));
    // If the answer does not say, the login token does.
    let body = answer_with(json!({})).to_string();
    jottacloud.fault("token", Fault::Answer(200, body));
    let page = log_in().await;
    assert_eq!(account_on(&page), Some("ann"));
    let link = other_link(&page).unwrap();
    let form = Browser::default()
        .get(&format!("{}{link}", emulated.app.url))
        .await;
    assert!(form.good().body.contains("Login token"), "{link}");
}

/// A login whose answer has an id_token with these claims.
async fn logged_in(claims: Value) -> (TestApp, Answer) {
    let body = answer_with(id_token(claims)).to_string();
    let provider = ScriptedProvider::start(move |_| json_answer("200 OK", &body));
    let app = TestApp::builder().scripted(&provider, "stable");
    let app = app.start().await;
    let page = log_in_by_script(&app, &mut Browser::default()).await;
    (app, page.good())
}

#[tokio::test]
async fn a_hostile_name_is_shown_as_text_in_one_bounded_line() {
    let attack = format!("<script>alert(1)</script>\u{202e}\n{}", "x".repeat(10_000));
    let (_, page) = logged_in(json!({"aud": ["scripted"], "email": attack})).await;
    let account = account_on(&page).unwrap();
    assert!(
        account.starts_with(&escaped("<script>alert(1)</script>x")),
        "{account}"
    );
    assert!(account.len() < 300, "{account}");
    assert!(!page.body.contains("<script>alert"), "{page:?}");
}

#[tokio::test]
async fn the_account_is_only_on_the_page_of_its_login() {
    const EMAIL: &str = "never-print@example.com";
    let (app, page) = logged_in(json!({"aud": "scripted", "email": EMAIL})).await;
    assert_eq!(account_on(&page), Some(EMAIL));
    let authid = authid_on(&page.body);
    let content = serde_json::to_string(&app.open(&authid)).unwrap();
    assert!(!content.contains("never-print"), "{content}");

    let refreshed = app.refresh(&authid).await.good();
    let renewed = post_form(&format!("{}/renewed", app.url), &[("authid", &authid)]).await;
    let scrape = Scrape::of(&app.admin_url).await;
    for text in [
        format!("{refreshed:?}"),
        format!("{renewed:?}"),
        scrape.text,
    ] {
        assert!(!text.contains("never-print"), "{text}");
    }
}

/// Parameters of an authorization request.
fn prompts(request: &str) -> [String; 3] {
    ["prompt", "force_reauthentication", "force_confirm"].map(|name| parameter(request, name))
}

#[tokio::test]
async fn providers_ask_for_the_account_by_default_or_by_the_link() {
    let emulated = Emulated::start(&["google", "microsoft", "dropbox", "yandex", "box"]).await;
    for (service, first, again, stays) in [
        (
            "googledrive",
            ["select_account consent", "", ""],
            None,
            false,
        ),
        ("onedrivev2", ["select_account", "", ""], None, false),
        ("dropbox", ["", "", ""], Some(["", "true", ""]), false),
        ("yandex", ["", "", ""], Some(["", "", "yes"]), false),
        ("box.com", ["", "", ""], None, true),
    ] {
        let (request, _) = emulated.begin(service).await;
        assert_eq!(prompts(&request), first, "{service}");
        let mut browser = Browser::default();
        let link = format!("/login?id={service}");
        let page = emulated.log_in_by(&mut browser, &link).await.good();
        let link = other_link(&page).unwrap();
        assert_eq!(
            page.body.contains("Log out at Box, then <a"),
            stays,
            "{page:?}"
        );
        assert_eq!(page.body.contains("og in as somebody else</a>"), !stays);
        let begun = browser.get(&format!("{}{link}", emulated.app.url)).await;
        let expected = again.unwrap_or(first);
        assert_eq!(prompts(begun.header("location")), expected, "{service}");
        let page = emulated.log_in_by(&mut browser, &link).await.good();
        assert!(page.body.contains("is ready"), "{page:?}");
    }
}

#[tokio::test]
async fn a_table_can_turn_the_choice_of_accounts_off() {
    let change = "authorize_params = { access_type = \"offline\", prompt = \"consent\" }";
    let add = |tables: String| format!("{tables}{change}\n");
    let emulated = Emulated::with(&["google"], add, |app| app).await;
    let (request, _) = emulated.begin("googledrive").await;
    assert_eq!(prompts(&request)[0], "consent");
}

/// The login as somebody else is for the same program, and the click that hands over ends it.
#[tokio::test]
async fn another_account_is_for_the_same_recipients() {
    let emulated = Emulated::start(&["dropbox"]).await;
    let mut browser = Browser::default();
    let opener = "http://localhost:8200";
    let start = format!("{}/?type=dropbox&token={TOKEN}", emulated.app.url);
    let start = browser.get_from(opener, &start).await;
    let link = login_link(&start.body);
    let wrong = emulated.log_in_by(&mut browser, &link).await.good();
    assert!(wrong.body.contains("Hand over your AuthID?"), "{wrong:?}");
    assert_eq!(account_on(&wrong), Some("dbid:tests"));

    let again = other_link(&wrong).unwrap();
    let right = emulated.log_in_by(&mut browser, &again).await.good();
    assert!(right.body.contains("Hand over your AuthID?"), "{right:?}");
    assert!(right.body.contains(opener), "{right:?}");
    let form = hand_over_form(&right.body);
    let hand_over = format!("{}/hand-over", emulated.app.url);
    let done = browser.post(&hand_over, &form).await.good();
    assert_eq!(account_on(&done), Some("dbid:tests"));
    assert_eq!(other_link(&done), None, "{done:?}");
}
