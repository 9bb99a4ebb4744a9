//! Servers and providers in trouble, and what `/refresh` and `/token` answer there.

use std::{fs, num::NonZeroU16, time::Duration};

use authseal::{
    keyring::KeyFolder,
    seal::{Grant, Lineage, UseLimits},
};
use josekit::jwe::{Dir, JweHeader, serialize_compact};
use tokio::net::{TcpListener, TcpSocket};

use super::{
    busy::{breaker_open, draining, on_its_own_clock, overload},
    migrating,
};
use crate::support::{
    Answer, Installation, Piece, ScriptedProvider, ServerProcess, TestApp, TestAppBuilder, answer,
    get, post_form, tokens,
};

pub const REFRESH_TOKEN: &str = "never-print-refresh";
#[derive(Clone, Copy, Debug)]
pub enum Cause {
    NoAuthId,
    NotAnAuthId,
    Tampered,
    WrongService,
    UnknownKey,
    RetiredKey,
    Revoked,
    Expired,
    OutsideNetworks,
    UsedTooOften,
    /// It has a member that this version does not know.
    Newer,
    /// Status line and body of the provider's response.
    Provider(&'static str, &'static str),
    UnknownRegion,
    MissingKey,
    Unreachable,
    BreakerOpen,
    RateLimit,
    TooSlow,
    Overload,
    Draining,
    KeysAwaited,
    NotOffered,
    StoreAway,
    NewestRetired,
    OldBusy,
    OldUnreadable,
    TooManyOld,
}

/// What a client gets from both endpoints.
#[derive(Debug)]
pub struct Seen {
    /// The server's public address.
    pub server: String,
    /// The service that the AuthID names, if it names one.
    pub service: Option<&'static str>,
    pub refresh: Answer,
    pub token: Answer,
}

impl Seen {
    /// Asks both endpoints at `url`.
    async fn at(url: &str, authid: Option<&str>) -> Self {
        let header = authid.map(|authid| ("X-AuthID", authid));
        let mut form = vec![("grant_type", "refresh_token")];
        form.extend(authid.map(|authid| ("refresh_token", authid)));
        Self {
            server: url.into(),
            service: Some("scripted"),
            refresh: get(&format!("{url}/refresh"), header.as_slice()).await,
            token: post_form(&format!("{url}/token"), &form).await,
        }
    }

    /// Asks both endpoints at the same time.
    pub async fn at_once(app: &TestApp, authid: &str) -> Self {
        let form = [("grant_type", "refresh_token"), ("refresh_token", authid)];
        let token = format!("{}/token", app.url);
        let (refresh, token) = tokio::join!(app.refresh(authid), post_form(&token, &form));
        Self::with(app, refresh, token)
    }

    pub fn with(app: &TestApp, refresh: Answer, token: Answer) -> Self {
        Self {
            server: app.url.clone(),
            service: Some("scripted"),
            refresh,
            token,
        }
    }

    pub async fn of(app: &TestApp, authid: &str) -> Self {
        Self::at(&app.url, Some(authid)).await
    }

    async fn of_process(server: &ServerProcess, authid: &str) -> Self {
        Self {
            server: "http://localhost".into(),
            service: Some("stable"),
            ..Self::at(&server.url, Some(authid)).await
        }
    }

    pub fn naming(self, service: Option<&'static str>) -> Self {
        Self { service, ..self }
    }
}

