//! Jottacloud: a login token that its user pastes.

mod brands;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::json;

use crate::support::{
    emulators::{Emulated, credential_on, escaped, hidden_state, shipped},
    get, post_form,
};

const JOTTACLOUD: &str = "jottacloud";

async fn start() -> Emulated {
    Emulated::start(&[JOTTACLOUD, "google"]).await
}

#[tokio::test]
async fn the_form_says_where_the_token_is_made_whichever_link_led_there() {
    let emulated = start().await;
    let place = shipped()["provider"][JOTTACLOUD]["login_token_page"].clone();
    let link = format!("href=\"{}\"", place.as_str().unwrap());
    for path in ["/cli-token?id=jottacloud", "/login?id=jottacloud"] {
        let form = get(&format!("{}{path}", emulated.app.url), &[]).await;
        assert_eq!(form.status, 200, "{form:?}");
        for text in [link.as_str(), "Personal login token", "/cli-token-login"] {
            assert!(form.body.contains(text), "{text}: {form:?}");
        }
    }
}

#[tokio::test]
async fn a_wrong_paste_is_told_apart_and_the_same_form_takes_another() {
    let emulated = start().await;
    let jottacloud = emulated.at(JOTTACLOUD);
    let token = jottacloud.books().new_login_token();
    let (state, cookie) = emulated.open_form(JOTTACLOUD).await;
    let without_user = URL_SAFE_NO_PAD.encode(r#"{"auth_token":"never-print-x"}"#);
    for (pasted, words) in [
        ("", "Nothing was pasted"),
        (" \r\n ", "Nothing was pasted"),
        ("v2:jottacloud:abc", "This is an AuthID"),
        (
            "never-print password!",
            "It is not whole, or not a login token",
        ),
        (
            "https://www.jottacloud.com/web/secure",
            "It is not whole, or not a login token",
        ),
        (&token[..40], "only a part of one"),
        (&without_user, "only a part of one"),
        (&token[4..], ""),
    ] {
        let page = emulated.paste(&state, &cookie, pasted).await;
        assert_eq!(page.status, 400, "{pasted}: {page:?}");
        assert!(page.body.contains("It did not work"), "{pasted}: {page:?}");
        assert!(page.body.contains(&escaped(words)), "{pasted}: {page:?}");
        assert!(!page.body.contains("never-print"), "{page:?}");
        assert_eq!(hidden_state(&page.body), state);
        assert_eq!(page.header("set-cookie"), "", "the cookie still serves");
    }
    assert!(jottacloud.calls("/token").is_empty(), "nothing was sent");

    let page = emulated.paste(&state, &cookie, &token).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.header("set-cookie").contains("Max-Age=0"), "{page:?}");
    let authid = credential_on(&page.body);
    assert_eq!(emulated.refresh(&authid).await.status, 200);
}

/// A login token of the right form that Jottacloud never made.
fn made_up(username: &str) -> String {
    let json = json!({
        "username": username,
        "auth_token": "never-print-x",
        "realm": "jottacloud",
        "well_known_link": "https://id.jottacloud.com/x",
    });
    URL_SAFE_NO_PAD.encode(json.to_string())
}

#[tokio::test]
async fn a_token_that_jottacloud_refuses_says_to_make_a_new_one() {
    let emulated = start().await;
    let used = emulated.at(JOTTACLOUD).books().new_login_token();
    let (state, cookie) = emulated.open_form(JOTTACLOUD).await;
    assert_eq!(emulated.paste(&state, &cookie, &used).await.status, 200);
    for token in [used, made_up("ann"), made_up("bob")] {
        let (state, cookie) = emulated.open_form(JOTTACLOUD).await;
        let page = emulated.paste(&state, &cookie, &token).await;
        assert_eq!(page.status, 401, "{page:?}");
        let advice = &shipped()["provider"][JOTTACLOUD]["advice"]["invalid_grant"]["login"];
        let advice = escaped(advice.as_str().unwrap().trim_end_matches('.'));
        assert!(page.body.contains(&advice), "{page:?}");
        assert!(page.body.contains("/login?id=jottacloud"), "{page:?}");
        assert!(!page.body.contains("never-print"), "{page:?}");
    }
}

#[tokio::test]
async fn only_the_browser_that_opened_the_form_can_send_it() {
    let emulated = start().await;
    let token = emulated.at(JOTTACLOUD).books().new_login_token();
    let (state, cookie) = emulated.open_form(JOTTACLOUD).await;
    let (other_state, other_cookie) = emulated.open_form(JOTTACLOUD).await;
    // A cookie under the name of another's.
    let (_, value) = cookie.split_once('=').unwrap();
    let swapped = format!("authseal-{other_state}={value}");
    let of_google = emulated.begin("googledrive").await;
    let (name, _) = of_google.1.split_once('=').unwrap();
    let google_state = name.strip_prefix("authseal-").unwrap().to_owned();
    for (state, cookie) in [
        (state.as_str(), ""),
        (&state, "authseal-x=y"),
        (&state, &other_cookie),
        (&other_state, &cookie),
        (&other_state, &swapped),
        ("", &cookie),
        ("../x", &cookie),
        (&google_state, &of_google.1),
    ] {
        let page = emulated.paste(state, cookie, &token).await;
        assert_eq!(page.status, 400, "{state} {cookie}: {page:?}");
        assert!(page.body.contains("can't be finished"), "{page:?}");
    }
    let url = format!("{}/cli-token-login", emulated.app.url);
    assert_eq!(post_form(&url, &[]).await.status, 400);
    assert_eq!(get(&url, &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);

    emulated.app.clock.advance(Duration::from_secs(600));
    let late = emulated.paste(&state, &cookie, &token).await;
    assert_eq!(late.status, 400, "{late:?}");
    for provider in [JOTTACLOUD, "google"] {
        assert!(
            emulated.at(provider).calls("/token").is_empty(),
            "nothing was sent"
        );
    }
}
