//! Replicas of one authseal: the same keys, providers and store.

use std::path::PathBuf;

use authseal::{
    clock::Clock,
    keyring::{KeyFolder, KeySource, Keyring},
};
use http::Request;
use tempfile::TempDir;

use crate::support::{
    Answer, Client, ServerProcess, emulators::Emulator, emulators::credentials, free_port, seal,
};

/// The settings that all replicas have, and the providers that they ask.
pub struct Fleet {
    pub emulators: Vec<Emulator>,
    pub keys_dir: PathBuf,
    pub kid: String,
    pub clock: Clock,
    environment: Vec<(String, String)>,
    _folder: TempDir,
}

/// One of them, which keeps its port over a restart.
pub struct Replica {
    pub port: u16,
    pub process: ServerProcess,
}

/// Somebody's login: what is in their settings.
#[derive(Clone)]
pub struct Login {
    pub grant: u64,
    pub authid: String,
}

impl Fleet {
    /// With one key, and the emulators of these providers, whose access tokens are
    /// never cached.
    pub async fn new(providers: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys_dir = folder.path().join("keys");
        let clock = Clock::system();
        std::fs::create_dir(&keys_dir).unwrap();
        let key = KeyFolder::new(&keys_dir).create_key(clock.now(), std::time::Duration::ZERO);
        let kid = key.unwrap().kid;
        let tables = folder.path().join("providers.toml");
        let mut environment = vec![
            ("AUTHSEAL_PUBLIC_URL".into(), "http://localhost".into()),
            ("AUTHSEAL_ADMIN_LISTEN".into(), "127.0.0.1:0".into()),
            ("AUTHSEAL_KEYS_DIR".into(), keys_dir.display().to_string()),
            ("AUTHSEAL_PROVIDERS".into(), tables.display().to_string()),
        ];
        let mut emulators = Vec::new();
        let mut text = String::new();
        for provider in providers {
            let emulator = Emulator::start(provider).await;
            emulator.register("http://localhost/logged-in", &clock);
            emulator.books().shorten_access_tokens(30);
            text.push_str(&emulator.tables());
            environment.extend(credentials(provider));
            emulators.push(emulator);
        }
        std::fs::write(&tables, text).unwrap();
        Self {
            emulators,
            keys_dir,
            kid,
            clock,
            environment,
            _folder: folder,
        }
    }

    /// A server with that store, or with its own memory.
    pub async fn replica(&self, store_url: Option<&str>) -> Replica {
        let port = free_port();
        let process = self.start(port, store_url, &[]).await;
        Replica { port, process }
    }

    /// The same with more variables.
    pub async fn start(
        &self,
        port: u16,
        store_url: Option<&str>,
        more: &[(&str, &str)],
    ) -> ServerProcess {
        let listen = format!("127.0.0.1:{port}");
        let mut environment: Vec<(&str, &str)> = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        environment.push(("AUTHSEAL_LISTEN", &listen));
        if let Some(url) = store_url {
            environment.push(("AUTHSEAL_STORE_URL", url));
        }
        environment.extend(more);
        ServerProcess::start(&environment).await
    }

    pub fn emulator(&self, provider: &str) -> &Emulator {
        let mut emulators = self.emulators.iter();
        let found = emulators.find(|emulator| emulator.family.provider == provider);
        found.expect("it was started")
    }

    /// A new login at Box or Jottacloud.
    pub fn log_in(&self, provider: &str) -> Login {
        let books = self.emulator(provider).books();
        let grant = books.new_grant();
        let token = books.new_refresh_token(grant, 64, 60);
        let service = if provider == "box" {
            "box.com"
        } else {
            provider
        };
        let keyring = Keyring::load(KeySource::Folder(self.keys_dir.clone())).unwrap();
        let authid = seal(&keyring, self.clock.now(), service, &token);
        Login { grant, authid }
    }

    /// How often any provider was sent a token that had been used.
    pub fn replays(&self) -> u64 {
        let replays = self.emulators.iter();
        replays.map(|emulator| emulator.books().replays()).sum()
    }
}

/// `GET /refresh`.
pub async fn refresh(client: &Client, url: &str, authid: &str) -> Answer {
    let request = Request::get(format!("{url}/refresh")).header("X-AuthID", authid);
    client.send(request.body(Default::default()).unwrap()).await
}
