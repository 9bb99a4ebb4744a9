//! The authorization server: npm oidc-provider, and an authseal that knows it.

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    other_program::{OtherProgram, node},
    support::{Answer, TestApp, get},
};

const CLIENT_ID: &str = "authseal";
const CLIENT_SECRET: &str = "the-client-secret-at-oidc-provider";

/// Whether the provider replaces the refresh token each time it is used.
#[derive(Clone, Copy, PartialEq)]
pub enum RefreshTokens {
    Stable,
    Rotating,
}

/// A running oidc-provider.
pub struct OidcProvider {
    pub issuer: String,
    program: OtherProgram,
}

/// An authseal with the service "oidc", and its provider.
pub struct OidcApp {
    pub app: TestApp,
    pub provider: OidcProvider,
    /// What browsers see: another site than the provider's 127.0.0.1, so that
    /// cookies matter as they do in the world.
    pub public_url: String,
}

impl OidcApp {
    /// Both, started.
    pub async fn start(refresh_tokens: RefreshTokens) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let public_url = format!("http://localhost:{port}");
        let redirect_uri = format!("{public_url}/logged-in/oidc");
        let provider = OidcProvider::start(&redirect_uri, refresh_tokens).await;
        let app = TestApp::builder()
            .listener(listener)
            .env("AUTHSEAL_PUBLIC_URL", &public_url)
            .env("OIDC_CLIENT_ID", CLIENT_ID)
            .env("OIDC_CLIENT_SECRET", CLIENT_SECRET)
            .tables(&provider.tables(refresh_tokens))
            .start()
            .await;
        Self {
            app,
            provider,
            public_url,
        }
    }

    /// A second authseal with the same keys and another client secret.
    pub async fn with_wrong_secret(&self) -> TestApp {
        TestApp::builder()
            .env("AUTHSEAL_KEYS_DIR", self.app.keys_dir.to_str().unwrap())
            .env("OIDC_CLIENT_ID", CLIENT_ID)
            .env("OIDC_CLIENT_SECRET", "another")
            .tables(&self.provider.tables(RefreshTokens::Stable))
            .start()
            .await
    }
}

impl OidcProvider {
    async fn start(redirect_uri: &str, refresh_tokens: RefreshTokens) -> Self {
        let mut command = node("oidc-provider/server.mjs");
        command
            .args(["--client-id", CLIENT_ID])
            .args(["--client-secret", CLIENT_SECRET])
            .args(["--redirect-uri", redirect_uri]);
        if refresh_tokens == RefreshTokens::Rotating {
            command.arg("--rotate");
        }
        let (program, issuer) = OtherProgram::start(&mut command, |line| {
            let told: Value = serde_json::from_str(line).unwrap();
            told["issuer"].as_str().map(String::from)
        })
        .await;
        Self { issuer, program }
    }

    /// It as an administrator would write it down.
    fn tables(&self, refresh_tokens: RefreshTokens) -> String {
        let issuer = &self.issuer;
        let refresh_tokens = match refresh_tokens {
            RefreshTokens::Stable => "stable",
            RefreshTokens::Rotating => "single-use",
        };
        format!(
            r#"
[provider.oidc]
name = "OpenID provider"
issuer = "{issuer}"
credentials = ["OIDC"]
authorize_url = "{issuer}/auth"
token_url = "{issuer}/token"
revoke_url = "{issuer}/token/revocation"
authorize_params = {{ prompt = "consent" }}
pkce = true
refresh_tokens = "{refresh_tokens}"

[service.oidc]
provider = "oidc"
name = "OpenID storage"
scope = "openid offline_access"
"#
        )
    }

    /// Waits for the next call of one of its endpoints, which must be this one.
    pub async fn expect(&mut self, event: Value) {
        let seen: Value = serde_json::from_str(&self.program.line().await).unwrap();
        assert_eq!(seen, event);
    }

    /// Waits for a granted call of the token endpoint.
    pub async fn expect_grant(&mut self, grant_type: &str) {
        self.expect(json!({"event": "token", "grant_type": grant_type, "ok": true}))
            .await;
    }

    /// No endpoint was called since the last expected one. Exact, because a call
    /// of the userinfo endpoint comes in between, which is told in its turn.
    pub async fn expect_no_call(&mut self) {
        self.userinfo("nonsense").await;
        self.expect(json!({"event": "userinfo", "ok": false, "error": "invalid_token"}))
            .await;
    }

    /// Whom an access token is for.
    pub async fn userinfo(&self, access_token: &str) -> Answer {
        let bearer = format!("Bearer {access_token}");
        get(
            &format!("{}/me", self.issuer),
            &[("authorization", &bearer)],
        )
        .await
    }

    /// What a client sends to refresh with this token.
    pub fn refresh_form(&self, refresh_token: &str) -> [(&'static str, String); 4] {
        [
            ("grant_type", "refresh_token".into()),
            ("refresh_token", refresh_token.into()),
            ("client_id", CLIENT_ID.into()),
            ("client_secret", CLIENT_SECRET.into()),
        ]
    }

    /// Revokes a refresh token, as if the user had withdrawn access.
    pub async fn revoke(&mut self, refresh_token: &str) {
        let fields = [
            ("token", refresh_token),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
        ];
        let url = format!("{}/token/revocation", self.issuer);
        super::support::post_form(&url, &fields).await.good();
        self.expect(json!({"event": "revocation", "ok": true}))
            .await;
    }
}
