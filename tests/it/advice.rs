//! What a provider says went wrong becomes one line of advice, at the status
//! that Duplicati reads rightly (docs/endpoints.md).

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;
use toml::Value;

use crate::support::{
    emulators::{Emulated, Fault, escaped, microsoft, shipped},
    get,
};

/// The advice that providers.toml has for a word, without its full stop.
fn advice(provider: &str, word: &str) -> String {
    let advice = &shipped()["provider"][provider]["advice"][word];
    advice.as_str().unwrap().trim_end_matches('.').to_owned()
}

/// An error answer of RFC 6749 section 5.2.
fn error(status: u16, code: &str, words: &str) -> (u16, String) {
    let body = json!({ "error": code, "error_description": words });
    (status, body.to_string())
}

/// Provider, service, word of advice, status at `/refresh`, error code shown.
type Row = (&'static str, &'static str, &'static str, u16, &'static str);

const GOOGLE: (&str, &str) = ("google", "googledrive");
const MICROSOFT: (&str, &str) = ("microsoft", "onedrivev2");
const DROPBOX: (&str, &str) = ("dropbox", "dropbox");
const BOX: (&str, &str) = ("box", "box.com");
const JOTTACLOUD: (&str, &str) = ("jottacloud", "jottacloud");

const fn row(
    (provider, service): (&'static str, &'static str),
    word: &'static str,
    status: u16,
    code: &'static str,
) -> Row {
    (provider, service, word, status, code)
}

const ROWS: [Row; 24] = [
    row(MICROSOFT, "AADSTS50194", 503, "invalid_request"),
    row(MICROSOFT, "AADSTS50011", 503, "invalid_request"),
    row(MICROSOFT, "AADSTS65001", 401, "invalid_grant"),
    row(MICROSOFT, "AADSTS700016", 503, "unauthorized_client"),
    row(MICROSOFT, "AADSTS7000215", 503, "invalid_client"),
    row(MICROSOFT, "AADSTS7000222", 503, "invalid_client"),
    row(MICROSOFT, "AADSTS700082", 401, "invalid_grant"),
    row(MICROSOFT, "AADSTS70000", 401, "invalid_grant"),
    row(MICROSOFT, "AADSTS50076", 401, "interaction_required"),
    row(MICROSOFT, "AADSTS50173", 401, "invalid_grant"),
    row(MICROSOFT, "AADSTS50079", 401, "interaction_required"),
    row(MICROSOFT, "AADSTS53003", 401, "invalid_grant"),
    row(MICROSOFT, "AADSTS70043", 401, "invalid_grant"),
    row(MICROSOFT, "AADSTS700084", 401, "invalid_grant"),
    row(MICROSOFT, "AADSTS90094", 401, "invalid_grant"),
    row(GOOGLE, "invalid_grant", 401, "invalid_grant"),
    row(
        GOOGLE,
        "redirect_uri_mismatch",
        503,
        "redirect_uri_mismatch",
    ),
    row(GOOGLE, "deleted_client", 503, "deleted_client"),
    row(
        GOOGLE,
        "admin_policy_enforced",
        503,
        "admin_policy_enforced",
    ),
    row(GOOGLE, "org_internal", 503, "org_internal"),
    row(DROPBOX, "invalid_grant", 401, "invalid_grant"),
    row(BOX, "invalid_grant", 401, "invalid_grant"),
    row(BOX, "redirect_uri_mismatch", 503, "redirect_uri_mismatch"),
    row(JOTTACLOUD, "invalid_grant", 401, "invalid_grant"),
];

/// What pCloud is said of is said at login; it is never refreshed.
const PCLOUD: [&str; 1] = ["2000"];

#[test]
fn every_line_of_advice_has_a_row() {
    let mut shipped_words = BTreeSet::new();
    for (id, provider) in shipped()["provider"].as_table().unwrap() {
        let words = provider.get("advice").and_then(Value::as_table);
        for (word, _) in words.into_iter().flatten() {
            shipped_words.insert((id.clone(), word.clone()));
        }
    }
    let rows = ROWS
        .iter()
        .map(|(provider, _, word, ..)| (*provider, *word));
    let rows = rows.chain(PCLOUD.map(|word| ("pcloud", word)));
    let rows = rows.map(|(provider, word)| (provider.to_owned(), word.to_owned()));
    assert_eq!(rows.collect::<BTreeSet<_>>(), shipped_words);
}

#[tokio::test]
async fn each_error_leads_to_its_line_of_advice() {
    let providers: BTreeSet<&str> = ROWS.iter().map(|(provider, ..)| *provider).collect();
    let emulated = Emulated::start(&Vec::from_iter(providers)).await;
    for (provider, service, word, status, code) in ROWS {
        // So many logins at once are not passed on.
        emulated.app.clock.advance(Duration::from_secs(60));
        let authid = emulated.credential(service).await;
        let (said, body) = match provider {
            "microsoft" => microsoft::error(word),
            _ => error(
                if code == "deleted_client" { 401 } else { 400 },
                code,
                "Bad Request",
            ),
        };
        let endpoint = emulated.at(provider);
        endpoint.fault("/token", Fault::Answer(said, body));
        let answer = emulated.refresh(&authid).await;
        endpoint.mend();

        let reason = answer.header("x-reason");
        let told = format!("{} ({code})", advice(provider, word));
        let expected = match status {
            401 => format!(
                "{told}. Log in again at {}/?type={service}",
                emulated.app.url
            ),
            // This line does not name the variables.
            _ if code == "deleted_client" => {
                format!("{told}. Tell the administrator to check GD_CLIENT_ID and GD_CLIENT_SECRET")
            }
            _ => told,
        };
        assert_eq!(reason, expected, "{word}: {answer:?}");
        assert_eq!(answer.status, status, "{word}");
        assert_eq!(answer.body, reason);
        // Nothing was kept of it: the next one is good.
        assert_eq!(emulated.refresh(&authid).await.status, 200, "{word}");
    }
}

