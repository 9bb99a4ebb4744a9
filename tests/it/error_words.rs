//! The code decides, and words of a description only where they mean one thing.

use std::time::Duration;

use authseal::seal::{ClientMark, Grant};

use crate::support::{
    TestApp,
    emulators::{Emulated, Fault, escaped},
    get,
};

/// Provider, service, status and body of an answer to a refresh; status and parts of the reason.
type Report = (
    &'static str,
    &'static str,
    u16,
    &'static str,
    u16,
    &'static [&'static str],
);

const REFRESHES: [Report; 27] = [
    // A standard code outranks a word of its description.
    (
        "box",
        "box.com",
        401,
        r#"{"error":"invalid_client","error_description":"unauthorized"}"#,
        503,
        &["(invalid_client)", "BOX_CLIENT_ID"],
    ),
    (
        "dropbox",
        "dropbox",
        400,
        r#"{"error":"invalid_client","error_description":"access_denied, missing_scope"}"#,
        503,
        &["(invalid_client)", "app key"],
    ),
    // A code with text behind it.
    (
        "dropbox",
        "dropbox",
        400,
        r#"{"error":"invalid_client: Invalid client_id or client_secret"}"#,
        503,
        &["(invalid_client)", "DROPBOX_CLIENT_ID"],
    ),
    (
        "dropbox",
        "dropbox",
        403,
        r#"{"error":"invalid_grant: the app was disconnected"}"#,
        401,
        &["(invalid_grant)", "Log in again at"],
    ),
    // Google's words for the state of an account.
    (
        "google",
        "googledrive",
        400,
        r#"{"error":"invalid_grant","error_description":"Account has been deleted"}"#,
        503,
        &["(invalid_grant)", "account was deleted"],
    ),
    (
        "google",
        "googledrive",
        400,
        r#"{"error":"invalid_grant","error_description":"Account has been disabled."}"#,
        503,
        &["(invalid_grant)", "account is disabled"],
    ),
    // Zoho's words for too many requests.
    (
        "zoho",
        "zohoworkdrive",
        400,
        r#"{"error":"Access Denied","error_description":"You have made too many requests continuously. Please try again after some time.","status":"failure"}"#,
        503,
        &["wait some minutes", "(access_denied)", "Try again later"],
    ),
    // Google's other spellings.
    (
        "google",
        "googledrive",
        403,
        r#"{"error":{"code":403,"message":"Not enabled.","status":"PERMISSION_DENIED","errors":[{"reason":"accessNotConfigured"}]}}"#,
        503,
        &["access_not_configured", "The API is not enabled"],
    ),
    (
        "google",
        "googledrive",
        400,
        r#"{"error":"accessNotConfigured"}"#,
        503,
        &["(access_not_configured)", "The API is not enabled"],
    ),
    // The provider's own code decides before the status does.
    (
        "microsoft",
        "onedrivev2",
        502,
        r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret"}"#,
        503,
        &["AADSTS7000215", "secret's value", "Tell the administrator"],
    ),
    (
        "microsoft",
        "onedrivev2",
        503,
        r#"{"error":"interaction_required","error_codes":[50074]}"#,
        401,
        &["AADSTS50074", "second factor"],
    ),
    (
        "google",
        "googledrive",
        500,
        r#"{"error":"deleted_client"}"#,
        503,
        &["(deleted_client)", "Tell the administrator"],
    ),
    // A standard code of a server that fails decides nothing.
    (
        "google",
        "googledrive",
        500,
        r#"{"error":"invalid_grant"}"#,
        503,
        &[
            "the provider fails (HTTP 500, invalid_grant)",
            "Try again later",
        ],
    ),
    (
        "dropbox",
        "dropbox",
        502,
        r#"{"error":"access_denied"}"#,
        503,
        &[
            "the provider fails (HTTP 502, access_denied)",
            "Try again later",
        ],
    ),
    // Too many requests: the code stays.
    (
        "microsoft",
        "onedrivev2",
        429,
        r#"{"error":"temporarily_unavailable","error_description":"AADSTS50196: The server terminated an operation"}"#,
        503,
        &["AADSTS50196", "asks in a loop", "Try again later"],
    ),
    (
        "box",
        "box.com",
        429,
        r#"{"type":"error","status":429,"code":"rate_limit_exceeded"}"#,
        503,
        &[
            "slow down (HTTP 429, rate_limit_exceeded)",
            "Try again later",
        ],
    ),
    (
        "google",
        "googledrive",
        403,
        r#"{"error":{"code":403,"message":"Quota","errors":[{"domain":"usageLimits","reason":"quotaExceeded"}]}}"#,
        503,
        &["quota_exceeded", "used up its quota", "Try again later"],
    ),
    (
        "dropbox",
        "dropbox",
        429,
        r#"{"error_summary":"too_many_write_operations/.","error":{"reason":{".tag":"too_many_write_operations"},"retry_after":60}}"#,
        503,
        &["(too_many_write_operations)", "too many requests"],
    ),
    // Other forms than that of the standard.
    (
        "hidrive",
        "hidrive",
        400,
        r#"{"error_type":"invalid_grant","error_message":"x"}"#,
        401,
        &["(invalid_grant)", "Log in again at"],
    ),
    (
        "hidrive",
        "hidrive",
        401,
        r#"{"status":"error","message":"Invalid client"}"#,
        503,
        &["(invalid_client)", "HIDRIVE_CLIENT_ID"],
    ),
    (
        "dropbox",
        "dropbox",
        400,
        "Error in call to API function \"oauth2/token\": This app is currently disabled.",
        503,
        &["The Dropbox app is disabled", "Tell the administrator"],
    ),
    (
        "microsoft",
        "onedrivev2",
        404,
        "<html><p>AADSTS90002: Tenant 'x' not found.</p></html>",
        503,
        &["AADSTS90002", "Check MSGRAPH_TENANT"],
    ),
    // Words of a description, also beside a code that blames the client.
    (
        "box",
        "box.com",
        400,
        r#"{"error":"unauthorized_client","error_description":"The grant type is unauthorized for this client_id"}"#,
        503,
        &["another way of logging in", "Tell the administrator"],
    ),
    (
        "google",
        "googledrive",
        401,
        r#"{"error":"invalid_client","error_description":"The OAuth client was disabled."}"#,
        503,
        &["Google has disabled the OAuth client"],
    ),
    (
        "jottacloud",
        "jottacloud",
        400,
        r#"{"error":"invalid_grant","error_description":"Account is not fully set up"}"#,
        503,
        &["(invalid_grant)", "Its user must sign in at Jottacloud"],
    ),
    (
        "jottacloud",
        "jottacloud",
        400,
        r#"{"error":"invalid_grant","error_description":"User temporarily disabled"}"#,
        503,
        &["locked the account for some minutes", "Try again later"],
    ),
    (
        "huawei",
        "huaweidrive",
        400,
        r#"{"error":1101,"sub_error":20042,"error_description":"x"}"#,
        503,
        &["(20042)", "HUAWEI_CLIENT_SECRET"],
    ),
];

