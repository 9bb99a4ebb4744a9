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
            ancestry: Default::default(),
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
        assert_eq!(app.refresh(authid).await.status, 502);
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
    let revoked = post_form(&format!("{}/revoked", app.url), &[("authid", &old)]).await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    assert_eq!(provider.asked()[1].field("token"), "token-1");
}
