//! Revoking at a certified authorization server: dead here is dead there.

use serde_json::json;

use crate::{
    browser::Browser,
    jose,
    login::log_in,
    oidc::{OidcApp, RefreshTokens},
    support::{get, post_form},
};

#[tokio::test]
async fn a_revoked_login_is_dead_at_the_provider_too() {
    for refresh_tokens in [RefreshTokens::Stable, RefreshTokens::Rotating] {
        let is_rotating = refresh_tokens == RefreshTokens::Rotating;
        let mut oidc = OidcApp::start(refresh_tokens).await;
        let browser = Browser::open().await;
        let authid = log_in(&browser, &mut oidc).await;
        let answer = oidc.app.refresh(&authid).await.good().json();
        oidc.provider.expect_grant("refresh_token").await;
        let newest = answer["v2_authid"].as_str().unwrap_or(&authid);
        assert_eq!(answer["v2_authid"].is_string(), is_rotating);
        let refresh_token = jose::open(&oidc.app, newest)["rt"].clone();
        let access_token = answer["access_token"].as_str().unwrap().to_owned();

        browser.go(&format!("{}/revoke", oidc.public_url)).await;
        browser.fill("#authid", &authid).await;
        browser.click(".button.danger").await;
        browser.see_heading("The login is revoked").await;
        if is_rotating {
            // To be sure that the newest token is at hand.
            oidc.provider.expect_grant("refresh_token").await;
        }
        oidc.provider
            .expect(json!({"event": "revocation", "ok": true}))
            .await;

        // Asked by the witness itself, with the newest refresh token.
        let fields = oidc.provider.refresh_form(refresh_token.as_str().unwrap());
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let refused = post_form(&format!("{}/token", oidc.provider.issuer), &fields).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert_eq!(refused.json()["error"], "invalid_grant");
        let bearer = format!("Bearer {access_token}");
        let userinfo = format!("{}/me", oidc.provider.issuer);
        let userinfo = get(&userinfo, &[("authorization", &bearer)]).await;
        assert_eq!(userinfo.status, 401, "{userinfo:?}");

        let answer = oidc.app.refresh(&authid).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
}
