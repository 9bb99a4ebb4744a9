//! How a [`TestApp`] is made.

use std::time::Duration;

use authseal::{
    app::{App, Knobs, Listeners},
    clock::{Clock, UnixTime},
    config::Config,
    environment::Environment,
    listen::{Limits, Listener},
    provider::RetryPauses,
    store::Disk,
    telemetry::{self, LogFilter, LogFormat},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    CLIENT_SECRET, ScriptedProvider, TestApp,
    demo_settings::{DemoSettings, demo_provider, table},
};

/// What can differ from test to test.
pub struct TestAppBuilder {
    tables: String,
    environment: Vec<(String, String)>,
    knobs: Knobs,
    access_token_lifetime: Duration,
    listener: Option<TcpListener>,
    host: &'static str,
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
            host: "127.0.0.1",
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

    /// Pauses before a refresh asks the provider again.
    pub fn retry_pauses(mut self, pauses: [Duration; 2]) -> Self {
        self.knobs.retry_pauses = RetryPauses(pauses);
        self
    }

    /// How long a provider is left alone that failed for several logins.
    pub fn breaker_rest(mut self, rest: Duration) -> Self {
        self.knobs.breaker_rest = rest;
        self
    }

    /// How long the demo provider's access tokens live.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = lifetime;
        self
    }

    /// The disk below a store in a folder.
    pub fn disk(mut self, disk: Disk) -> Self {
        self.knobs.disk = disk;
        self
    }

    /// Where to serve, for a test that must know the port beforehand.
    pub fn listener(mut self, listener: TcpListener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// The host of its public URL, where a browser finds it by that name. The URL of
    /// [`TestApp`] has the address.
    pub fn host(mut self, host: &'static str) -> Self {
        self.host = host;
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
        let public_url = url.replace("127.0.0.1", self.host);
        let provider = demo_provider(
            any_port().await,
            &public_url,
            self.access_token_lifetime,
            self.knobs.clock.clone(),
            provider_shutdown.clone(),
        );
        let mut settings = DemoSettings::new(&public_url, &provider, &self.tables);
        settings.environment.extend(self.environment);
        let config = Config::load(Environment::new(settings.environment)).unwrap();
        let clock = self.knobs.clock.clone();
        let app = App::start(config, listeners, self.knobs).await.unwrap();
        TestApp {
            app,
            url,
            admin_url,
            provider,
            clock,
            keys_dir: settings.keys_dir,
            provider_shutdown,
            _folder: settings.folder,
        }
    }
}

/// With AUTHSEAL_TEST_LOG set to a filter, everything that authseal logs in this
/// process goes to standard error, for tests/run to search for secrets.
fn log_if_asked() {
    if let Ok(filter) = std::env::var("AUTHSEAL_TEST_LOG") {
        let filter = LogFilter::parse(&filter).expect("AUTHSEAL_TEST_LOG is a filter");
        telemetry::start(&filter, LogFormat::Text);
    }
}