impl Cause {
    /// Causes it, and asks.
    pub async fn seen(self) -> Seen {
        let good = ScriptedProvider::start(|_| tokens("never-print-access", None));
        let with = TestApp::builder().scripted(&good, "stable");
        match self {
            Self::NoAuthId => Seen::at(&with.start().await.url, None).await.naming(None),
            Self::NotAnAuthId => {
                let app = with.start().await;
                Seen::of(&app, "never-print-password").await.naming(None)
            }
            Self::Tampered => {
                let app = with.start().await;
                let authid = app.seal("scripted", REFRESH_TOKEN);
                let (head, tag) = authid.rsplit_once('.').unwrap();
                let other = if tag.starts_with('A') { 'B' } else { 'A' };
                Seen::of(&app, &format!("{head}.{other}{}", &tag[1..])).await
            }
            Self::WrongService => {
                let app = with.start().await;
                let authid = app.seal("scripted", REFRESH_TOKEN);
                let other = authid.replace(":scripted:", ":stable:");
                Seen::of(&app, &other).await.naming(Some("stable"))
            }
            Self::UnknownKey => {
                let elsewhere = TestApp::start().await;
                let authid = elsewhere.seal("scripted", REFRESH_TOKEN);
                Seen::of(&with.start().await, &authid).await
            }
            Self::RetiredKey => retired_key(&with.start().await).await,
            Self::Revoked => {
                let app = with.start().await;
                let authid = app.seal("scripted", REFRESH_TOKEN);
                let lineage = app.open(&authid).lineage.to_string();
                KeyFolder::new(&app.keys_dir)
                    .revoke(&lineage, None)
                    .unwrap();
                app.app.keyring.reload().unwrap();
                Seen::of(&app, &authid).await
            }
            Self::Provider(status, body) => {
                let provider = ScriptedProvider::start(move |_| provider_says(status, body));
                of_a_login(TestApp::builder().scripted(&provider, "stable")).await
            }
            Self::UnknownRegion => unknown_region(with).await,
            Self::MissingKey => missing_key().await,
            Self::Unreachable => {
                // Bound, so that no other test gets the port, but nobody listens.
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
                let url = format!("http://{}/token", socket.local_addr().unwrap());
                of_a_login(TestApp::builder().scripted_at(&url, "stable")).await
            }
            Self::BreakerOpen => on_its_own_clock(breaker_open).await,
            Self::RateLimit => {
                let app = with.env("AUTHSEAL_RATE_LIMIT", "1").start().await;
                let authid = app.seal("scripted", REFRESH_TOKEN);
                assert_eq!(app.refresh(&authid).await.status, 200);
                Seen::of(&app, &authid).await
            }
            Self::Expired => {
                let app = with.start().await;
                let until = Some(app.clock.now());
                limited(&app, UseLimits::new(until, [], None)).await
            }
            Self::OutsideNetworks => {
                let network = "192.0.2.0/24".parse().unwrap();
                limited(&with.start().await, UseLimits::new(None, [network], None)).await
            }
            Self::UsedTooOften => {
                let app = with.start().await;
                let limits = UseLimits::new(None, [], Some(NonZeroU16::MIN));
                limited(&app, limits.clone()).await;
                limited(&app, limits).await
            }
            Self::Newer => newer(&with.start().await).await,
            Self::TooSlow => {
                let silent = async || {
                    let silent = ScriptedProvider::start(|_| vec![Piece::Silence]);
                    of_a_login(TestApp::builder().scripted(&silent, "stable")).await
                };
                on_its_own_clock(silent).await
            }
            Self::Overload => on_its_own_clock(overload).await,
            Self::Draining => draining(with.start().await).await,
            Self::KeysAwaited => keys_awaited().await,
            Self::NotOffered => {
                let app = with.start().await;
                let authid = app.seal("dropbox", REFRESH_TOKEN);
                Seen::of(&app, &authid).await.naming(None)
            }
            Self::StoreAway => {
                let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let store = format!("redis://{}", silent.local_addr().unwrap());
                let with = TestApp::builder().scripted(&good, "single-use");
                of_a_login(with.env("AUTHSEAL_STORE_URL", &store)).await
            }
            Self::NewestRetired => newest_retired().await,
            Self::OldBusy => migrating::busy().await,
            Self::OldUnreadable => migrating::unreadable().await,
            Self::TooManyOld => migrating::too_many().await,
        }
    }
}

pub fn provider_says(status: &str, body: &str) -> Vec<Piece> {
    answer(status, "Content-Type: application/json\r\n", body)
}

