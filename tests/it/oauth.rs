//! What an OAuth library finds besides the token endpoint: RFC 7009 and RFC 8414, and
//! what a web page of another site does not.

use std::time::Duration;

use authseal::keyring::KeyFolder;
use http::Request;
use http_body_util::Full;

use super::token;
use crate::support::{Answer, TestApp, emulators::Emulated, get, post_form, send};

async fn revoke(url: &str, form: &[(&str, &str)]) -> Answer {
    post_form(&format!("{url}/oauth2/revoke"), form).await
}

#[tokio::test]
async fn a_revoked_authid_is_dead_at_its_provider_and_here() {
    let providers = [("googledrive", "google"), ("box.com", "box")];
    let emulated = Emulated::start(&providers.map(|(_, provider)| provider)).await;
    let url = &emulated.app.url;
    for (service, provider) in providers {
        let authid = emulated.credential(service).await;
        let granted = token::refresh(url, &authid, &[]).await.json();
        let newest = granted["refresh_token"].as_str().unwrap();
        let form = [
            ("token", newest),
            ("token_type_hint", "refresh_token"),
            ("client_id", "any"),
        ];
        let answer = revoke(url, &form).await;
        assert_eq!(answer.status, 200, "{service}: {answer:?}");
        assert_eq!(answer.body, "");
        assert_eq!(emulated.at(provider).books().live_grants(), 0, "{service}");
        let dead = token::refresh(url, newest, &[]).await;
        assert_eq!(dead.json()["error"], "invalid_grant", "{dead:?}");
    }
}

/// An AuthID whose key is retired, of a login that may have newer ones.
async fn under_a_retired_key(emulated: &Emulated) -> String {
    let app = &emulated.app;
    let authid = emulated.credential("googledrive").await;
    let folder = KeyFolder::new(&app.keys_dir);
    let kid = app.app.keyring.current().iter().next().unwrap().kid.clone();
    folder.create_key(app.clock.now(), Duration::ZERO).unwrap();
    folder.retire_key(&kid, Some(app.clock.now())).unwrap();
    app.app.keyring.reload().unwrap();
    authid
}

#[tokio::test]
async fn what_gives_no_access_counts_as_revoked() {
    let emulated = Emulated::start(&["google"]).await;
    let retired = under_a_retired_key(&emulated).await;
    let authid = emulated.credential("googledrive").await;
    let foreign = Emulated::start(&["google"]).await;
    let foreign = foreign.credential("googledrive").await;
    let (head, tag) = authid.rsplit_once('.').unwrap();
    let tampered = format!("{head}.{}", tag.chars().rev().collect::<String>());
    let cut = &authid[..authid.len() - 1];
    // The retired one and the last two may go on elsewhere: on a server with the key, or at the provider.
    for (token, status) in [
        (retired.as_str(), 400),
        ("ya29.an-access-token", 200),
        // These were AuthIDs once, and their login lives.
        (&tampered, 400),
        (cut, 400),
        (&foreign, 503),
        ("v2:googledrive:1//a-refresh-token", 400),
    ] {
        let answer = revoke(&emulated.app.url, &[("token", token)]).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    assert_eq!(emulated.at("google").books().live_grants(), 2);
}

#[tokio::test]
async fn what_cannot_be_revoked_is_no_success() {
    let emulated = Emulated::start(&["microsoft", "google"]).await;
    let url = &emulated.app.url;
    let onedrive = emulated.credential("onedrivev2").await;
    let drive = emulated.credential("googledrive").await;
    emulated.at("google").fault(
        "revoke",
        crate::support::emulators::Fault::Answer(503, "".into()),
    );
    for (form, status, code) in [
        (vec![], 400, "invalid_request"),
        (vec![("token", "")], 400, "invalid_request"),
        (
            vec![("token", drive.as_str()), ("token", &drive)],
            400,
            "invalid_request",
        ),
        (
            vec![("token", onedrive.as_str())],
            400,
            "unsupported_token_type",
        ),
        // RFC 7009 section 2.2.1: it must be assumed to be alive.
        (
            vec![("token", drive.as_str())],
            503,
            "temporarily_unavailable",
        ),
    ] {
        let answer = revoke(url, &form).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.json()["error"], code, "{answer:?}");
    }
    assert_eq!(get(&format!("{url}/oauth2/revoke"), &[]).await.status, 405);
    assert_eq!(emulated.at("google").books().live_grants(), 1);
}

const METADATA: &str = "/.well-known/oauth-authorization-server";

#[tokio::test]
async fn the_metadata_leads_to_the_endpoints() {
    let app = TestApp::start().await;
    let metadata = get(&format!("{}{METADATA}", app.url), &[]).await.json();
    assert_eq!(metadata["issuer"], app.url);
    assert_eq!(
        metadata["grant_types_supported"],
        serde_json::json!(["refresh_token"])
    );
    assert_eq!(metadata["response_types_supported"], serde_json::json!([]));
    let methods = &metadata["token_endpoint_auth_methods_supported"];
    assert!(methods.as_array().unwrap().contains(&"none".into()));
    let authid = app.authid("stable").await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", &authid)];
    let token_endpoint = metadata["token_endpoint"].as_str().unwrap();
    assert_eq!(post_form(token_endpoint, &form).await.status, 200);
    let revocation_endpoint = metadata["revocation_endpoint"].as_str().unwrap();
    let nothing = post_form(revocation_endpoint, &[("token", "none")]).await;
    assert_eq!(nothing.status, 200);
}

#[tokio::test]
async fn under_a_prefix_the_metadata_is_where_rfc_8414_puts_it() {
    let issuer = "https://nas.example/seal";
    let app = TestApp::builder().env("AUTHSEAL_PUBLIC_URL", issuer);
    let app = app.start().await;
    for path in [
        format!("{METADATA}/seal"),
        format!("/seal{METADATA}"),
        METADATA.to_owned(),
    ] {
        let answer = get(&format!("{}{path}", app.url), &[]).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let metadata = answer.json();
        assert_eq!(metadata["issuer"], issuer);
        assert_eq!(metadata["token_endpoint"], format!("{issuer}/token"));
    }
    let other = get(&format!("{}{METADATA}/other", app.url), &[]).await;
    assert_eq!(other.status, 404);
}

#[tokio::test]
async fn no_page_of_another_site_can_read_an_answer() {
    let app = TestApp::start().await;
    for path in ["/token", "/oauth2/revoke", METADATA, "/refresh"] {
        for method in ["OPTIONS", "GET", "POST"] {
            let request = Request::builder()
                .method(method)
                .uri(format!("{}{path}", app.url))
                .header("origin", "https://elsewhere.example")
                .header("access-control-request-method", "POST")
                .body(Full::default())
                .unwrap();
            let answer = send(request).await;
            let names = answer.headers.keys().map(|name| name.as_str());
            let is_open = names
                .into_iter()
                .any(|name| name.starts_with("access-control"));
            assert!(!is_open, "{method} {path}: {answer:?}");
            assert!(method != "OPTIONS" || answer.status == 405, "{path}");
        }
    }
}
