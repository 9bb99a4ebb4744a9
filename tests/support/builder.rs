//! How a [`TestApp`] is made.

use std::time::Duration;

use authseal::{
    app::{App, Knobs, Listeners},
    clock::{Clock, UnixTime},
    config::Config,
    demo::{Application, DemoProvider},
    environment::Environment,
    listen::{Limits, Listener},
    provider::RetryPauses,
    telemetry::{self, LogFilter, LogFormat},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{ScriptedProvider, TestApp};

/// The demo provider's applications; each is a service of the same id too.
pub const APPLICATIONS: [&str; 2] = ["stable", "single-use"];

/// The secret of every application that authseal is given.
pub const CLIENT_SECRET: &str = "the-client-secret-of-the-tests";

/// What can differ from test to test.
pub struct TestAppBuilder {
    tables: String,
    environment: Vec<(String, String)>,
    knobs: Knobs,
    access_token_lifetime: Duration,
    listener: Option<TcpListener>,
}

impl Default for TestAppBuilder {
    fn default() -> Self {
        Self {
            tables: String::new(),
            environment: Vec::new(),
            knobs: Knobs {
                clock: Clock::manual(UnixTime(1_800_000_000)),
                retry_pauses: RetryPauses([Duration::from_millis(10), Duration::from_millis(20)]),
                ..Knobs::default()
            },
            access_token_lifetime: Duration::from_secs(3600),
            listener: None,
        }
    }
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

    /// One more service, "scripted", of a provider that does what the test says.
    pub fn scripted(self, provider: &ScriptedProvider, refresh_tokens: &str) -> Self {
        self.scripted_at(&provider.url("/token"), refresh_tokens)
    }

    /// The same with another token endpoint.
    pub fn scripted_at(self, token_url: &str, refresh_tokens: &str) -> Self {
        let authorize_url = "https://provider.example/authorize";
        self.tables(&table("scripted", refresh_tokens, authorize_url, token_url))
            .env("TEST_SCRIPTED_CLIENT_ID", "scripted")
            .env("TEST_SCRIPTED_CLIENT_SECRET", CLIENT_SECRET)
    }

    /// How long connections may wait.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.knobs.limits = limits;
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

    /// Where to serve, for a test that must know the port beforehand.
    pub fn listener(mut self, listener: TcpListener) -> Self {
        self.listener = Some(listener);
        self
    }

    pub async fn start(self) -> TestApp {
        log_if_asked();
        let any_port = || async { Listener::from(TcpListener::bind("127.0.0.1:0").await.unwrap()) };
        let listeners = Listeners {
            service: match self.listener {
                Some(listener) => listener.into(),
                None => any_port().await,
            },
            admin: any_port().await,
        };
        let url = format!("http://{}", listeners.service.address().unwrap());
        let admin_url = format!("http://{}", listeners.admin.address().unwrap());
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
        let demo_tables: String = APPLICATIONS.map(|id| demo_table(id, &provider)).concat();
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

pub(super) fn application(id: &str, url: &str) -> Application {
    Application {
        client_id: id.into(),
        client_secret: CLIENT_SECRET.into(),
        redirect_uri: format!("{url}/logged-in"),
        single_use_refresh_tokens: id == "single-use",
    }
}

pub(super) fn credentials_name(id: &str) -> String {
    format!("TEST_{}", id.to_uppercase().replace('-', "_"))
}

pub(super) fn demo_table(id: &str, provider: &DemoProvider) -> String {
    table(id, id, &provider.url("/authorize"), &provider.url("/token"))
}

/// One provider and one service, both of this id.
fn table(id: &str, refresh_tokens: &str, authorize_url: &str, token_url: &str) -> String {
    let credentials = credentials_name(id);
    format!(
        r#"
[provider.{id}]
name = "Test provider"
credentials = ["{credentials}"]
authorize_url = "{authorize_url}"
token_url = "{token_url}"
redirect_path = "/logged-in"
pkce = true
refresh_tokens = "{refresh_tokens}"

[service.{id}]
provider = "{id}"
name = "Test storage"
scope = "files"
manage_url = "https://provider.example/connected-apps"
rclone = {{ type = "drive", scope = "drive.file" }}
"#
    )
}

/// With AUTHSEAL_TEST_LOG set to a filter, everything that authseal logs in this
/// process goes to standard error, for tests/run to search for secrets.
fn log_if_asked() {
    if let Ok(filter) = std::env::var("AUTHSEAL_TEST_LOG") {
        let filter = LogFilter::parse(&filter).expect("AUTHSEAL_TEST_LOG is a filter");
        telemetry::start(&filter, LogFormat::Text);
    }
}
