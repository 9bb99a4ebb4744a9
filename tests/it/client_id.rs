//! A client id that was changed after AuthIDs were made, and one that the provider rejects:
//! the reason says which of the two it is, and the variable to change.

use std::{fs, time::Duration};

use authseal::{
    keyring::KeyFolder,
    seal::{ClientMark, Grant},
};
use serde_json::json;

use crate::support::{
    Answer, Asked, Browser, Piece, Scrape, ScriptedProvider, TestApp, authid_on,
    emulators::{Emulated, Fault},
    json, log_in_by_script, post_form, tokens,
};

/// A refresh token of an earlier client id, or of one that is not known.
fn made_with(app: &TestApp, authid: &str, client: Option<&str>) -> String {
    app.reseal(&Grant {
        client: client.map(ClientMark::of),
        ..app.open(authid)
    })
}

fn mark(app: &TestApp, authid: &str) -> Option<ClientMark> {
    app.open(authid).client
}

/// A provider whose refresh tokens belong to the client id that got them, and whose refusal
/// is this error.
fn strict(status: &'static str, error: &'static str) -> impl Fn(&Asked) -> Vec<Piece> {
    move |asked| {
        let client_id = asked.field("client_id");
        match asked.field("refresh_token") {
            token if token.is_empty() || token == client_id => tokens("access", Some(&client_id)),
            _ => json(status, &json!({ "error": error }).to_string()),
        }
    }
}

async fn app_with_client_id(provider: &ScriptedProvider, client_id: &str) -> TestApp {
    let app = TestApp::builder().scripted(provider, "stable");
    app.env("TEST_SCRIPTED_CLIENT_ID", client_id).start().await
}

async fn authid_by_script(app: &TestApp) -> String {
    let page = log_in_by_script(app, &mut Browser::default()).await.good();
    authid_on(&page.body)
}

/// Gives one server the keys of another.
fn share_keys(from: &TestApp, with: &TestApp) {
    for file in fs::read_dir(&from.keys_dir).unwrap() {
        let file = file.unwrap();
        if file.path().extension().is_some_and(|end| end == "jwk") {
            fs::copy(file.path(), with.keys_dir.join(file.file_name())).unwrap();
        }
    }
    with.app.keyring.reload().unwrap();
}

fn assert_reason(answer: &Answer, status: u16, reason: &str) {
    assert_eq!(answer.header("x-reason"), reason, "{answer:?}");
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(reason.len() <= 300, "{}", reason.len());
}

/// `invalid_grant` by RFC 6749 section 5.2, `unauthorized_client` of Google.
#[tokio::test]
async fn an_authid_of_an_earlier_client_id_says_so() {
    let provider = ScriptedProvider::start(strict("400 Bad Request", "invalid_grant"));
    let earlier = app_with_client_id(&provider, "earlier").await;
    let later = app_with_client_id(&provider, "later").await;
    share_keys(&earlier, &later);
    let authid = authid_by_script(&earlier).await;
    assert_eq!(earlier.refresh(&authid).await.status, 200);

    let refused = later.refresh(&authid).await;
    let reason = format!(
        "Test provider refuses this AuthID (invalid_grant): it was made with another client id than \
         the one in TEST_SCRIPTED_CLIENT_ID. Log in again at {}/?type=scripted, or ask the \
         administrator to put the old client id back",
        later.url
    );
    assert_reason(&refused, 401, &reason);
    let as_library = post_form(
        &format!("{}/token", later.url),
        &[("grant_type", "refresh_token"), ("refresh_token", &authid)],
    )
    .await;
    assert_eq!(as_library.status, 400, "{as_library:?}");
    assert_eq!(as_library.json()["error"], "invalid_grant");
    assert_eq!(as_library.json()["error_description"], reason);

    // It was the provider that decided, each time.
    assert_eq!(provider.asked().len(), 4);
    let scrape = Scrape::of(&later.admin_url).await;
    let labels = [("service", "scripted"), ("outcome", "other_client")];
    assert_eq!(scrape.sum("authseal_refresh_total", &labels), 2.0);

    let anew = authid_by_script(&later).await;
    assert_eq!(later.refresh(&anew).await.status, 200);
}

#[tokio::test]
async fn a_provider_that_takes_tokens_of_other_client_ids_is_asked_and_gives() {
    let provider = ScriptedProvider::start(|_| tokens("access", Some("next")));
    let app = app_with_client_id(&provider, "later").await;
    let authid = made_with(&app, &app.seal("scripted", "first"), Some("earlier"));
    let answer = app.refresh(&authid).await.good();
    // The new refresh token was issued to the present client id.
    let newest = answer.json()["v2_authid"].as_str().unwrap().to_owned();
    assert_eq!(mark(&app, &newest), Some(ClientMark::of("later")));
}

