//! What one administrator has: a keys folder, settings, and authseal's servers and
//! commands as processes of their own. The demo provider is in this process.

use std::{path::PathBuf, time::Duration};

use authseal::{
    clock::Clock,
    demo::DemoProvider,
    keyring::{CurrentKeys, KeySource, Keyring, Passphrase},
    seal,
    secret::Secret,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    Answer, Finished, Program, Scrape,
    demo_settings::{DemoSettings, demo_provider},
    get, run, run_with_input,
};

pub struct Installation {
    pub keys_dir: PathBuf,
    pub provider: DemoProvider,
    environment: Vec<(String, String)>,
    /// Remembers what it opened.
    passphrase: Option<Passphrase>,
    folder: tempfile::TempDir,
}

impl Installation {
    /// With a keys folder that does not exist yet.
    pub async fn new(access_token_lifetime: Duration) -> Self {
        let url = "http://localhost";
        let provider = demo_provider(
            TcpListener::bind("127.0.0.1:0").await.unwrap().into(),
            url,
            access_token_lifetime,
            Clock::system(),
            CancellationToken::new(),
        );
        let mut settings = DemoSettings::new(url, &provider, "");
        for name in ["AUTHSEAL_LISTEN", "AUTHSEAL_ADMIN_LISTEN"] {
            let any_port = (name.into(), "127.0.0.1:0".into());
            settings.environment.push(any_port);
        }
        Self {
            keys_dir: settings.keys_dir,
            provider,
            environment: settings.environment,
            passphrase: None,
            folder: settings.folder,
        }
    }

    /// From now on servers and commands have this passphrase.
    pub fn set_passphrase(&mut self, text: &str) {
        self.set("AUTHSEAL_KEYS_PASSPHRASE", text);
        self.passphrase = Some(Passphrase::new(Secret::new(text)));
    }

    /// With one key, and a store in a folder that does not exist yet.
    pub async fn with_store(access_token_lifetime: Duration) -> Self {
        let mut installation = Self::new(access_token_lifetime).await;
        installation.new_key(&[]).await;
        let url = format!("file:{}", installation.store_dir().display());
        installation.set("AUTHSEAL_STORE_URL", &url);
        installation
    }

    /// The folder of the store.
    pub fn store_dir(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// From now on servers and commands have this setting.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(set, _)| set != name);
        self.environment.push((name.into(), value.into()));
    }

    /// With one key.
    pub async fn with_key() -> (Self, String) {
        let installation = Self::new(Duration::from_secs(3600)).await;
        let kid = installation.new_key(&[]).await;
        (installation, kid)
    }

    /// Has the servers and commands that start from now on call this token endpoint.
    pub fn have_token_url(&self, url: &str) {
        let named = |(name, _): &&(String, String)| name == "AUTHSEAL_PROVIDERS";
        let (_, tables) = self.environment.iter().find(named).unwrap();
        let text = std::fs::read_to_string(tables).unwrap();
        std::fs::write(tables, text.replace(&self.provider.url("/token"), url)).unwrap();
    }

    pub fn environment(&self) -> Vec<(&str, &str)> {
        let pairs = self.environment.iter();
        pairs
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    /// Starts a server, and waits until it serves.
    pub async fn serve(&self) -> ServerProcess {
        ServerProcess::start(&self.environment()).await
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Finished {
        run(arguments, &self.environment()).await.into()
    }

    pub async fn run_with_input(&self, arguments: &[&str], input: &str) -> Finished {
        let environment = self.environment();
        run_with_input(arguments, &environment, input).await.into()
    }

    /// `keys new`; returns the kid.
    pub async fn new_key(&self, arguments: &[&str]) -> String {
        let command = [&["keys", "new", "--json"], arguments].concat();
        let made = self.run(&command).await;
        made.json()["kid"].as_str().unwrap().to_owned()
    }

    /// The keys as they stand in the folder.
    pub fn keys(&self) -> CurrentKeys {
        self.keyring().current()
    }

    fn keyring(&self) -> Keyring {
        let source = KeySource::Folder(self.keys_dir.clone());
        Keyring::load_protected(source, self.passphrase.clone()).unwrap()
    }

    /// The kid of the oldest key.
    pub fn kid(&self) -> String {
        self.keys().iter().next().unwrap().kid.clone()
    }

    pub fn key_path(&self, kid: &str) -> PathBuf {
        self.keys_dir.join(format!("{kid}.jwk"))
    }

    /// An AuthID of a new login.
    pub fn log_in(&self, service: &str) -> String {
        let refresh_token = self.provider.issue_refresh_token(service).unwrap();
        super::seal(
            &self.keyring(),
            Clock::system().now(),
            service,
            &refresh_token,
        )
    }

    /// The same with limits and names.
    pub fn log_in_named(&self, service: &str, terms: seal::Terms) -> String {
        let grant = seal::Grant {
            terms: Some(terms.into()),
            ..self.open(&self.log_in(service)).grant
        };
        let authid = seal::seal(&self.keys(), Clock::system().now(), &grant).unwrap();
        authid.expose().to_owned()
    }

    pub fn open(&self, authid: &str) -> seal::Opened {
        seal::open(&self.keys(), Clock::system().now(), authid).unwrap()
    }

    /// The lineage of an AuthID, as revoked.txt has it.
    pub fn lineage(&self, authid: &str) -> String {
        self.open(authid).grant.lineage.to_string()
    }
}

/// `authseal serve`. It is killed when this is dropped.
pub struct ServerProcess {
    pub program: Program,
    pub url: String,
    pub admin_url: String,
}

impl ServerProcess {
    /// Waits until it serves.
    pub async fn start(environment: &[(&str, &str)]) -> Self {
        Self::serving(Program::start(&["serve"], environment)).await
    }

    /// Starts a shell's script that ends in `exec "$AUTHSEAL" serve`, and waits until it
    /// serves.
    pub async fn of_script(script: &str, environment: &[(&str, &str)]) -> Self {
        Self::serving(Program::of_script(script, environment)).await
    }

    async fn serving(program: Program) -> Self {
        let addresses = program.says("serving http://localhost on ").await;
        let (service, admin) = addresses.split_once(", health on ").unwrap();
        Self {
            url: format!("http://{service}"),
            admin_url: format!("http://{admin}"),
            program,
        }
    }

    pub async fn refresh(&self, authid: &str) -> Answer {
        get(&format!("{}/refresh", self.url), &[("X-AuthID", authid)]).await
    }

    pub async fn scrape(&self) -> Scrape {
        Scrape::of(&self.admin_url).await
    }

    /// Waits until it has the key, in whichever state.
    pub async fn knows_key(&self, kid: &str) {
        super::eventually(&format!("{kid} is known"), async || {
            (!self.scrape().await.key_state(kid).is_empty()).then_some(())
        })
        .await;
    }

    /// Waits until it has the key in this state, "" for not at all.
    pub async fn has_key(&self, kid: &str, state: &str) {
        let what = format!("{kid} is {state:?}");
        super::eventually(&what, async || {
            (self.scrape().await.key_state(kid) == state).then_some(())
        })
        .await;
    }
}
