//! `authseal demo`: runs authseal and a demo provider on one machine.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{CliError, StopSignals, output::say};
use crate::{
    app::{App, Knobs, Listeners},
    clock::Clock,
    config::Config,
    demo::{Application, DemoMemory, DemoProvider},
    environment::Environment,
    keyring::Jwk,
    listen::ListenAddress,
    telemetry,
};

/// Lifetime of access tokens: short, so that a user can watch one being replaced.
const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(120);
const CLIENT_SECRET: &str = "demo-secret";

/// File in which the provider of a demo with `--store` keeps its grants.
const PROVIDER_MEMORY: &str = "provider.json";

/// Arguments of `authseal demo`. Its ports are on 127.0.0.1.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Port of authseal; 0 takes any that is free
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Port of the built-in provider; 0 takes any that is free
    #[arg(long, default_value_t = 8090)]
    provider_port: u16,
    /// Folder for a key and a store: logins outlive a restart of this demo
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

pub(super) async fn demo(arguments: DemoArguments, signals: StopSignals) -> Result<(), CliError> {
    let clock = Clock::system();
    let shutdown = CancellationToken::new();

    let at_port = |port| ListenAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], port)));
    let provider_address = at_port(arguments.provider_port);
    let provider_listener = provider_address.bind("--provider-port").await?;
    let service = at_port(arguments.port).bind("--port").await?;
    // The system chooses a port for 0.
    let address = service.address();
    let port = address.map_or(arguments.port, |address| address.port());
    let public_url = format!("http://localhost:{port}");
    let listeners = Listeners {
        service,
        admin: at_port(0).bind("any port").await?,
    };
    let applications = ["demo", "demo-single-use"].map(|client_id| Application {
        client_id: client_id.into(),
        client_secret: CLIENT_SECRET.into(),
        redirect_uri: format!("{public_url}/logged-in/{client_id}"),
        single_use_refresh_tokens: client_id == "demo-single-use",
    });
    let provider = DemoProvider::start(
        provider_listener,
        applications.into(),
        ACCESS_TOKEN_LIFETIME,
        clock.clone(),
        shutdown.clone(),
    )?;

    let mut tables = tempfile::NamedTempFile::new()?;
    tables.write_all(self::tables(&provider).as_bytes())?;
    let folder = arguments.store.map(DemoFolder::open).transpose()?;
    let kept = match &folder {
        Some(folder) => {
            provider.remember(folder.provider_memory()?);
            folder.settings()
        }
        None => {
            let key = Jwk::generate(clock.now(), Duration::ZERO).to_json();
            let keys = format!("{{\"keys\":[{}]}}", key.expose());
            vec![("AUTHSEAL_KEYS", keys)]
        }
    };
    let kept = kept.iter().map(|(name, value)| (*name, value.as_str()));
    let config = Config::load(Environment::new(kept.chain([
        ("AUTHSEAL_PUBLIC_URL", public_url.as_str()),
        ("AUTHSEAL_PROVIDERS", &tables.path().to_string_lossy()),
        ("AUTHSEAL_SERVICES", "demo,demo-single-use"),
        ("AUTHSEAL_DISPLAY_NAME", "authseal demo"),
        ("DEMO_CLIENT_ID", "demo"),
        ("DEMO_CLIENT_SECRET", CLIENT_SECRET),
        ("DEMO_SINGLE_USE_CLIENT_ID", "demo-single-use"),
        ("DEMO_SINGLE_USE_CLIENT_SECRET", CLIENT_SECRET),
    ])))?;
    telemetry::start(&config.log.filter, config.log.format);
    telemetry::report_panics();
    let app = App::start(config, listeners, Knobs::default()).await?;

    print_what_to_do(&public_url, &provider, folder.as_ref());
    signals.asked().await;
    // The provider answers the calls that are under way.
    signals.stop(app).await;
    shutdown.cancel();
    match folder {
        Some(folder) => folder.keep(&provider),
        None => Ok(()),
    }
}

/// The folder of a demo that can be started again: a key, a store, and what the provider
/// knows.
struct DemoFolder {
    path: PathBuf,
}

impl DemoFolder {
    fn open(path: PathBuf) -> Result<Self, CliError> {
        let path = std::path::absolute(path)?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|error| cannot(&path, &error))?;
        Ok(Self { path })
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let store = Url::from_file_path(self.path.join("store"));
        let store = store.map_or_else(|()| String::new(), String::from);
        let keys = self.path.join("keys").to_string_lossy().into_owned();
        vec![("AUTHSEAL_KEYS_DIR", keys), ("AUTHSEAL_STORE_URL", store)]
    }

    fn provider_memory(&self) -> Result<DemoMemory, CliError> {
        let path = self.path.join(PROVIDER_MEMORY);
        match fs::read(&path) {
            Ok(json) => Ok(serde_json::from_slice(&json).map_err(|error| cannot(&path, &error))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(DemoMemory::default()),
            Err(error) => Err(cannot(&path, &error)),
        }
    }

    fn keep(self, provider: &DemoProvider) -> Result<(), CliError> {
        let path = self.path.join(PROVIDER_MEMORY);
        let json = serde_json::to_vec(&provider.memory())?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = options
            .open(&path)
            .and_then(|mut file| file.write_all(&json));
        written.map_err(|error| cannot(&path, &error))
    }
}

fn cannot(path: &Path, error: &dyn std::fmt::Display) -> CliError {
    format!("{} cannot be used: {error}", path.display()).into()
}

/// Returns the tables of the demo provider as an administrator would write them.
fn tables(provider: &DemoProvider) -> String {
    let table = |id: &str, credentials: &str, name: &str, refresh_tokens: &str| {
        format!(
            r#"
[provider.{id}]
name = "Demo provider"
credentials = ["{credentials}"]
authorize_url = "{authorize}"
token_url = "{token}"
revoke_url = "{revoke}"
pkce = true
refresh_tokens = "{refresh_tokens}"

[service.{id}]
provider = "{id}"
name = "{name}"
scope = "files"
"#,
            authorize = provider.url("/authorize"),
            token = provider.url("/token"),
            revoke = provider.url("/revoke"),
        )
    };
    table("demo", "DEMO", "Demo storage", "stable")
        + &table(
            "demo-single-use",
            "DEMO_SINGLE_USE",
            "Demo storage (single-use tokens)",
            "single-use",
        )
}

fn print_what_to_do(public_url: &str, provider: &DemoProvider, folder: Option<&DemoFolder>) {
    let end = match folder {
        None => "The key of this demo is only in memory: its AuthIDs end with it.".to_owned(),
        Some(folder) => format!(
            "Stop it and start it again: AuthIDs of both services still work. The key, the store and\n\
             what the provider knows are in {}.",
            folder.path.display()
        ),
    };
    say!(
        "
authseal is running, with a provider of its own. Nothing leaves this machine.

  1. Open {public_url} , choose Demo storage, press Allow, and copy the AuthID.

  2. Trade it for an access token, as Duplicati does:

       curl -H 'X-AuthID: PASTE-IT-HERE' {public_url}/refresh

  3. See that the provider accepts the access token:

       curl -H 'Authorization: Bearer ACCESS-TOKEN' {}

{end} Ctrl-C stops.
",
        provider.url("/files")
    );
}
