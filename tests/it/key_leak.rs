//! `authseal keys replace --leaked`, against a thief who has an AuthID and hurries.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use authseal::keyring::KeyFolder;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Answer, Client, Gate, Installation, Piece, ScriptedProvider, ServerProcess, TestApp,
    eventually, form_request, tokens,
};

/// Handed out once: every refresh is one at the provider.
const NEVER_CACHED: Duration = Duration::from_secs(1);
/// Connections of the thief to each server, each in a hurry.
const AT_ONCE: usize = 8;

/// Trades stolen AuthIDs, and all that it gets for them, as fast as it can.
struct Thief {
    loot: Mutex<BTreeSet<String>>,
    granted: AtomicU64,
    refused: AtomicU64,
    stop: CancellationToken,
}

impl Thief {
    fn with(stolen: impl IntoIterator<Item = String>) -> Arc<Self> {
        Arc::new(Self {
            loot: Mutex::new(stolen.into_iter().collect()),
            granted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            stop: CancellationToken::new(),
        })
    }

    fn start(self: &Arc<Self>, urls: &[String]) -> JoinSet<()> {
        let mut connections = JoinSet::new();
        for url in urls {
            for number in 0..AT_ONCE {
                connections.spawn(self.clone().trade_at(url.clone(), number));
            }
        }
        connections
    }

    async fn trade_at(self: Arc<Self>, url: String, start: usize) {
        let http = Client::new();
        for turn in start.. {
            if self.stop.is_cancelled() {
                return;
            }
            let authid = {
                let loot = self.loot.lock().unwrap();
                loot.iter().nth(turn % loot.len()).unwrap().clone()
            };
            let answer = http.send(request(&url, turn % 3, &authid)).await;
            match answer.status.as_u16() {
                200 => {
                    self.granted.fetch_add(1, Ordering::SeqCst);
                    self.loot.lock().unwrap().extend(authid_in(&answer));
                }
                _ => drop(self.refused.fetch_add(1, Ordering::SeqCst)),
            }
        }
    }

    async fn goes_on(&self, what: &str, count: &AtomicU64, more: u64) {
        let enough = count.load(Ordering::SeqCst) + more;
        let is_enough = async || (count.load(Ordering::SeqCst) >= enough).then_some(());
        eventually(what, is_enough).await;
    }

    /// Everything that it has is refused everywhere.
    async fn has_nothing_that_opens(&self, urls: &[String]) {
        let loot = self.loot.lock().unwrap().clone();
        println!("{} AuthIDs from {:?} refreshes", loot.len(), self.granted);
        for url in urls {
            for authid in &loot {
                for door in 0..3 {
                    let answer = Client::new().send(request(url, door, authid)).await;
                    assert!([400, 401].contains(&answer.status.as_u16()), "{answer:?}");
                    assert_eq!(authid_in(&answer), None);
                }
            }
        }
    }
}

/// The doors by which an AuthID comes in for another: /refresh, /token, /renewed.
fn request(url: &str, door: usize, authid: &str) -> Request<Full<Bytes>> {
    match door {
        0 => {
            let request = Request::get(format!("{url}/refresh")).header("X-AuthID", authid);
            request.body(Full::default()).unwrap()
        }
        1 => {
            let form = [("grant_type", "refresh_token"), ("refresh_token", authid)];
            form_request(&format!("{url}/token"), &form)
        }
        _ => {
            let mut request = form_request(&format!("{url}/renewed"), &[]);
            let headers = request.headers_mut();
            headers.insert("X-AuthID", authid.parse().unwrap());
            headers.insert("accept", "application/json".parse().unwrap());
            request
        }
    }
}

/// The AuthID in an answer, whichever door gave it.
fn authid_in(answer: &Answer) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
    ["v2_authid", "refresh_token", "authid"]
        .iter()
        .find_map(|name| json[name].as_str())
        .map(str::to_owned)
}

