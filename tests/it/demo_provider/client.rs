//! A client of the demo provider that does as it is told, right or wrong.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};

use crate::support::{Answer, CLIENT_SECRET, TestApp, get, parameter, post_form};

const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0";

/// A client of the provider, without authseal.
pub struct Client {
    pub app: TestApp,
    pub id: &'static str,
    pub redirect_uri: String,
}

impl Client {
    pub async fn start(id: &'static str) -> Self {
        let app = TestApp::start().await;
        let redirect_uri = format!("{}/logged-in", app.url);
        Self {
            app,
            id,
            redirect_uri,
        }
    }

    pub fn challenge() -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()))
    }

    /// An authorization request with some parameters replaced, or left out where
    /// the value is empty.
    pub fn request(&self, replaced: &[(&str, &str)]) -> String {
        let challenge = Self::challenge();
        let mut parameters = vec![
            ("client_id", self.id),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", "code"),
            ("state", "the-state"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        replace(&mut parameters, replaced);
        let query: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        self.app.provider.url(&format!("/authorize?{query}"))
    }

    pub async fn code(&self) -> String {
        let callback = self.app.allow(&self.request(&[])).await;
        assert_eq!(parameter(&callback, "state"), "the-state");
        parameter(&callback, "code")
    }

    pub async fn token(&self, fields: &[(&str, &str)], replaced: &[(&str, &str)]) -> Answer {
        let mut all = vec![("client_id", self.id), ("client_secret", CLIENT_SECRET)];
        all.extend(fields);
        replace(&mut all, replaced);
        post_form(&self.app.provider.url("/token"), &all).await
    }

    pub async fn exchange(&self, code: &str, replaced: &[(&str, &str)]) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.token(&fields, replaced).await
    }

    pub async fn refresh(&self, refresh_token: &str, replaced: &[(&str, &str)]) -> Answer {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        self.token(&fields, replaced).await
    }

    pub async fn log_in(&self) -> (String, String) {
        let answer = self.exchange(&self.code().await, &[]).await.good();
        (
            field(&answer, "access_token"),
            field(&answer, "refresh_token"),
        )
    }

    pub async fn files(&self, access_token: &str) -> u16 {
        let bearer = format!("Bearer {access_token}");
        let files = get(
            &self.app.provider.url("/files"),
            &[("authorization", &bearer)],
        )
        .await;
        files.status.as_u16()
    }
}

fn replace<'a>(fields: &mut Vec<(&'a str, &'a str)>, replaced: &[(&'a str, &'a str)]) {
    fields.retain(|(name, _)| !replaced.iter().any(|(other, _)| name == other));
    fields.extend(replaced.iter().filter(|(_, value)| !value.is_empty()));
}

/// A text of an answer's JSON, or "".
pub fn field(answer: &Answer, name: &str) -> String {
    answer.json()[name].as_str().unwrap_or_default().to_owned()
}
