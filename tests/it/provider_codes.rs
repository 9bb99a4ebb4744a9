//! Error answers word for word as users of other programs have reported them, and what
//! authseal makes of them.

use serde_json::json;

use crate::support::{
    Answer, Browser, Scrape, ScriptedProvider, TestApp, answer, begin, callback,
    emulators::{Emulated, Fault},
    get, json as json_answer, post_form,
};

const GOOGLE: (&str, &str) = ("google", "googledrive");
const MICROSOFT: (&str, &str) = ("microsoft", "onedrivev2");
const DROPBOX: (&str, &str) = ("dropbox", "dropbox");
const BOX: (&str, &str) = ("box", "box.com");

/// Words of the reason; provider and service; the provider's status and body; the status.
type Report = (
    &'static [&'static str],
    (&'static str, &'static str),
    u16,
    &'static str,
    u16,
);

/// Reports of refreshes.
const REFRESHES: [Report; 15] = [
    // An object, as Facebook and those like it send it.
    (
        &["refused the request (190, 463)"],
        BOX,
        400,
        r#"{"error":{"message":"Error validating access token","type":"OAuthException","code":190,"error_subcode":463,"fbtrace_id":"Ax"}}"#,
        503,
    ),
    // A token protection policy, as the Azure CLI shows it.
    (
        &["interaction_required, AADSTS530084", "administrator must"],
        MICROSOFT,
        400,
        r#"{"error":"interaction_required","error_description":"AADSTS530084: Access has been blocked by conditional access token protection policy configured by this organization. Trace ID: 0 Correlation ID: 0 Timestamp: 2026-04-13 19:04:12Z","error_codes":[530084],"suberror":"message_only"}"#,
        503,
    ),
    // Conditional Access.
    (
        &["interaction_required, AADSTS53003", "administrator must"],
        MICROSOFT,
        400,
        r#"{"error":"interaction_required","error_description":"AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.\r\nTrace ID: 36a9bfd2","error_codes":[53003],"error_uri":"https://login.microsoft.com/error?code=53003","suberror":"message_only"}"#,
        503,
    ),
    // A second factor, from an rclone user whose company began to ask for it.
    (
        &[
            "invalid_grant, AADSTS50076",
            "second factor",
            "Log in again at",
        ],
        MICROSOFT,
        400,
        r#"{"error":"invalid_grant","error_description":"AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '00000003'.","error_codes":[50076],"suberror":"basic_action"}"#,
        401,
    ),
    // Numbers without a description.
    (
        &[
            "invalid_grant, AADSTS50057",
            "disabled",
            "administrator of the user's organisation",
        ],
        MICROSOFT,
        400,
        r#"{"error":"invalid_grant","error_codes":[50057],"trace_id":"x"}"#,
        503,
    ),
    // A number that no table knows is still shown.
    (
        &["invalid_grant, AADSTS399284", "Log in again at"],
        MICROSOFT,
        400,
        r#"{"error":"invalid_grant","error_description":"AADSTS399284: Inbound key uri is invalid"}"#,
        401,
    ),
    // A licence that is missing.
    (
        &["AADSTS650052", "licence"],
        MICROSOFT,
        400,
        r#"{"error":"invalid_client","error_description":"AADSTS650052: The app needs access to a service (\"x\") that your organization \"y\" has not subscribed to or enabled."}"#,
        503,
    ),
    // Workspace session policies: a BigQuery extension, a command line for Gmail.
    (
        &[
            "invalid_grant, rapt_required",
            "session length policy",
            "Log in again at",
        ],
        GOOGLE,
        400,
        r#"{"error":"invalid_grant","error_description":"reauth related error (rapt_required)","error_uri":"https://support.google.com/a/answer/9368756","error_subtype":"rapt_required"}"#,
        401,
    ),
    (
        &["invalid_grant, invalid_rapt", "session length policy"],
        GOOGLE,
        400,
        r#"{"error":"invalid_grant","error_description":"reauth related error (invalid_rapt)"}"#,
        401,
    ),
    // The bare one, which rclone's users see most.
    (
        &["(invalid_grant)", "seven days while the app is in Testing"],
        GOOGLE,
        400,
        r#"{"error":"invalid_grant","error_description":"Bad Request"}"#,
        401,
    ),
    // An OAuth error with a status of its own.
    (
        &["(disabled_client)", "Google has disabled the OAuth client"],
        GOOGLE,
        403,
        r#"{"error":"disabled_client","error_description":"The OAuth client was disabled."}"#,
        503,
    ),
    (
        &["(invalid_grant)", "Log in again at"],
        DROPBOX,
        404,
        r#"{"error": "invalid_grant", "error_description": "refresh token is invalid or revoked"}"#,
        401,
    ),
    // Dropbox's own form.
    (
        &["(missing_scope)", "Permissions tab"],
        DROPBOX,
        401,
        r#"{"error_summary": "missing_scope/...", "error": {".tag": "missing_scope", "required_scope": "files.content.write"}}"#,
        503,
    ),
    (
        &["gave no token", "HTTP 500"],
        DROPBOX,
        500,
        r#"{"error": "The server has either erred or is incapable of performing the requested operation."}"#,
        503,
    ),
    (
        &["(invalid_grant)", "60 days"],
        BOX,
        400,
        r#"{"error":"invalid_grant","error_description":"Refresh token has expired"}"#,
        401,
    ),
];

