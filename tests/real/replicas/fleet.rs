//! Replicas of one authseal: the same keys, providers and store.

use std::path::PathBuf;

use authseal::{
    app::{App, Knobs, Listeners},
    clock::Clock,
    config::Config,
    environment::Environment,
    keyring::{KeyFolder, KeySource, Keyring},
};
use http::Request;
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::nginx::Nginx;
use crate::support::{
    Answer, Client, Scrape, ServerProcess, emulators::Emulator, emulators::credentials, eventually,
    form_request, free_port, seal,
};

/// The settings that all replicas have, and the providers that they ask.
pub struct Fleet {
    pub emulators: Vec<Emulator>,
    pub keys_dir: PathBuf,
    pub kid: String,
    pub clock: Clock,
    environment: Vec<(String, String)>,
    folder: TempDir,
}

/// One of them, which keeps its port over a restart.
pub struct Replica {
    pub port: u16,
    pub process: ServerProcess,
}

/// One of them in this process, for what only tests change. It ends with the test.
pub struct InProcess {
    _app: App,
    pub url: String,
    pub admin_url: String,
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
        Self::with(providers, "").await
    }

    /// The same with something added to the table of each.
    pub async fn with(providers: &[&str], more: &str) -> Self {
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
            text.push_str(more);
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
            folder,
        }
    }

    /// A server with that store, or with its own memory.
    pub async fn replica(&self, store_url: Option<&str>) -> Replica {
        let port = free_port();
        let process = self.start(port, store_url, &[]).await;
        Replica { port, process }
    }

    /// Two servers with that store, and an nginx in front of them.
    pub async fn two_behind_nginx(&self, store_url: &str) -> (Vec<Replica>, Nginx) {
        let replicas = vec![
            self.replica(Some(store_url)).await,
            self.replica(Some(store_url)).await,
        ];
        let nginx = Nginx::start(&[replicas[0].port, replicas[1].port]).await;
        (replicas, nginx)
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

    /// A server in this process.
    pub async fn in_process(
        &self,
        store_url: &str,
        knobs: Knobs,
        more: &[(&str, &str)],
    ) -> InProcess {
        let mut environment = self.environment.clone();
        environment.push(("AUTHSEAL_STORE_URL".into(), store_url.into()));
        let more = more.iter();
        environment.extend(more.map(|&(name, value)| (name.into(), value.into())));
        let config = Config::load(Environment::new(environment)).unwrap();
        let any_port = || async { TcpListener::bind("127.0.0.1:0").await.unwrap().into() };
        let listeners = Listeners {
            service: any_port().await,
            admin: any_port().await,
        };
        let app = App::start(config, listeners, knobs).await.unwrap();
        InProcess {
            url: format!("http://{}", app.address.unwrap()),
            admin_url: format!("http://{}", app.admin_address.unwrap()),
            _app: app,
        }
    }

    /// A file of tables in which this provider is reached at another port.
    pub fn tables_by(&self, provider: &str, port: u16) -> String {
        let emulator = self.emulator(provider);
        let tables = emulator.tables();
        let tables = tables.replace(&emulator.address.to_string(), &format!("127.0.0.1:{port}"));
        let path = self.folder.path().join(format!("by-{port}.toml"));
        std::fs::write(&path, tables).unwrap();
        path.display().to_string()
    }

    pub fn emulator(&self, provider: &str) -> &Emulator {
        let mut emulators = self.emulators.iter();
        let found = emulators.find(|emulator| emulator.family.provider == provider);
        found.expect("it was started")
    }

    /// A new login at one of the providers.
    pub fn log_in(&self, provider: &str) -> Login {
        let books = self.emulator(provider).books();
        let grant = books.new_grant();
        let token = books.new_refresh_token(grant, 64, 60);
        let service = match provider {
            "box" => "box.com",
            "google" => "googledrive",
            provider => provider,
        };
        let keyring = Keyring::load(KeySource::Folder(self.keys_dir.clone())).unwrap();
        let authid = seal(&keyring, self.clock.now(), service, &token);
        Login { grant, authid }
    }

    /// Waits until this server gives a token, by and by: it may have to wait for another one, or
    /// for Redis.
    pub async fn refreshes_again(&self, url: &str, login: &Login) {
        eventually("it refreshes again", async || {
            let answer = refresh(&Client::new(), url, &login.authid).await;
            assert!([200, 503].contains(&answer.status.as_u16()), "{answer:?}");
            (answer.status == 200).then_some(())
        })
        .await;
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

/// Sends a request and does not wait for its answer.
pub async fn send_only(url: &str, request_line: &str, authid: &str) -> TcpStream {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{request_line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\
         X-AuthID: {authid}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// `POST /revoked` as a script sends it.
pub async fn revoke(client: &Client, url: &str, authid: &str) -> Answer {
    post(client, &format!("{url}/revoked"), authid).await
}

/// `POST /renewed` likewise.
pub async fn renew(client: &Client, url: &str, authid: &str) -> Answer {
    post(client, &format!("{url}/renewed"), authid).await
}

/// `POST /oauth2/revoke` as an OAuth library sends it.
pub async fn revoke_token(client: &Client, url: &str, authid: &str) -> Answer {
    let url = format!("{url}/oauth2/revoke");
    client.send(form_request(&url, &[("token", authid)])).await
}

async fn post(client: &Client, url: &str, authid: &str) -> Answer {
    let request = Request::post(url).header("X-AuthID", authid);
    client.send(request.body(Default::default()).unwrap()).await
}

impl InProcess {
    pub async fn scrape(&self) -> Scrape {
        Scrape::of(&self.admin_url).await
    }
}
