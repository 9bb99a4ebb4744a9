//! One emulator for each provider family, on loopback. Each refuses exactly what
//! the real provider refuses (docs/providers says what that is), so a login that
//! works here asks for nothing that the real one would turn down.

mod books;
mod boxcom;
mod call;
mod dropbox;
mod google;
pub mod jottacloud;
pub mod microsoft;
pub mod pcloud;
mod plain;
mod visitor;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use authseal::{
    clock::Clock,
    listen::{Body, Handler, HttpServer, Peer},
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use books::{Books, CLIENT_ID, CLIENT_SECRET};
pub use call::{Call, Reply};
pub use visitor::{
    Emulated, credential_on, credentials, escaped, hidden_state, revoke_by_header, shipped,
};

type Answer = Result<Reply, Reply>;

/// An emulated provider: one of providers.toml, or one of which the tests bring the table.
pub struct Family {
    /// Its id there.
    pub provider: &'static str,
    answer: fn(&Books, &Call) -> Answer,
    /// What to lay over its table, given the host and port of the emulator.
    tables: fn(&str) -> String,
}

/// All emulated providers of providers.toml.
pub const FAMILIES: [&Family; 27] = [
    &google::FAMILY,
    &microsoft::FAMILY,
    &microsoft::LIVE_CONNECT,
    &dropbox::FAMILY,
    &boxcom::FAMILY,
    &jottacloud::JOTTACLOUD,
    &jottacloud::ELKJOP,
    &jottacloud::ELGIGANTEN_DK,
    &jottacloud::ELGIGANTEN_SE,
    &jottacloud::ELKO,
    &jottacloud::GIGANTTI,
    &jottacloud::LETSGO,
    &jottacloud::MEDIAMARKT,
    &jottacloud::ONLIME,
    &jottacloud::PHONERO,
    &jottacloud::TELE2,
    &jottacloud::TELIA_NO,
    &jottacloud::TELIA_SE,
    &pcloud::FAMILY,
    &plain::YANDEX,
    &plain::HIDRIVE,
    &plain::ZOHO,
    &plain::PREMIUMIZE_ME,
    &plain::PUT_IO,
    &plain::HUAWEI,
    &plain::SHAREFILE,
    &plain::OF_AN_ADMINISTRATOR,
];

/// What an endpoint does instead of its work.
#[derive(Clone, Debug)]
pub enum Fault {
    Answer(u16, String),
    /// No answer, ever.
    Silence,
    /// It works, tells the first, and answers when the second is told.
    Late(Arc<Notify>, Arc<Notify>),
    /// It works after some of this time, and answers after some more.
    Slow(Duration),
}

/// A running emulator; it ends when dropped.
pub struct Emulator {
    pub family: &'static Family,
    pub address: SocketAddr,
    desk: Arc<Desk>,
    _running: DropGuard,
}

struct Desk {
    family: &'static Family,
    books: Books,
    calls: Mutex<Vec<Call>>,
    /// By the end of the path.
    fault: Mutex<Option<(&'static str, Fault)>>,
}

impl Emulator {
    /// The emulator of the provider with this id.
    pub async fn start(provider: &str) -> Self {
        let family = FAMILIES.iter().find(|family| family.provider == provider);
        let family = family.unwrap_or_else(|| panic!("no emulator plays {provider}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Desk {
            family,
            books: Books::default(),
            calls: Mutex::default(),
            fault: Mutex::default(),
        });
        let shutdown = CancellationToken::new();
        tokio::spawn(HttpServer::plain(listener.into()).serve(desk.clone(), shutdown.clone()));
        Self {
            family,
            address,
            desk,
            _running: shutdown.drop_guard(),
        }
    }

    /// Registers the one client, with its one redirect URI.
    pub fn register(&self, redirect_uri: &str, clock: &Clock) {
        self.desk.books.register(redirect_uri, clock);
    }

    /// The tables that lead authseal here.
    pub fn tables(&self) -> String {
        (self.family.tables)(&self.address.to_string())
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn books(&self) -> &Books {
        &self.desk.books
    }

    /// Every call so far to a path that ends so.
    pub fn calls(&self, path: &str) -> Vec<Call> {
        let calls = self.desk.calls.lock().unwrap();
        let calls = calls.iter().filter(|call| call.path.ends_with(path));
        calls.cloned().collect()
    }

    /// From now on, the endpoint whose path ends so does this.
    pub fn fault(&self, path: &'static str, fault: Fault) {
        *self.desk.fault.lock().unwrap() = Some((path, fault));
    }

    /// From now on, that endpoint does its work, tells the first, and answers when the
    /// second is told.
    pub fn late(&self, path: &'static str) -> (Arc<Notify>, Arc<Notify>) {
        let (worked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        self.fault(path, Fault::Late(worked.clone(), go.clone()));
        (worked, go)
    }

    /// All endpoints work again.
    pub fn mend(&self) {
        *self.desk.fault.lock().unwrap() = None;
    }
}

impl Handler for Desk {
    async fn answer(&self, request: &Request<Body>, _peer: Peer) -> Response<Full<Bytes>> {
        self.serve(request).await.into()
    }
}

impl Desk {
    async fn serve(&self, request: &Request<Body>) -> Reply {
        let Some(call) = Call::read(request) else {
            return Reply::refuse(400, "invalid_request", "a parameter comes twice");
        };
        self.calls.lock().unwrap().push(call.clone());
        // Cloned, so that the lock is free while a silent endpoint waits.
        let fault = self.fault.lock().unwrap().clone();
        let work = || (self.family.answer)(&self.books, &call).unwrap_or_else(|refusal| refusal);
        match fault {
            Some((path, fault)) if call.path.ends_with(path) => match fault {
                Fault::Answer(status, body) => Reply::text(status, body),
                Fault::Silence => std::future::pending().await,
                Fault::Late(worked, go) => {
                    let reply = work();
                    worked.notify_one();
                    go.notified().await;
                    reply
                }
                Fault::Slow(longest) => {
                    let [before, behind] = random_parts(longest);
                    tokio::time::sleep(before).await;
                    let reply = work();
                    tokio::time::sleep(behind).await;
                    reply
                }
            },
            _ => work(),
        }
    }
}

/// Two random times, together no longer than this.
fn random_parts(longest: Duration) -> [Duration; 2] {
    let mut bits = [0; 2];
    SystemRandom::new().fill(&mut bits).unwrap();
    bits.map(|part| longest * u32::from(part) / 510)
}