#[tokio::test]
async fn what_users_have_reported_of_refreshes_is_answered_to_the_point() {
    let emulated = Emulated::start(&["google", "microsoft", "dropbox", "box"]).await;
    for (words, (provider, service), status, body, expected) in REFRESHES {
        let authid = emulated.credential(service).await;
        let provider = emulated.at(provider);
        provider.fault("/token", Fault::Answer(status, body.to_owned()));
        let refused = emulated.refresh(&authid).await;
        provider.mend();
        assert_eq!(refused.status, expected, "{body}: {refused:?}");
        let reason = refused.header("x-reason");
        for words in words {
            assert!(reason.contains(words), "{words}: {reason}");
        }
        assert!(!reason.contains("Trace ID"), "{reason}");
        let asks_for_a_login = reason.contains("Log in again at");
        assert_eq!(asks_for_a_login, expected == 401, "{reason}");
    }
}

/// Reports of logins: what the page says.
const LOGINS: [(&str, (&str, &str), u16, &str); 6] = [
    (
        "did not accept the code of this login",
        DROPBOX,
        400,
        r#"{"error_description": "code doesn't exist or has expired", "error": "invalid_grant"}"#,
    ),
    (
        "did not accept the code of this login",
        BOX,
        400,
        r#"{"error":"invalid_grant","error_description":"The authorization code has expired"}"#,
    ),
    (
        "did not accept the code of this login",
        GOOGLE,
        400,
        r#"{"error":"invalid_grant","error_description":"Malformed auth code."}"#,
    ),
    (
        "was used before",
        MICROSOFT,
        400,
        r#"{"error":"invalid_grant","error_description":"AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token."}"#,
    ),
    (
        "register it under Web",
        MICROSOFT,
        400,
        r#"{"error":"invalid_request","error_description":"AADSTS9002327: Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.","error_codes":[9002327]}"#,
    ),
    (
        "A code works once and for a short time, and only at the server of its account",
        ("pcloud", "pcloud"),
        200,
        r#"{"result":2012,"error":"Invalid 'code' provided."}"#,
    ),
];

#[tokio::test]
async fn a_code_that_is_refused_is_no_login_that_has_ended() {
    let emulated = Emulated::start(&["google", "microsoft", "dropbox", "box", "pcloud"]).await;
    for (words, (provider, service), status, body) in LOGINS {
        let provider = emulated.at(provider);
        let path = if service == "pcloud" {
            "/oauth2_token"
        } else {
            "/token"
        };
        provider.fault(path, Fault::Answer(status, body.to_owned()));
        let page = emulated.log_in(service).await;
        provider.mend();
        assert_eq!(page.status, 503, "{page:?}");
        assert!(page.body.contains(words), "{words}: {page:?}");
        for wrong in ["withdrawn", "used elsewhere", "six months", "60 days"] {
            assert!(!page.body.contains(wrong), "{wrong}: {page:?}");
        }
    }
}

/// A callback at the shared address, by a browser that began no login.
async fn stray(app: &TestApp, query: &str) -> Answer {
    get(&format!("{}/logged-in?{query}", app.url), &[]).await
}

#[tokio::test]
async fn a_refusal_without_a_login_names_its_code_only_if_it_is_known() {
    let emulated = Emulated::start(&["google", "microsoft"]).await;
    let app = &emulated.app;
    for (query, words) in [
        ("error=access_denied&error_description=x", "(access_denied)"),
        (
            "error=invalid_client&error_description=AADSTS650052%3A+The+app+needs&state=12345",
            "Microsoft refused it (AADSTS650052)",
        ),
        (
            "error=access_denied&error_description=AADSTS65004%3A+User+declined&error_subcode=cancel",
            "The user declined what the application asks for",
        ),
        (
            "error=admin_policy_enforced",
            "Google refused it (admin_policy_enforced)",
        ),
        (
            "error=org_internal&state=x",
            "application&#39;s own organisation",
        ),
    ] {
        let page = stray(app, query).await;
        assert_eq!(page.status, 400, "{page:?}");
        assert!(page.body.contains(words), "{words}: {page:?}");
        assert!(page.body.contains("can't be finished"), "{page:?}");
    }
    // Nobody writes on this page.
    for query in [
        "error=your_account_was_hacked",
        "error=Call+555-0100&error_description=now",
        "error=x&error_description=AADSTS99999999",
        "error=access_denied&error_description=AADSTS99999999",
        "error=hacked_by_me&error_description=AADSTS65004",
        "error=%3Cscript%3E",
    ] {
        let page = stray(app, query).await;
        for foreign in ["hacked", "555", "99999999", "script>"] {
            assert!(!page.body.contains(foreign), "{page:?}");
        }
        assert!(page.body.contains("can't be finished"), "{page:?}");
    }
    let page = stray(app, "error=access_denied&error_description=Call+555-0100").await;
    assert!(!page.body.contains("555"), "{page:?}");
}

