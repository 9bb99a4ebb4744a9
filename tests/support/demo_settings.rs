//! The demo provider of the tests, and the settings of an authseal that knows it.

use std::{path::PathBuf, time::Duration};

use authseal::{
    clock::Clock,
    demo::{Application, DemoProvider},
    listen::Listener,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The demo provider's applications; each is a service of the same id too.
pub const APPLICATIONS: [&str; 2] = ["stable", "single-use"];

/// The secret of every application that authseal is given.
pub const CLIENT_SECRET: &str = "the-client-secret-of-the-tests";

/// A folder with a providers.toml, and the settings that lead there.
pub(super) struct DemoSettings {
    pub(super) folder: TempDir,
    /// Does not exist yet.
    pub(super) keys_dir: PathBuf,
    pub(super) environment: Vec<(String, String)>,
}

impl DemoSettings {
    pub(super) fn new(public_url: &str, provider: &DemoProvider, more_tables: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys_dir = folder.path().join("keys");
        let tables = folder.path().join("providers.toml");
        std::fs::write(&tables, demo_tables(provider) + more_tables).unwrap();
        let mut environment: Vec<(String, String)> = [
            ("AUTHSEAL_PUBLIC_URL", public_url),
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
        Self {
            folder,
            keys_dir,
            environment,
        }
    }
}

/// A demo provider for the authseal at this address.
pub(super) fn demo_provider(
    listener: Listener,
    url: &str,
    access_token_lifetime: Duration,
    clock: Clock,
    shutdown: CancellationToken,
) -> DemoProvider {
    let applications = APPLICATIONS.map(|id| Application {
        client_id: id.into(),
        client_secret: CLIENT_SECRET.into(),
        redirect_uri: format!("{url}/logged-in"),
        single_use_refresh_tokens: id == "single-use",
    });
    let applications = applications.into();
    DemoProvider::start(
        listener,
        applications,
        access_token_lifetime,
        clock,
        shutdown,
    )
    .unwrap()
}

/// The tables of providers.toml for them.
pub(super) fn demo_tables(provider: &DemoProvider) -> String {
    let (authorize_url, token_url) = (provider.url("/authorize"), provider.url("/token"));
    APPLICATIONS
        .map(|id| table(id, id, &authorize_url, &token_url))
        .concat()
}

fn credentials_name(id: &str) -> String {
    format!("TEST_{}", id.to_uppercase().replace('-', "_"))
}

/// One provider and one service, both of this id.
pub(super) fn table(
    id: &str,
    refresh_tokens: &str,
    authorize_url: &str,
    token_url: &str,
) -> String {
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
