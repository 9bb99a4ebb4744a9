//! Whoever comes with a newer AuthID is believed before the provider is asked: an
//! older refresh token of that login is then never sent again.

use authseal::{
    seal::{Grant, Lineage},
    secret::Secret,
};

use crate::support::{ScriptedProvider, TestApp, TestAppBuilder, json, post_form};

fn table(provider: &ScriptedProvider, refresh_tokens: &str) -> TestAppBuilder {
    let url = provider.url("");
    TestApp::builder()
        .tables(&format!(
            "[provider.own]\nname = \"Own\"\ncredentials = [\"OWN\"]\n\
             authorize_url = \"{url}/authorize\"\ntoken_url = \"{url}/token\"\n\
             revoke_url = \"{url}/revoke\"\nrefresh_tokens = \"{refresh_tokens}\"\n\
             [service.own]\nprovider = \"own\"\nname = \"Own\"\n"
        ))
        .env("OWN_CLIENT_ID", "id")
        .env("OWN_CLIENT_SECRET", "secret")
}

/// An AuthID of one login at each of these generations.
fn authids(app: &TestApp, generations: [u32; 2]) -> [String; 2] {
    let lineage = Lineage::random();
    let (keys, now) = (app.app.keyring.current(), app.clock.now());
    generations.map(|generation| {
        let grant = Grant {
            service: "own".into(),
            refresh_token: Secret::new(format!("token-{generation}")),
            issued_at: now,
            lineage,
            generation,
            region: None,
            client: None,
            ancestry: Default::default(),
            terms: None,
        };
        let authid = authseal::seal::seal(&keys, now, &grant).unwrap();
        authid.expose().to_owned()
    })
}

#[tokio::test]
async fn an_older_token_is_not_sent_after_a_newer_one_even_if_the_provider_failed() {
    let provider = ScriptedProvider::start(|_| json("503 Service Unavailable", "{}"));
    let app = table(&provider, "single-use").start().await;
    let [old, newer] = authids(&app, [0, 5]);
    for authid in [&newer, &old] {
        assert_eq!(app.refresh(authid).await.status, 503);
    }
    for asked in provider.asked() {
        assert_eq!(asked.field("refresh_token"), "token-5");
    }
    assert_eq!(provider.asked().len(), 2);
}

#[tokio::test]
async fn revoking_by_an_old_authid_revokes_the_newest_sliding_token() {
    let provider = ScriptedProvider::start(|asked| match asked.request_line.contains("/revoke") {
        true => json("200 OK", "{}"),
        false => json(
            "200 OK",
            r#"{"access_token":"a","refresh_token":"token-1","expires_in":3600}"#,
        ),
    });
    let app = table(&provider, "sliding").start().await;
    let [old, _] = authids(&app, [0, 1]);
    assert_eq!(app.refresh(&old).await.status, 200);
    post_form(&format!("{}/revoked", app.url), &[("authid", &old)])
        .await
        .good();
    assert_eq!(provider.asked()[1].field("token"), "token-1");
}

/// A provider of its own revocation answer, which gives tokens whatever it was told.
fn heedless(said: &'static str) -> ScriptedProvider {
    ScriptedProvider::start(move |asked| match asked.request_line.contains("/revoke") {
        true => json("200 OK", said),
        false => json("200 OK", r#"{"access_token":"a","expires_in":3600}"#),
    })
}

#[tokio::test]
async fn no_token_is_asked_for_after_a_revocation_whatever_the_provider_would_give() {
    for kind in ["stable", "sliding", "single-use"] {
        let provider = heedless("");
        let app = table(&provider, kind).start().await;
        let authids = authids(&app, [0, 1]);
        let url = format!("{}/revoked", app.url);
        let revoked = post_form(&url, &[("authid", &authids[0])]).await;
        assert_eq!(revoked.status, 200, "{kind}: {revoked:?}");
        let asked = provider.asked().len();
        for authid in &authids {
            let refused = app.refresh(authid).await;
            assert_eq!(refused.status, 401, "{kind}: {refused:?}");
            let again = post_form(&url, &[("authid", authid)]).await;
            assert_eq!(again.status, 200, "{kind}: {again:?}");
        }
        assert_eq!(provider.asked().len(), asked, "{kind}");
    }
}

#[tokio::test]
async fn an_error_in_a_form_of_the_providers_own_is_no_yes_to_a_revocation() {
    for said in [
        r#"{"error":{"code":400}}"#,
        r#"{"error":"server_error","result":"x"}"#,
        r#"{"error":"server_error","error":"x"}"#,
        r#"{"errors":["not now"]}"#,
    ] {
        let provider = heedless(said);
        let app = table(&provider, "stable").start().await;
        let [authid, _] = authids(&app, [0, 1]);
        let url = format!("{}/revoked", app.url);
        let revoked = post_form(&url, &[("authid", &authid)]).await;
        assert_eq!(revoked.status, 503, "{said}: {revoked:?}");
        assert_eq!(app.refresh(&authid).await.status, 200, "{said}");
    }
}
