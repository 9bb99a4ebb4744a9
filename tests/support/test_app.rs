//! An authseal in this process, with the demo provider or one of the test's own.

use std::{collections::HashMap, time::Duration};

use authseal::{
    app::{App, Knobs, Listeners},
    clock::{Clock, UnixTime},
    config::{Config, Environment},
    demo::{Application, DemoProvider},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Answer, get, post_form};

/// The demo provider's applications; each is a service of the same id too.
pub const APPLICATIONS: [&str; 2] = ["stable", "single-use"];

const CLIENT_SECRET: &str = "the-client-secret-of-the-tests";

/// What can differ from test to test.
pub struct TestAppBuilder {
    tables: String,
    environment: Vec<(String, String)>,
    knobs: Knobs,
    access_token_lifetime: Duration,
}

/// A running authseal and its provider. Both end with it.
pub struct TestApp {
    pub app: App,
    pub url: String,
    pub admin_url: String,
    pub provider: DemoProvider,
    pub clock: Clock,
    pub keys_dir: std::path::PathBuf,
    provider_shutdown: CancellationToken,
    _folder: tempfile::TempDir,
}

impl TestApp {
    /// With the demo provider, and a clock that stands still.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    pub fn builder() -> TestAppBuilder {
        TestAppBuilder {
            tables: String::new(),
            environment: Vec::new(),
            knobs: Knobs {
                clock: Clock::manual(UnixTime(1_800_000_000)),
                ..Knobs::default()
            },
            access_token_lifetime: Duration::from_secs(3600),
        }
    }

    /// Logs in as a browser would, and returns the last page.
    pub async fn log_in(&self, service: &str) -> Answer {
        let begun = get(&format!("{}/login?id={service}", self.url), &[]).await;
        assert_eq!(begun.status, 302, "{begun:?}");
        let cookie = begun.header("set-cookie").split(';').next().unwrap();
        let callback = self.allow(begun.header("location")).await;
        get(&callback, &[("cookie", cookie)]).await
    }

    /// Presses "Allow" on the demo provider's consent page, and returns where it
    /// sends the browser.
    pub async fn allow(&self, authorization_request: &str) -> String {
        let consent = get(authorization_request, &[]).await;
        assert_eq!(consent.status, 200, "{consent:?}");
        let (_, query) = authorization_request.split_once('?').unwrap();
        let query: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let mut fields = vec![("decision", "allow")];
        for name in ["client_id", "redirect_uri", "state", "code_challenge"] {
            fields.push((name, &query[name]));
        }
        let decided = post_form(&self.provider.url("/authorize"), &fields).await;
        assert_eq!(decided.status, 303, "{decided:?}");
        decided.header("location").to_owned()
    }

    /// Logs in and takes the AuthID from the page.
    pub async fn authid(&self, service: &str) -> String {
        let page = self.log_in(service).await;
        assert_eq!(page.status, 200, "{page:?}");
        authid_on(&page.body)
    }

    /// `GET /refresh` as Duplicati sends it.
    pub async fn refresh(&self, authid: &str) -> Answer {
        get(&format!("{}/refresh", self.url), &[("X-AuthID", authid)]).await
    }

    /// Ends both, and returns when everything under way has finished.
    pub async fn stop(self) {
        self.provider_shutdown.cancel();
        self.app.stop().await;
    }
}

/// The AuthID that stands on a result page.
pub fn authid_on(page: &str) -> String {
    let start = page.find(">v2:").expect("no AuthID on the page") + 1;
    let length = page[start..].find('<').unwrap();
    page[start..start + length].to_owned()
}

impl TestAppBuilder {
    /// More tables for providers.toml.
    pub fn tables(mut self, tables: &str) -> Self {
        self.tables.push_str(tables);
        self
    }

    /// One more variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// How long one provider call may take.
    pub fn provider_deadline(mut self, deadline: Duration) -> Self {
        self.knobs.provider_deadline = deadline;
        self
    }

    /// How long the demo provider's access tokens live.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = lifetime;
        self
    }

    pub async fn start(self) -> TestApp {
        let any_port = || async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
        let listeners = Listeners {
            service: any_port().await,
            admin: any_port().await,
        };
        let url = format!("http://{}", listeners.service.local_addr().unwrap());
        let admin_url = format!("http://{}", listeners.admin.local_addr().unwrap());
        let provider_shutdown = CancellationToken::new();
        let provider = DemoProvider::start(
            any_port().await,
            APPLICATIONS.map(|id| application(id, &url)).into(),
            self.access_token_lifetime,
            self.knobs.clock.clone(),
            provider_shutdown.clone(),
        )
        .unwrap();

        let folder = tempfile::tempdir().unwrap();
        let keys_dir = folder.path().join("keys");
        let tables = folder.path().join("providers.toml");
        let demo_tables: String = APPLICATIONS.map(|id| table(id, &provider)).concat();
        std::fs::write(&tables, demo_tables + &self.tables).unwrap();
        let mut environment: Vec<(String, String)> = [
            ("AUTHSEAL_PUBLIC_URL", url.as_str()),
            ("AUTHSEAL_KEYS_DIR", keys_dir.to_str().unwrap()),
            ("AUTHSEAL_PROVIDERS", tables.to_str().unwrap()),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
        for id in APPLICATIONS {
            let name = credentials_name(id);
            environment.push((format!("{name}_CLIENT_ID"), id.into()));
            environment.push((format!("{name}_CLIENT_SECRET"), CLIENT_SECRET.into()));
        }
        environment.extend(self.environment);
        let config = Config::load(Environment::new(environment)).unwrap();
        let clock = self.knobs.clock.clone();
        let app = App::start(config, listeners, self.knobs).await.unwrap();
        TestApp {
            app,
            url,
            admin_url,
            provider,
            clock,
            keys_dir,
            provider_shutdown,
            _folder: folder,
        }
    }
}

fn application(id: &str, url: &str) -> Application {
    Application {
        client_id: id.into(),
        client_secret: CLIENT_SECRET.into(),
        redirect_uri: format!("{url}/logged-in"),
        single_use_refresh_tokens: id == "single-use",
    }
}

fn credentials_name(id: &str) -> String {
    format!("TEST_{}", id.to_uppercase().replace('-', "_"))
}

fn table(id: &str, provider: &DemoProvider) -> String {
    format!(
        r#"
[provider.{id}]
name = "Test provider"
credentials = ["{credentials}"]
authorize_url = "{authorize}"
token_url = "{token}"
revoke_url = "{revoke}"
pkce = true
refresh_tokens = "{id}"

[service.{id}]
provider = "{id}"
name = "Test storage"
scope = "files"
"#,
        credentials = credentials_name(id),
        authorize = provider.url("/authorize"),
        token = provider.url("/token"),
        revoke = provider.url("/revoke"),
    )
}