#[tokio::test]
async fn what_the_provider_says_never_reaches_the_reason() {
    let emulated = Emulated::start(&["dropbox"]).await;
    let authid = emulated.credential("dropbox").await;
    for (status, code, answered) in [
        (400, "never-print-as-code", 503),
        (401, "NEVER-PRINT", 503),
        (403, "invalid_grant", 401),
    ] {
        let (status, body) = error(status, code, "never-print-as-words");
        emulated
            .at("dropbox")
            .fault("/token", Fault::Answer(status, body));
        let answer = emulated.refresh(&authid).await;
        assert_eq!(answer.status, answered, "{answer:?}");
        assert!(!format!("{answer:?}").to_lowercase().contains("never-print"));
    }
}

#[tokio::test]
async fn each_number_of_pcloud_leads_to_its_advice_on_the_page() {
    let emulated = Emulated::start(&["pcloud"]).await;
    for word in PCLOUD {
        let number: u64 = word.parse().unwrap();
        let body = json!({ "result": number, "error": "Never shown." });
        let answer = Fault::Answer(200, body.to_string());
        emulated.at("pcloud").fault("/oauth2_token", answer);
        let page = emulated.log_in("pcloud").await;
        assert_eq!(page.status, 503, "{word}: {page:?}");
        assert!(
            page.body.contains(&escaped(&advice("pcloud", word))),
            "{page:?}"
        );
        assert!(!page.body.contains("Never shown"), "{page:?}");
    }
}

#[tokio::test]
async fn what_goes_wrong_before_the_callback_has_its_advice_too() {
    let emulated = Emulated::start(&["microsoft", "dropbox"]).await;
    for (service, said, word) in [
        (
            "onedrivev2",
            ["invalid_request", "AADSTS50194: one tenant"],
            "AADSTS50194",
        ),
        (
            "onedrivev2",
            ["access_denied", "AADSTS65001: no consent"],
            "AADSTS65001",
        ),
        ("dropbox", ["access_denied", ""], ""),
    ] {
        let (request, cookie) = emulated.begin(service).await;
        let callback = get(&request, &[]).await.header("location").to_owned();
        let (callback, query) = callback.split_once('?').unwrap();
        let state = query
            .split('&')
            .find(|part| part.starts_with("state="))
            .unwrap();
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("error", said[0]), ("error_description", said[1])])
            .finish();
        let page = get(
            &format!("{callback}?{query}&{state}"),
            &[("cookie", &cookie)],
        )
        .await;
        assert_eq!(page.status, 400, "{page:?}");
        let expected = match word {
            "" => "If you declined by mistake, try again.".to_owned(),
            _ => escaped(&advice("microsoft", word)),
        };
        assert!(page.body.contains(&expected), "{page:?}");
        assert!(page.body.contains(said[1]), "{page:?}");
    }
}

#[tokio::test]
async fn an_application_of_one_tenant_works_with_msgraph_tenant_and_else_says_so() {
    const OWN: &str = "contoso.example";
    let common = Emulated::start(&["microsoft"]).await;
    let own = Emulated::with(
        &["microsoft"],
        |tables| tables,
        |app| app.env("MSGRAPH_TENANT", OWN),
    )
    .await;
    let authid = common.credential("onedrivev2").await;
    for emulated in [&common, &own] {
        let books = emulated.at("microsoft").books();
        books.lock().switch = Some(OWN.into());
    }
    let refused = common.refresh(&authid).await;
    assert!(
        refused.header("x-reason").contains("MSGRAPH_TENANT"),
        "{refused:?}"
    );
    let (authorization_request, _) = common.begin("onedrivev2").await;
    assert_eq!(get(&authorization_request, &[]).await.status, 400);

    let authid = own.credential("onedrivev2").await;
    assert_eq!(own.refresh(&authid).await.status, 200);
}

#[tokio::test]
async fn a_grant_that_has_run_out_says_how_it_did() {
    let emulated = Emulated::start(&["google", "microsoft", "box"]).await;
    for (service, days, words) in [
        ("googledrive", 183, "six months without use"),
        ("onedrivev2", 91, "expired or was withdrawn"),
        ("box.com", 61, "for 60 days"),
    ] {
        let authid = emulated.credential(service).await;
        emulated
            .app
            .clock
            .advance(Duration::from_secs(days * 24 * 3600));
        let answer = emulated.refresh(&authid).await;
        assert_eq!(answer.status, 401, "{service}: {answer:?}");
        assert!(answer.header("x-reason").contains(words), "{answer:?}");
    }
}
