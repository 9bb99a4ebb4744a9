//! What an AuthID is, without a token: /inspect and /inspected.

use serde_json::{Value, json};

use crate::support::{Answer, TestApp, form_request, get, post_form, send};

async fn by_form(app: &TestApp, authid: &str) -> Answer {
    post_form(&format!("{}/inspected", app.url), &[("authid", authid)]).await
}

async fn by_header(app: &TestApp, authid: &str) -> Answer {
    let mut request = form_request(&format!("{}/inspected", app.url), &[]);
    let value = authid.parse().unwrap();
    request.headers_mut().insert("X-AuthID", value);
    send(request).await
}

async fn report(app: &TestApp, authid: &str) -> Value {
    by_header(app, authid).await.good().json()
}

#[tokio::test]
async fn an_inspection_says_what_is_sealed_and_asks_no_provider() {
    let app = TestApp::start().await;
    let authid = app.authid("single-use").await;
    let grant = app.open(&authid);
    let report = report(&app, &authid).await;
    assert_eq!(report["type"], "single-use");
    assert_eq!(report["issued_at"], json!(grant.issued_at));
    assert_eq!(report["logged_in_at"], json!(grant.issued_at));
    assert_eq!(report["generation"], 0);
    assert_eq!(report["key"]["kid"], app.kid(&authid));
    assert_eq!(report["key"]["is_newest"], true);
    assert_eq!(report["of_another_client"], false);
    assert_eq!(report["state"], "unknown");
    assert_eq!(app.provider.seen().refreshes, 0);
}

#[tokio::test]
async fn no_inspection_shows_a_token() {
    let app = TestApp::start().await;
    for service in ["stable", "single-use"] {
        let authid = app.authid(service).await;
        let refreshed = app.refresh(&authid).await.good().json();
        let access_token = refreshed["access_token"].as_str().unwrap();
        let refresh_token = app.open(&authid).refresh_token;
        for answer in [
            by_form(&app, &authid).await.good(),
            by_header(&app, &authid).await.good(),
        ] {
            for secret in [access_token, refresh_token.expose(), authid.as_str()] {
                assert!(!answer.body.contains(secret), "{answer:?}");
            }
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
}

#[tokio::test]
async fn what_this_server_did_with_a_login_is_its_state() {
    let app = TestApp::start().await;
    let authid = app.authid("single-use").await;
    let newer = app.refresh(&authid).await.good().json()["v2_authid"].clone();
    let refreshed = report(&app, &authid).await;
    assert_eq!(refreshed["state"], "refreshed");
    assert!(refreshed["access_token_expires"].as_u64() > Some(0));
    assert_eq!(refreshed["newer_generation"], 1);
    let newest = report(&app, newer.as_str().unwrap()).await;
    assert_eq!(
        (&newest["generation"], &newest["newer_generation"]),
        (&json!(1), &Value::Null)
    );
    let page = by_form(&app, &authid).await.good();
    for words in ["This server knows generation 1", "How long it is valid"] {
        assert!(page.body.contains(words), "{words}: {page:?}");
    }

    let lineage = app.open(&authid).lineage.to_string();
    std::fs::write(app.keys_dir.join("revoked.txt"), lineage).unwrap();
    app.app.keyring.reload().unwrap();
    assert_eq!(report(&app, &authid).await["state"], "revoked");
    let page = by_form(&app, &authid).await.good();
    assert!(page.body.contains("It is revoked."), "{page:?}");
    assert!(!page.body.contains("How long it is valid"), "{page:?}");
}

#[tokio::test]
async fn an_older_key_is_named_with_its_age() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    app.clock
        .advance(std::time::Duration::from_secs(3 * 24 * 60 * 60));
    app.new_key();
    assert_eq!(report(&app, &authid).await["key"]["is_newest"], false);
    let page = by_form(&app, &authid).await.good();
    for words in ["3 days ago", "New AuthIDs are sealed with a newer key."] {
        assert!(page.body.contains(words), "{page:?}");
    }
}

#[tokio::test]
async fn inspecting_counts_like_a_refresh_and_refuses_what_does_not_open() {
    let app = TestApp::builder().env("AUTHSEAL_RATE_LIMIT", "2");
    let app = app.start().await;
    let authid = app.authid("stable").await;
    for status in [200, 200, 503] {
        assert_eq!(by_form(&app, &authid).await.status, status);
    }
    assert_eq!(app.refresh(&authid).await.status, 503);

    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    let (cut, _) = authid.split_at(authid.len() - 9);
    for bad in ["", "nothing", cut] {
        let page = by_form(&app, bad).await;
        assert_eq!(page.status, 401, "{bad}");
        assert!(page.body.contains("href=\"/inspect\""), "{page:?}");
    }
}

#[tokio::test]
async fn every_page_leads_to_renewing_revoking_and_inspecting() {
    let app = TestApp::start().await;
    for path in ["/", "/no/such/page", "/privacy-policy", "/inspect"] {
        let page = get(&format!("{}{path}", app.url), &[]).await;
        for link in ["/renew", "/revoke", "/inspect", "/privacy-policy"] {
            let link = format!("href=\"{link}\"");
            assert!(page.body.contains(&link), "{path}: {link}");
        }
    }
    for path in ["/renewed", "/revoked"] {
        let failed = post_form(&format!("{}{path}", app.url), &[("authid", "nothing")]).await;
        assert!(failed.body.contains("Inspect an AuthID"), "{failed:?}");
    }
}