#[tokio::test]
async fn the_client_id_stays_known_through_new_keys_and_renewals() {
    let provider = ScriptedProvider::start(|_| tokens("access", Some("same")));
    let app = app_with_client_id(&provider, "later").await;
    let login = authid_by_script(&app).await;
    assert_eq!(mark(&app, &login), Some(ClientMark::of("later")));
    let earlier = made_with(&app, &login, Some("earlier"));
    let unknown = made_with(&app, &login, None);
    // Of two keys of the same time either may seal.
    app.clock.advance(Duration::from_secs(1));
    KeyFolder::new(&app.keys_dir)
        .create_key(app.clock.now(), Duration::ZERO)
        .unwrap();
    app.app.keyring.reload().unwrap();
    for (authid, client) in [
        (login, Some("later")),
        (earlier, Some("earlier")),
        (unknown, None),
    ] {
        let answer = app.refresh(&authid).await.good();
        let resealed = answer.json()["v2_authid"].as_str().unwrap().to_owned();
        assert_eq!(mark(&app, &resealed), client.map(ClientMark::of));
    }
}

/// Provider, service, status, code, description: what the providers answer to a refresh token
/// of another client id, as users of onedrive for Linux, Cyberduck, gdrive and Keycloak report.
const OF_ANOTHER: [(&str, &str, u16, &str, &str); 4] = [
    (
        "microsoft",
        "onedrivev2",
        400,
        "invalid_grant",
        "AADSTS70000: The provided value for the input parameter 'refresh_token' or 'assertion' \
         is not valid. The token was issued for a different client id",
    ),
    (
        "google",
        "googledrive",
        401,
        "unauthorized_client",
        "Unauthorized",
    ),
    (
        "jottacloud",
        "jottacloud",
        400,
        "invalid_grant",
        "Invalid refresh token. Token client and authorized client don't match",
    ),
    ("zoho", "zohoworkdrive", 200, "invalid_code", ""),
];

/// The same providers on a client id or secret that is wrong in itself.
const REJECTED: [(&str, &str, u16, &str, &str); 6] = [
    (
        "google",
        "googledrive",
        401,
        "invalid_client",
        "The OAuth client was not found.",
    ),
    (
        "google",
        "googledrive",
        401,
        "disabled_client",
        "The OAuth client was disabled.",
    ),
    (
        "microsoft",
        "onedrivev2",
        400,
        "unauthorized_client",
        "AADSTS70001: Application with identifier '000000004C15842F' was not found in the directory",
    ),
    (
        "microsoft",
        "onedrivev2",
        401,
        "invalid_client",
        "The provided value for the 'client_secret' parameter is not valid.",
    ),
    (
        "box",
        "box.com",
        400,
        "invalid_client",
        "The client credentials are invalid",
    ),
    ("zoho", "zohoworkdrive", 200, "invalid_client_secret", ""),
];

fn refusal(status: u16, code: &str, words: &str) -> Fault {
    let body = json!({ "error": code, "error_description": words });
    Fault::Answer(status, body.to_string())
}

#[tokio::test]
async fn each_provider_in_its_own_words_leads_to_a_new_login() {
    let emulated = Emulated::start(&["microsoft", "google", "jottacloud", "zoho"]).await;
    for (provider, service, status, code, words) in OF_ANOTHER {
        let authid = emulated.credential(service).await;
        let authid = made_with(&emulated.app, &authid, Some("earlier"));
        let fault = refusal(status, code, words);
        emulated.at(provider).fault("token", fault);
        let answer = emulated.refresh(&authid).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        let reason = answer.header("x-reason");
        assert!(reason.contains(&format!("({code}")), "{reason}");
        assert!(
            reason.contains("it was made with another client id"),
            "{reason}"
        );
        assert!(reason.contains("_CLIENT_ID"), "{reason}");
    }
}

#[tokio::test]
async fn a_client_that_is_wrong_itself_names_its_variables() {
    let emulated = Emulated::start(&["google", "microsoft", "box", "zoho"]).await;
    for (provider, service, status, code, words) in REJECTED {
        let authid = emulated.credential(service).await;
        let provider = emulated.at(provider);
        provider.fault("token", refusal(status, code, words));
        let changed = made_with(&emulated.app, &authid, Some("earlier"));
        for (authid, has_changed) in [(authid, false), (changed, true)] {
            let answer = emulated.refresh(&authid).await;
            assert_eq!(answer.status, 503, "{answer:?}");
            let reason = answer.header("x-reason");
            assert!(reason.contains(&format!("({code}")), "{reason}");
            assert!(reason.contains("_CLIENT_"), "{reason}");
            assert!(!reason.contains("Log in again"), "{reason}");
            let says = reason.contains("The client id has changed since this AuthID was made");
            assert_eq!(says, has_changed, "{reason}");
            assert!(reason.len() <= 300, "{reason}");
        }
        let page = emulated.log_in(service).await;
        provider.mend();
        assert_eq!(page.status, 503, "{page:?}");
        assert!(page.body.contains("_CLIENT_"), "{page:?}");
    }
}