#[tokio::test]
async fn the_code_outranks_words_that_can_mean_anything() {
    let emulated = Emulated::start(&[
        "google",
        "microsoft",
        "dropbox",
        "box",
        "zoho",
        "hidrive",
        "jottacloud",
        "huawei",
    ])
    .await;
    for (provider, service, said, body, status, words) in REFRESHES {
        // So many logins at once are not passed on.
        emulated.app.clock.advance(Duration::from_secs(60));
        let authid = emulated.credential(service).await;
        let provider = emulated.at(provider);
        provider.fault("/token", Fault::Answer(said, body.to_owned()));
        let refused = emulated.refresh(&authid).await;
        provider.mend();
        assert_eq!(refused.status, status, "{body}: {refused:?}");
        let reason = refused.header("x-reason");
        for words in words {
            assert!(reason.contains(words), "{words}: {reason}");
        }
        let asks_for_a_login = reason.contains("Log in again at");
        assert_eq!(asks_for_a_login, status == 401, "{reason}");
    }
}

#[tokio::test]
async fn an_authid_of_an_earlier_box_app_says_so() {
    let emulated = Emulated::start(&["box"]).await;
    let app = &emulated.app;
    let body = r#"{"error":"unauthorized_client","error_description":"The client is not authorized to use the refresh token"}"#;
    for (client, status, words) in [
        (Some("earlier"), 401, "made with another client id"),
        (None, 401, "made with another client id"),
    ] {
        let authid = emulated.credential("box.com").await;
        let authid = app.reseal(&Grant {
            client: client.map(ClientMark::of),
            ..app.open(&authid)
        });
        let provider = emulated.only();
        provider.fault("/token", Fault::Answer(400, body.to_owned()));
        let refused = emulated.refresh(&authid).await;
        provider.mend();
        assert_eq!(refused.status, status, "{refused:?}");
        let reason = refused.header("x-reason");
        assert!(reason.contains(words), "{reason}");
        assert!(!reason.contains("enterprise"), "{reason}");
    }
}

