//! Requests that anybody can send without an AuthID, from any network.

use http::Request;

use super::{Answer, ScriptedProvider, TestApp, TestAppBuilder, form_request, get, send};

/// A login that was begun: what its callback must bring.
#[derive(Clone, Debug)]
pub struct BegunLogin {
    pub state: String,
    pub cookie: String,
}

/// An authseal that believes a test where its requests come from.
pub fn believing(provider: &ScriptedProvider) -> TestAppBuilder {
    TestApp::builder()
        .scripted(provider, "stable")
        .env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1")
}

/// A table for one more service, "revocable", of the same provider: it has a call that
/// revokes.
pub fn revocable(provider: &ScriptedProvider) -> String {
    format!(
        r#"
[provider.revocable]
name = "Test provider"
credentials = ["TEST_SCRIPTED"]
authorize_url = "https://provider.example/authorize"
token_url = "{}"
revoke_url = "{}"
refresh_tokens = "stable"
redirect_path = "/logged-in"

[service.revocable]
provider = "revocable"
name = "Test storage"
scope = "files"
"#,
        provider.url("/token"),
        provider.url("/revoke"),
    )
}

/// An address of another IPv4 /24 for each number.
pub fn elsewhere(number: usize) -> String {
    format!("10.{}.{}.7", number / 250, number % 250)
}

impl TestApp {
    /// Begins a login that leads to a provider's page.
    pub async fn begin(&self, service: &str) -> BegunLogin {
        let url = format!("{}/login?id={service}", self.url);
        let begun = get(&url, &[("x-forwarded-for", "10.0.0.1")]).await;
        assert_eq!(begun.status, 302, "{begun:?}");
        let cookie = begun.header("set-cookie").split(';').next().unwrap();
        let (_, query) = begun.header("location").split_once('?').unwrap();
        let mut query = form_urlencoded::parse(query.as_bytes());
        let (_, state) = query.find(|(name, _)| name == "state").unwrap();
        BegunLogin {
            state: state.into_owned(),
            cookie: cookie.to_owned(),
        }
    }

    /// The provider's callback with this code, from an address.
    pub async fn call_back(&self, login: &BegunLogin, code: &str, from: &str) -> Answer {
        let url = format!("{}/logged-in?state={}&code={code}", self.url, login.state);
        let headers = [("cookie", login.cookie.as_str()), ("x-forwarded-for", from)];
        get(&url, &headers).await
    }

    /// A whole login with a made-up code, from an address.
    pub async fn log_in_from(&self, service: &str, from: &str) -> Answer {
        let login = self.begin(service).await;
        self.call_back(&login, "a-code", from).await
    }

    /// Duplicati's request, from an address.
    pub async fn refresh_from(&self, authid: &str, from: &str) -> Answer {
        let headers = [("X-AuthID", authid), ("x-forwarded-for", from)];
        get(&format!("{}/refresh", self.url), &headers).await
    }

    /// A form, from an address.
    pub async fn post_from(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        cookie: &str,
        from: &str,
    ) -> Answer {
        let request = form_request(&format!("{}{path}", self.url), fields);
        let (mut head, body) = request.into_parts();
        head.headers.insert("cookie", cookie.parse().unwrap());
        head.headers
            .insert("x-forwarded-for", from.parse().unwrap());
        send(Request::from_parts(head, body)).await
    }
}