/// AuthIDs of earlier versions, and those of imported refresh tokens.
#[tokio::test]
async fn without_a_known_client_id_the_reason_does_not_claim_to_know() {
    let emulated = Emulated::start(&["google", "microsoft"]).await;
    for ((provider, service, status, code, words), expected, says) in [
        (OF_ANOTHER[0], 401, "it was made with another client id"),
        (
            OF_ANOTHER[1],
            503,
            "it was probably made with another client id",
        ),
    ] {
        let authid = emulated.credential(service).await;
        let authid = made_with(&emulated.app, &authid, None);
        let fault = refusal(status, code, words);
        emulated.at(provider).fault("token", fault);
        let answer = emulated.refresh(&authid).await;
        assert_eq!(answer.status, expected, "{answer:?}");
        let reason = answer.header("x-reason");
        assert!(reason.contains(says), "{reason}");
        let link = format!("Log in again at {}/?type={service}", emulated.app.url);
        assert!(reason.contains(&link), "{reason}");
        emulated.at(provider).mend();
        assert_eq!(emulated.refresh(&authid).await.status, 200);
    }
}

/// The grant lives on under the other client id, so it must not be reported as ended.
#[tokio::test]
async fn a_login_of_another_client_id_is_not_reported_as_revoked() {
    let emulated = Emulated::start(&["dropbox"]).await;
    let authid = emulated.credential("dropbox").await;
    let authid = made_with(&emulated.app, &authid, Some("earlier"));
    let fault = refusal(400, "invalid_grant", "refresh token is invalid or revoked");
    emulated.only().fault("token", fault);
    let page = emulated.revoke(&authid).await;
    assert_eq!(page.status, 401, "{page:?}");
    assert!(page.body.contains("put the old client id back"), "{page:?}");
    assert!(!page.body.contains("Log in again at"), "{page:?}");
}

/// Provider, service, status and body after a change of the client id; status and parts of the
/// reason.
const OTHER_CAUSES: [(&str, &str, &str, u16, &[&str]); 5] = [
    (
        "microsoft",
        "onedrivev2",
        r#"{"error":"invalid_grant","error_description":"AADSTS700082: expired"}"#,
        401,
        &[
            "(invalid_grant, AADSTS700082)",
            "90 days",
            "Log in again at",
        ],
    ),
    (
        "google",
        "googledrive",
        r#"{"error":"invalid_grant","error_description":"reauth related error (invalid_rapt)"}"#,
        401,
        &["(invalid_grant, invalid_rapt)", "session length policy"],
    ),
    (
        "google",
        "googledrive",
        r#"{"error":"invalid_grant","error_description":"Account has been deleted"}"#,
        503,
        &["(invalid_grant)", "account was deleted"],
    ),
    (
        "microsoft",
        "onedrivev2",
        r#"{"error":"invalid_grant","error_codes":[50057]}"#,
        503,
        &["AADSTS50057", "is disabled"],
    ),
    // Its advice is for the enterprise, and the change may be the cause as well.
    (
        "box",
        "box.com",
        r#"{"error":"unauthorized_client","error_description":"unauthorized"}"#,
        503,
        &["(unauthorized_client)", "Platform Apps Manager"],
    ),
];

#[tokio::test]
async fn a_cause_that_the_provider_names_is_not_put_down_to_a_changed_client_id() {
    for (provider, service, body, status, words) in OTHER_CAUSES {
        let emulated = Emulated::start(&[provider]).await;
        let authid = emulated.credential(service).await;
        let authid = made_with(&emulated.app, &authid, Some("earlier"));
        emulated
            .only()
            .fault("token", Fault::Answer(400, body.to_owned()));
        let answer = emulated.refresh(&authid).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let reason = answer.header("x-reason");
        for words in words {
            assert!(reason.contains(words), "{words}: {reason}");
        }
        let changed = "_CLIENT_ID has changed since that login";
        assert!(reason.contains(changed), "{reason}");
        assert!(!reason.contains("made with another"), "{reason}");
        assert!(reason.len() <= 300, "{reason}");
    }
}

/// The revocation endpoint does not know the token of another client, which may be alive.
#[tokio::test]
async fn a_token_of_another_client_id_is_revoked_only_where_it_was_issued() {
    let emulated = Emulated::start(&["google", "zoho"]).await;
    for (provider, service, code) in [
        ("google", "googledrive", "invalid_token"),
        ("google", "googledrive", "invalid_grant"),
        ("zoho", "zohoworkdrive", "invalid_code"),
    ] {
        let own = emulated.credential(service).await;
        let changed = made_with(&emulated.app, &own, Some("earlier"));
        let provider = emulated.at(provider);
        provider.fault("revoke", refusal(400, code, "Token is not of this client"));
        let form = [("token", changed.as_str())];
        let by_library = post_form(&format!("{}/oauth2/revoke", emulated.app.url), &form).await;
        assert_eq!(by_library.status, 400, "{by_library:?}");
        for answer in [
            emulated.revoke_by_header(&changed).await,
            emulated.revoke(&changed).await,
            by_library,
        ] {
            assert_ne!(answer.status, 200, "{answer:?}");
            for words in ["Remove the access", "made with another client id"] {
                assert!(answer.body.contains(words), "{words}: {answer:?}");
            }
            assert!(!answer.body.contains("Log in again at"), "{answer:?}");
        }
        // The same answer on a token of this client id is a confirmation.
        emulated.revoke_by_header(&own).await.good();
        provider.mend();
    }
}