async fn of_a_login(with: TestAppBuilder) -> Seen {
    let app = with.start().await;
    Seen::of(&app, &app.seal("scripted", REFRESH_TOKEN)).await
}

async fn retired_key(app: &TestApp) -> Seen {
    let authid = app.seal("scripted", REFRESH_TOKEN);
    let kid = app.app.keyring.current().iter().next().unwrap().kid.clone();
    new_key(app);
    retire(app, &kid);
    Seen::of(app, &authid).await
}

/// The key under which the newest single-use token is kept has been retired.
async fn newest_retired() -> Seen {
    let provider = ScriptedProvider::start(|_| tokens("never-print-access", Some("never-print-1")));
    let app = TestApp::builder().scripted(&provider, "single-use");
    let app = app.start().await;
    let authid = app.seal("scripted", REFRESH_TOKEN);
    let kid = new_key(&app);
    assert_eq!(app.refresh(&authid).await.status, 200);
    retire(&app, &kid);
    Seen::of(&app, &authid).await
}

/// An AuthID of one login with these limits.
async fn limited(app: &TestApp, limits: Option<UseLimits>) -> Seen {
    let login = app.open(&app.seal("scripted", REFRESH_TOKEN));
    let authid = app.reseal(&Grant {
        lineage: Lineage::derived(&["a limited login"]),
        terms: limits.unwrap().into_terms(),
        ..login
    });
    Seen::of(app, &authid).await
}

/// An AuthID as a later version may seal it: with a member that may be a limit.
async fn newer(app: &TestApp) -> Seen {
    let grant = app.open(&app.seal("scripted", REFRESH_TOKEN));
    let mut content = serde_json::to_value(&grant).unwrap();
    content["later"] = 1.into();
    let keys = app.app.keyring.current();
    let key = keys.sealing(app.clock.now()).unwrap();
    let mut header = JweHeader::new();
    header.set_content_encryption("A256GCM");
    header.set_key_id(&key.kid);
    let encrypter = Dir.encrypter_from_bytes(key.bytes()).unwrap();
    let content = content.to_string();
    let jwe = serialize_compact(content.as_bytes(), &header, &encrypter).unwrap();
    Seen::of(app, &format!("v2:scripted:{jwe}")).await
}

fn new_key(app: &TestApp) -> String {
    let folder = KeyFolder::new(&app.keys_dir);
    let key = folder.create_key(app.clock.now(), Duration::ZERO).unwrap();
    app.app.keyring.reload().unwrap();
    key.kid.clone()
}

fn retire(app: &TestApp, kid: &str) {
    let folder = KeyFolder::new(&app.keys_dir);
    folder.retire_key(kid, Some(app.clock.now())).unwrap();
    app.app.keyring.reload().unwrap();
}

/// The table has lost the region in which the account is.
async fn unknown_region(with: TestAppBuilder) -> Seen {
    let app = with.tables(
        r#"
[provider.regional]
name = "Test provider"
credentials = ["TEST_SCRIPTED"]
authorize_url = "https://provider.example/authorize"
token_url = "http://{region}/token"
refresh_tokens = "stable"
redirect_path = "/logged-in"

[provider.regional.region]
parameter = "place"
values = { known = "127.0.0.1:1" }

[service.regional]
provider = "regional"
name = "Test storage"
scope = "files"
"#,
    );
    let app = app.start().await;
    let mut grant = app.open(&app.seal("regional", REFRESH_TOKEN));
    grant.region = Some("elsewhere".into());
    let authid = app.reseal(&grant);
    Seen::of(&app, &authid).await.naming(Some("regional"))
}

/// One key of two is not there at the start.
async fn missing_key() -> Seen {
    let (installation, kid) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    installation.new_key(&[]).await;
    fs::remove_file(installation.key_path(&kid)).unwrap();
    Seen::of_process(&installation.serve().await, &authid).await
}

async fn keys_awaited() -> Seen {
    let (installation, kid) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    fs::remove_file(installation.key_path(&kid)).unwrap();
    Seen::of_process(&installation.serve().await, &authid).await
}