fn urls(servers: &[&ServerProcess]) -> Vec<String> {
    servers.iter().map(|server| server.url.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_thief_has_after_the_replacement_opens_on_no_replica() {
    let installation = Installation::new(NEVER_CACHED).await;
    let mut kid = installation.new_key(&[]).await;
    let (one, two) = tokio::join!(installation.serve(), installation.serve());
    let urls = urls(&[&one, &two]);
    for _ in 0..3 {
        let stolen = ["stable", "stable", "single-use"];
        let thief = Thief::with(stolen.map(|service| installation.log_in(service)));
        let connections = thief.start(&urls);
        thief
            .goes_on("the thief is served", &thief.granted, 300)
            .await;

        let replace = ["keys", "replace", "--leaked", &kid, "--json"];
        let made = installation.run(&replace).await.json();
        let new = made["kid"].as_str().unwrap().to_owned();
        for server in [&one, &two] {
            server.has_key(&new, "sealing").await;
            server.has_key(&kid, "retired").await;
        }
        thief
            .goes_on("the thief is refused", &thief.refused, 300)
            .await;
        thief.stop.cancel();
        connections.join_all().await;
        thief.has_nothing_that_opens(&urls).await;

        // Undone, it opens on both again: no file and no memory is left that says otherwise.
        installation
            .run(&["keys", "replace", "--undo", &kid])
            .await
            .good();
        for server in [&one, &two] {
            server.has_key(&kid, "opening").await;
        }
        installation.run(&["keys", "retire", &kid]).await.good();

        let honest = installation.log_in("stable");
        assert_eq!(installation.open(&honest).kid, new);
        for server in [&one, &two] {
            assert_eq!(server.refresh(&honest).await.status, 200);
        }
        kid = new;
    }
}

/// The same with folders that are copied, one late: what the late one hands out until then
/// is under the leaked key.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_gets_the_new_key_later_helps_no_thief() {
    let installation = Installation::new(NEVER_CACHED).await;
    let kid = installation.new_key(&[]).await;
    let elsewhere = tempfile::tempdir().unwrap();
    copy_keys(&installation.keys_dir, elsewhere.path());
    let mut environment = installation.environment();
    environment.retain(|(name, _)| *name != "AUTHSEAL_KEYS_DIR");
    environment.push(("AUTHSEAL_KEYS_DIR", elsewhere.path().to_str().unwrap()));
    let (here, late) = tokio::join!(installation.serve(), ServerProcess::start(&environment));
    let urls = urls(&[&here, &late]);

    let stolen = installation.log_in("stable");
    let thief = Thief::with([stolen.clone(), installation.log_in("single-use")]);
    let connections = thief.start(&urls);
    let replace = ["keys", "replace", "--leaked", &kid];
    installation.run(&replace).await.good();
    here.has_key(&kid, "retired").await;
    assert_eq!(here.refresh(&stolen).await.status, 401);
    thief
        .goes_on("the late one still serves", &thief.granted, 300)
        .await;
    assert_eq!(late.refresh(&stolen).await.status, 200);
    // Only the new file: it is all that is needed.
    copy_keys(&installation.keys_dir, elsewhere.path());
    late.has_key(&kid, "retired").await;
    thief.stop.cancel();
    connections.join_all().await;
    thief.has_nothing_that_opens(&urls).await;
}

/// Copies each key that is not there, whole at once.
fn copy_keys(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let name = file.unwrap().file_name();
        if !to.join(&name).exists() {
            let aside = to.join(".copying");
            fs::copy(from.join(&name), &aside).unwrap();
            fs::rename(aside, to.join(&name)).unwrap();
        }
    }
}

/// Whoever was let in under the leaked key waits for the provider while it is replaced.
#[tokio::test]
async fn a_refresh_that_was_under_way_gives_nothing_under_the_new_key() {
    for refresh_tokens in ["stable", "sliding", "single-use"] {
        for door in 0..3 {
            let gate = Gate::closed();
            let held = gate.clone();
            let provider = ScriptedProvider::start(move |_| {
                let mut pieces = vec![Piece::Wait(held.clone())];
                pieces.extend(tokens("access", Some("newer")));
                pieces
            });
            let app = TestApp::builder().scripted(&provider, refresh_tokens);
            let app = app.start().await;
            let stolen = app.seal("scripted", "stolen");
            let leaked = app.kid(&stolen);
            let request = request(&app.url, door, &stolen);
            let asking = tokio::spawn(async move { Client::new().send(request).await });
            provider.asked_times(1).await;
            let folder = KeyFolder::new(&app.keys_dir);
            let made = folder.replace_keys(app.clock.now(), &[leaked]).unwrap();
            assert!(made.is_some() && app.app.keyring.reload().unwrap());
            gate.open();
            let answer = asking.await.unwrap();
            let what = format!("{refresh_tokens} {door}: {answer:?}");
            assert!([400, 401].contains(&answer.status.as_u16()), "{what}");
            assert_eq!(authid_in(&answer), None, "{what}");
            assert!(!answer.body.contains("v2:"), "{what}");
        }
    }
}

/// What the provider replaced meanwhile is not lost for whoever has the same login under
/// a key that did not leak.
#[tokio::test]
async fn who_is_under_another_key_goes_on() {
    let app = TestApp::builder()
        .access_token_lifetime(NEVER_CACHED)
        .start()
        .await;
    let stolen = app.authid("single-use").await;
    let leaked = app.kid(&stolen);
    app.new_key();
    let renewed = app.refresh(&stolen).await;
    let renewed = authid_in(&renewed).unwrap();
    let folder = KeyFolder::new(&app.keys_dir);
    app.clock.advance(Duration::from_secs(1));
    folder.replace_keys(app.clock.now(), &[leaked]).unwrap();
    app.app.keyring.reload().unwrap();
    assert_eq!(app.refresh(&stolen).await.status, 401);
    app.refresh(&renewed).await.good();
    assert_eq!(app.provider.seen().replays, 0);
}