#[tokio::test]
async fn the_return_of_an_administrators_consent_says_to_log_in_now() {
    let app = TestApp::start().await;
    for query in [
        "admin_consent=True&tenant=4ab6bc75-2bae-4ba6-8ed6-0a6a3c6e4e0e",
        "tenant=contoso.example&admin_consent=True&state=12345&scope=Files.ReadWrite",
        "admin_consent=true",
    ] {
        let page = stray(&app, query).await;
        assert_eq!(page.status, 400, "{page:?}");
        assert!(page.body.contains("Now log in"), "{page:?}");
        assert!(!page.body.contains("contoso"), "{page:?}");
    }
}

#[tokio::test]
async fn a_providers_retry_after_reaches_every_client() {
    let date = "Date: Fri, 27 Nov 2026 12:00:00 GMT\r\n";
    for (status, headers, body, expected) in [
        (
            "429 Too Many Requests",
            "Retry-After: 60\r\n".to_owned(),
            "",
            "60",
        ),
        (
            "503 Unavailable",
            "Retry-After: 120\r\n".to_owned(),
            "",
            "120",
        ),
        (
            "503 Unavailable",
            format!("{date}Retry-After: Fri, 27 Nov 2026 12:00:30 GMT\r\n"),
            "",
            "30",
        ),
        (
            "400 Bad Request",
            "Retry-After: 90\r\n".to_owned(),
            r#"{"error":"temporarily_unavailable"}"#,
            "90",
        ),
        (
            "400 Bad Request",
            "Retry-After: 45\r\n".to_owned(),
            r#"{"error":"slow_down"}"#,
            "45",
        ),
    ] {
        let provider = ScriptedProvider::start(move |_| answer(status, &headers, body));
        let app = TestApp::builder()
            .scripted(&provider, "stable")
            .start()
            .await;
        let authid = app.seal("scripted", "never-print-refresh");
        let form = [("grant_type", "refresh_token"), ("refresh_token", &authid)];
        let by_library = post_form(&format!("{}/token", app.url), &form).await;
        assert_eq!(by_library.status, 503, "{by_library:?}");
        assert_eq!(
            by_library.header("retry-after"),
            expected,
            "{status}: {by_library:?}"
        );
        let by_duplicati = app.refresh(&authid).await;
        assert_eq!(by_duplicati.status, 503, "{by_duplicati:?}");
        assert_eq!(
            by_duplicati.header("retry-after"),
            expected,
            "{by_duplicati:?}"
        );
        let mut browser = Browser::default();
        let request = begin(&app, &mut browser, "scripted").await;
        let page = browser.get(&callback(&app, &request, "code=x")).await;
        assert_eq!(page.header("retry-after"), expected, "{page:?}");
    }
}

#[tokio::test]
async fn refusals_are_counted_by_codes_that_no_answer_can_make_up() {
    let provider = ScriptedProvider::start(|_| json_answer("200 OK", "{}"));
    let app = TestApp::builder().scripted(&provider, "stable").tables(
        "[provider.scripted.advice]\nAADSTS530003 = { cure = \"organisation\", text = \"Ask.\" }\n",
    );
    let app = app.start().await;
    let codes = [
        (json!({ "error": "invalid_grant" }), "invalid_grant"),
        (
            json!({ "error": "invalid_grant", "error_description": "AADSTS530003: no" }),
            "AADSTS530003",
        ),
        (json!({ "error": "made_up_by_a_provider" }), "other"),
        (json!({ "error": "never print this" }), "other"),
        (json!({ "result": 2012, "error": "x" }), "other"),
    ];
    for (body, _) in &codes {
        let body = body.to_string();
        provider.script(move |_| json_answer("400 Bad Request", &body));
        app.refresh(&app.seal("scripted", "never-print-refresh"))
            .await;
    }
    let scrape = Scrape::of(&app.admin_url).await;
    for (_, code) in codes {
        let labels = [
            ("provider", "scripted"),
            ("phase", "refresh"),
            ("code", code),
        ];
        let expected = if code == "other" { 3.0 } else { 1.0 };
        let sum = scrape.sum("authseal_provider_refusals_total", &labels);
        assert_eq!(sum, expected, "{code}: {}", scrape.text);
    }
    assert!(!scrape.text.contains("made_up"), "{}", scrape.text);
}
