//! Answers that nobody waits for any more: every handler's future is dropped at each of
//! its await points, and leaves nothing behind.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use authseal::listen::{Body, Handler, Peer};
use http::{Request, header::CONTENT_TYPE};

use super::passwords::PASSWORD;
use crate::support::{
    Answer, Asked, BegunLogin, Browser, Piece, Scrape, ScriptedProvider, TestApp, believing,
    elsewhere, eventually, get, hand_over_form, json, login_link, revocable, tokens,
};

/// Longer than any handler has await points.
const MOST_POLLS: usize = 60;

/// Polls a future so many times, and drops it. `true` if it was ready before.
async fn dropped_after(polls: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        if polled == polls {
            return Poll::Ready(false);
        }
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            // Nothing else may wake it before it is dropped.
            Poll::Pending if polled == polls => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A new login or AuthID for each try, so that each does all of its work.
enum Work {
    Get(String, Vec<(&'static str, String)>),
    Post(
        &'static str,
        Vec<(&'static str, String)>,
        Vec<(&'static str, String)>,
    ),
}

impl Work {
    fn request(&self, app: &TestApp, from: &str) -> Request<Body> {
        let (method, path, headers, body) = match self {
            Self::Get(path, headers) => ("GET", path.as_str(), headers, String::new()),
            Self::Post(path, fields, headers) => {
                let form = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(fields)
                    .finish();
                ("POST", *path, headers, form)
            }
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", app.url))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("x-forwarded-for", self.from(from));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request.body(Body::Whole(body.into())).unwrap()
    }
}

impl Work {
    /// An address outside the networks that need no password, for the password's form.
    fn from(&self, from: &str) -> String {
        match self {
            Self::Post("/password", ..) => from.replacen("10.", "11.", 1),
            _ => from.to_owned(),
        }
    }
}

/// What a provider sends back to a browser.
fn callback(login: BegunLogin) -> Work {
    let path = format!("/logged-in?state={}&code=x", login.state);
    Work::Get(path, vec![("cookie", login.cookie)])
}

/// A hand-over token that no other has.
fn new_token() -> String {
    static TOKENS: AtomicU64 = AtomicU64::new(0);
    format!("4k9x2m7q{:012}", TOKENS.fetch_add(1, Ordering::Relaxed))
}

/// A login with a hand-over token, up to the page that asks whether to hand it over.
async fn asked(app: &TestApp, token: &str) -> (Browser, Answer) {
    let mut browser = Browser {
        forwarded_for: Some("10.200.0.1"),
        ..Browser::default()
    };
    let start = format!("{}/?type=scripted&token={token}", app.url);
    let start = browser.get(&start).await;
    let begun = format!("{}{}", app.url, login_link(&start.body));
    let begun = browser.get(&begun).await;
    let (_, query) = begun.header("location").split_once('?').unwrap();
    let mut query = form_urlencoded::parse(query.as_bytes());
    let (_, state) = query.find(|(name, _)| name == "state").unwrap();
    let callback = format!("{}/logged-in?state={state}&code=x", app.url);
    let page = browser.get(&callback).await;
    (browser, page)
}

async fn hands_over(app: &TestApp) {
    let token = new_token();
    let (mut browser, page) = asked(app, &token).await;
    app.hand_over(&mut browser, &page).await;
    let fetched = get(&format!("{}/fetch?token={token}", app.url), &[]).await;
    assert!(fetched.body.contains("v2:scripted:"), "{fetched:?}");
}

/// Asks a handler for something that makes it work; `None` behind the last kind.
async fn work(app: &TestApp, kind: usize, number: usize) -> Option<Work> {
    let authid = || app.seal("revocable", &format!("never-print-{number}"));
    let clear = format!("v2:revocable:never-print-clear-{number}");
    let with = |authid: String| vec![("x-authid", authid)];
    let token = "4k9x2m7q1z8w5v3t6y0u";
    let get = |path: String| Work::Get(path, vec![]);
    Some(match kind {
        0 => Work::Get("/refresh".into(), with(authid())),
        1 => Work::Get("/refresh".into(), with(clear)),
        2 => Work::Post("/refresh", vec![("authid", authid())], vec![]),
        3 => get(format!("/?type=revocable&token={token}")),
        4 => get("/login?id=revocable".into()),
        5 => get(format!("/fetch?token={token}")),
        6 => get(format!("/token-state?token={token}")),
        7 => callback(app.begin("revocable").await),
        8 => Work::Post("/renewed", vec![("authid", authid())], vec![]),
        9 => Work::Post("/revoked", vec![("authid", authid())], vec![]),
        10 => Work::Post("/revoked", vec![("authid", clear)], vec![]),
        11 => Work::Post(
            "/password",
            vec![("next", "/".into()), ("password", "a guess".into())],
            vec![],
        ),
        12 => Work::Post(
            "/token",
            vec![
                ("grant_type", "refresh_token".into()),
                ("refresh_token", authid()),
            ],
            vec![],
        ),
        13 => Work::Post("/oauth2/revoke", vec![("token", authid())], vec![]),
        14 => handing_over(app).await,
        15 => get("/cli-token?id=revocable".into()),
        16 => get("/privacy-policy".into()),
        _ => return None,
    })
}

/// The click on a page that asks whether to hand over.
async fn handing_over(app: &TestApp) -> Work {
    let (browser, page) = asked(app, &new_token()).await;
    let form = hand_over_form(&page.body);
    let form = form.map(|(name, value)| (name, value.to_owned())).into();
    let cookies = browser.cookies.iter();
    let jar: Vec<String> = cookies
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Work::Post("/hand-over", form, vec![("cookie", jar.join("; "))])
}

fn provider(asked: &Asked) -> Vec<Piece> {
    match asked.request_line.contains("/revoke") {
        true => json("200 OK", "{}"),
        false => tokens("never-print-access", Some("never-print-newer")),
    }
}

async fn start() -> (ScriptedProvider, TestApp) {
    let provider = ScriptedProvider::start(provider);
    let app = believing(&provider)
        .tables(&revocable(&provider))
        .env("AUTHSEAL_ACCEPT_V2_PLAIN", "true")
        .env("AUTHSEAL_LOGIN_PASSWORD", PASSWORD)
        .env("AUTHSEAL_LOGIN_NETWORKS", "10.0.0.0/8")
        .env("AUTHSEAL_LOGIN_REQUIRE", "any")
        .start()
        .await;
    (provider, app)
}

/// Waits until every counter of something under way is 0.
async fn nothing_is_under_way(app: &TestApp) {
    eventually("nothing is under way", async || {
        let scrape = Scrape::of(&app.admin_url).await;
        let names = [
            "authseal_provider_calls_under_way",
            "authseal_provider_calls_waiting",
            "authseal_flights",
            "authseal_unsaved_authids",
        ];
        (names.map(|name| scrape.sum(name, &[])) == [0.0; 4]).then_some(())
    })
    .await;
}

/// Nothing is under way, and everything works.
async fn is_as_new(app: &TestApp) {
    nothing_is_under_way(app).await;
    let authid = app.seal("scripted", "never-print-refresh");
    assert_eq!(app.refresh(&authid).await.status, 200);
    app.log_in_from("scripted", "192.0.2.1").await.good();
    hands_over(app).await;
    let fields = [("next", "/"), ("password", PASSWORD)];
    let entered = app.post_from("/password", &fields, "", "192.0.2.1").await;
    assert_eq!(entered.status, 303, "{entered:?}");
}

#[tokio::test]
async fn every_handler_can_be_dropped_at_every_await_point() {
    let (_provider, app) = start().await;
    let peer = Peer::Ip("127.0.0.1".parse().unwrap());
    for kind in 0.. {
        let mut polls = 1;
        loop {
            let number = kind * MOST_POLLS + polls;
            let from = elsewhere(number);
            let Some(work) = work(&app, kind, number).await else {
                return;
            };
            let request = work.request(&app, &from);
            let answering = app.app.server.answer(&request, peer);
            if dropped_after(polls, answering).await {
                break;
            }
            polls += 1;
            assert!(polls < MOST_POLLS, "kind {kind} never ends");
        }
        app.clock.advance(Duration::from_secs(60));
        is_as_new(&app).await;
    }
}

/// Each token is good once, as at a single-use provider.
#[tokio::test]
async fn a_newer_token_is_kept_wherever_its_request_ends() {
    static NEWER: AtomicU64 = AtomicU64::new(0);
    static SENT: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let provider = ScriptedProvider::start(|asked| {
        let number = NEWER.fetch_add(1, Ordering::Relaxed);
        let newer = format!("never-print-newer-{number}");
        SENT.lock().unwrap().push(sent_token(asked));
        tokens("never-print-access", Some(&newer))
    });
    let app = TestApp::builder()
        .scripted(&provider, "single-use")
        .start()
        .await;
    let peer = Peer::Ip("127.0.0.1".parse().unwrap());
    for polls in 1.. {
        let first = format!("never-print-first-{polls}");
        let authid = app.seal("scripted", &first);
        let request = Work::Get("/refresh".into(), vec![("x-authid", authid.clone())]);
        let request = request.request(&app, "127.0.0.1");
        let is_ended = dropped_after(polls, app.app.server.answer(&request, peer)).await;
        assert!(polls < MOST_POLLS, "it never ends");
        nothing_is_under_way(&app).await;

        // Beyond the life of the access token, so that the newest token is sent.
        app.clock.advance(Duration::from_secs(2 * 3600));
        assert_eq!(
            app.refresh(&authid).await.status,
            200,
            "after {polls} polls"
        );
        let sent = SENT.lock().unwrap().clone();
        let is_sent_once = |token: &String| sent.iter().filter(|sent| *sent == token).count() == 1;
        assert!(
            sent.iter().all(is_sent_once),
            "after {polls} polls: {sent:?}"
        );
        if is_ended {
            assert!(polls > 2, "the call has no awaits");
            return;
        }
    }
}

fn sent_token(asked: &Asked) -> String {
    let form = asked.form();
    let token = form.into_iter().find(|(name, _)| name == "refresh_token");
    token.expect("a refresh").1
}

#[tokio::test]
async fn dropped_answers_by_the_hundred_leave_room_for_the_next() {
    let (provider, app) = start().await;
    provider.script(|_| vec![Piece::Silence]);
    let peer = Peer::Ip("127.0.0.1".parse().unwrap());
    for number in 0..300 {
        // More than there are places for logins.
        let work = callback(app.begin("revocable").await);
        let request = work.request(&app, &elsewhere(number));
        let answering = app.app.server.answer(&request, peer);
        let ended = tokio::time::timeout(Duration::from_millis(2), answering).await;
        assert!(ended.is_err());
    }
    provider.script(self::provider);
    is_as_new(&app).await;
    let page = get(
        &format!("{}/", app.url),
        &[("x-forwarded-for", "192.0.2.1")],
    )
    .await;
    assert_eq!(page.status, 403, "{page:?}");
}