#[tokio::test]
async fn an_answer_of_another_program_names_the_address_to_check_if_it_stays() {
    let emulated = Emulated::start(&["dropbox"]).await;
    let authid = emulated.credential("dropbox").await;
    for (status, body) in [
        (403, "<html>Blocked by policy</html>"),
        (404, ""),
        (400, "<form>Sign in to the network</form>"),
        (403, r#"{"error":"Access Denied"}"#),
    ] {
        let fault = Fault::Answer(status, body.to_owned());
        emulated.only().fault("/token", fault);
        let answer = emulated.refresh(&authid).await;
        emulated.only().mend();
        assert_eq!(answer.status, 503, "{answer:?}");
        let reason = answer.header("x-reason");
        for words in [
            "Try again later. If it stays",
            "administrator",
            "token_url",
            "proxy",
        ] {
            assert!(reason.contains(words), "{words}: {reason}");
        }
        assert!(reason.len() <= 300, "{reason}");
    }
}

#[tokio::test]
async fn an_administrators_consent_that_was_declined_says_so() {
    let app = TestApp::start().await;
    for error in [
        "consent_required",
        "permission_denied",
        "access_denied",
        "x",
    ] {
        for query in [
            format!("admin_consent=True&error={error}&error_description=hacked"),
            format!("error={error}&error_description=AADSTS65004&admin_consent=True&tenant=t"),
        ] {
            let page = get(&format!("{}/logged-in?{query}", app.url), &[]).await;
            assert_eq!(page.status, 400, "{page:?}");
            assert!(page.body.contains("The consent was not given"), "{page:?}");
            let text = page.body.to_lowercase();
            for wrong in ["log in", "cookies", "hacked"] {
                assert!(!text.contains(wrong), "{wrong}: {page:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_fault_of_the_provider_is_no_refusal_by_the_user() {
    let emulated = Emulated::start(&["dropbox"]).await;
    for (error, words) in [
        ("server_error", "which passes"),
        ("temporarily_unavailable", "which passes"),
        ("login_required", "wants you to sign in"),
        ("invalid_request", "compares the application"),
        ("unauthorized_client", "compares the application"),
        ("redirect_uri_mismatch", "compares the application"),
    ] {
        let (request, cookie) = emulated.begin("dropbox").await;
        let back = get(&request, &[]).await.header("location").to_owned();
        let (address, query) = back.split_once('?').unwrap();
        let state = query.split('&').find(|part| part.starts_with("state="));
        let begun = format!("{address}?error={error}&{}", state.unwrap());
        let stray = format!("{}/logged-in?error={error}", emulated.app.url);
        for page in [
            get(&begun, &[("cookie", &cookie)]).await,
            get(&stray, &[]).await,
        ] {
            assert_eq!(page.status, 400, "{page:?}");
            assert!(page.body.contains(&escaped(words)), "{page:?}");
            assert!(!page.body.contains("If you declined"), "{page:?}");
        }
    }
}
