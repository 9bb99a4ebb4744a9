//! Strangers' calls to a provider, without an AuthID: they are bounded, and others do not
//! notice them.

use std::sync::Arc;

use tokio::{net::TcpSocket, task::JoinSet};

use crate::support::{
    Asked, Gate, Piece, Scrape, ScriptedProvider, TestApp, believing, elsewhere,
    emulators::Emulated, eventually, gated, json, revocable, tokens,
};

const REFUSED: &str = r#"{"error":"invalid_grant"}"#;

fn is_login(asked: &Asked) -> bool {
    asked.field("grant_type") != "refresh_token"
}

/// Answers refreshes well, and everything else like this.
pub fn to_logins(answer: Vec<Piece>) -> impl Fn(&Asked) -> Vec<Piece> + Send + Sync + 'static {
    move |asked| match is_login(asked) {
        true => answer.clone(),
        false => tokens("never-print-access", None),
    }
}

pub fn good_login() -> Vec<Piece> {
    tokens("never-print-access", Some("never-print-refresh"))
}

fn logins_at(provider: &ScriptedProvider) -> usize {
    provider
        .asked()
        .iter()
        .filter(|asked| is_login(asked))
        .count()
}

pub async fn refreshes(app: &TestApp, times: usize) {
    for _ in 0..times {
        let authid = app.seal("scripted", "never-print-refresh");
        let answer = app.refresh(&authid).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

pub async fn nothing_is_under_way(app: &TestApp) {
    eventually("nothing is under way", async || {
        let scrape = Scrape::of(&app.admin_url).await;
        let sum = |name| scrape.sum(name, &[]);
        let names = [
            "authseal_provider_calls_under_way",
            "authseal_provider_calls_waiting",
            "authseal_flights",
        ];
        (names.map(sum) == [0.0; 3]).then_some(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn junk_codes_at_a_slow_provider_hold_up_no_refresh() {
    const LOGINS: usize = 300;
    let gate = Gate::closed();
    let slow = [
        vec![Piece::Wait(gate.clone())],
        json("400 Bad Request", REFUSED),
    ]
    .concat();
    let provider = ScriptedProvider::start(to_logins(slow));
    let app = Arc::new(believing(&provider).start().await);
    let mut junk = JoinSet::new();
    for number in 0..LOGINS {
        let app = app.clone();
        junk.spawn(async move { app.log_in_from("scripted", &elsewhere(number)).await });
    }
    provider.asked_times(16).await;
    eventually("the queue is full", async || {
        let scrape = Scrape::of(&app.admin_url).await;
        let refused = scrape.sum(
            "authseal_provider_calls_refused_total",
            &[("reason", "crowded")],
        );
        (refused >= (LOGINS - 16 - 256) as f64).then_some(())
    })
    .await;
    assert_eq!(logins_at(&provider), 16);
    refreshes(&app, 20).await;
    gate.open();
    let statuses = junk.join_all().await;
    assert!(statuses.iter().all(|page| page.status != 200));
    nothing_is_under_way(&app).await;
    provider.script(to_logins(good_login()));
    assert_eq!(app.log_in_from("scripted", "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn whatever_a_provider_answers_to_a_login_it_is_not_left_alone_for_it() {
    let cut_off = vec![Piece::Text(
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".into(),
    )];
    let provider = ScriptedProvider::start(|_| unreachable!("it is told what to do"));
    let app = believing(&provider).start().await;
    for (number, answer) in [
        json("429 Too Many Requests", "{}"),
        json("500 Internal Server Error", "{}"),
        json("503 Service Unavailable", "{}"),
        json("200 OK", "nonsense"),
        cut_off,
    ]
    .into_iter()
    .enumerate()
    {
        provider.script(to_logins(answer));
        for _ in 0..10 {
            let page = app.log_in_from("scripted", &elsewhere(number)).await;
            assert_ne!(page.status, 200);
        }
        refreshes(&app, 1).await;
        provider.script(to_logins(good_login()));
        let page = app.log_in_from("scripted", "192.0.2.1").await;
        assert_eq!(page.status, 200, "{number}: {page:?}");
    }
}

#[tokio::test]
async fn what_a_provider_answers_to_a_revocation_hinders_no_refresh_and_no_login() {
    let provider = ScriptedProvider::start(|asked| match asked.request_line.contains("/revoke") {
        true => json("503 Service Unavailable", "{}"),
        false => good_login(),
    });
    let app = believing(&provider)
        .tables(&revocable(&provider))
        .start()
        .await;
    for _ in 0..10 {
        let authid = app.seal("revocable", "never-print-refresh");
        let answer = app
            .post_from("/revoked", &[("authid", &authid)], "", "192.0.2.1")
            .await;
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    let authid = app.seal("revocable", "never-print-refresh");
    assert_eq!(app.refresh(&authid).await.status, 200);
    assert_eq!(app.log_in_from("revocable", "192.0.2.1").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_cancelled_while_it_tries_a_provider_lets_the_next_one_try() {
    // Bound, so that no other test gets the port, but nobody listens yet.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let app = TestApp::builder()
        .scripted_at(&format!("http://{address}/token"), "stable")
        .env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1");
    let app = app.start().await;
    let mut strangers = (0..).map(elsewhere);
    let mut stranger = || strangers.next().unwrap();
    for _ in 0..3 {
        assert_eq!(app.log_in_from("scripted", &stranger()).await.status, 503);
    }
    let rests = app.log_in_from("scripted", &stranger()).await;
    assert!(rests.body.contains("several logins in a row"), "{rests:?}");
    // Now somebody does, and says nothing.
    let listener = socket.listen(16).unwrap();
    let held = eventually("a login tries it", async || {
        let (login, from) = (app.begin("scripted").await, stranger());
        let trying = app.call_back(&login, "a-code", &from);
        tokio::select! {
            _rests = trying => None,
            accepted = listener.accept() => Some(accepted.unwrap()),
        }
    })
    .await;
    // Its browser is gone; the next login is let through at once, and not in 25 seconds.
    drop(held);
    nothing_is_under_way(&app).await;
    let (login, from) = (app.begin("scripted").await, stranger());
    let trying = app.call_back(&login, "a-code", &from);
    tokio::select! {
        page = trying => panic!("it was not tried: {page:?}"),
        accepted = listener.accept() => drop(accepted.unwrap()),
    }
}

#[tokio::test]
async fn a_cookie_serves_for_one_code() {
    let provider = ScriptedProvider::start(to_logins(json("400 Bad Request", REFUSED)));
    let app = Arc::new(believing(&provider).start().await);
    let login = app.begin("scripted").await;
    let mut tries = JoinSet::new();
    for number in 0..30 {
        let (app, login) = (app.clone(), login.clone());
        tries.spawn(async move {
            app.call_back(&login, &format!("code-{number}"), &elsewhere(number))
                .await
        });
    }
    let statuses: Vec<u16> = tries
        .join_all()
        .await
        .iter()
        .map(|page| page.status.as_u16())
        .collect();
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 29);
    assert_eq!(logins_at(&provider), 1);
    // Nor after an error, which says nothing of a code.
    let login = app.begin("scripted").await;
    let url = format!(
        "{}/logged-in?state={}&error=access_denied",
        app.url, login.state
    );
    let refused = crate::support::get(&url, &[("cookie", &login.cookie)]).await;
    assert!(refused.body.contains("refused the login"), "{refused:?}");
    assert_eq!(
        app.call_back(&login, "a-code", "192.0.2.1").await.status,
        400
    );
    assert_eq!(logins_at(&provider), 1);
}

#[tokio::test]
async fn a_network_has_so_many_codes_exchanged_and_others_notice_nothing() {
    let provider = ScriptedProvider::start(to_logins(good_login()));
    let app = believing(&provider).start().await;
    let stranger = "198.51.100.1";
    for _ in 0..20 {
        assert_eq!(app.log_in_from("scripted", stranger).await.status, 200);
    }
    let login = app.begin("scripted").await;
    let refused = app.call_back(&login, "a-code", stranger).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.header("retry-after"), "6");
    assert!(refused.body.contains("Wait 6 seconds"), "{refused:?}");
    assert_eq!(refused.header("set-cookie"), "");
    assert_eq!(logins_at(&provider), 20);
    for other in ["198.51.100.2", "2001:db8::1"] {
        assert_eq!(app.log_in_from("scripted", other).await.status, 200);
    }
    // The page can be loaded again: nothing of it was used.
    app.clock.advance(std::time::Duration::from_secs(6));
    assert_eq!(app.call_back(&login, "a-code", stranger).await.status, 200);
}

#[tokio::test]
async fn a_48_of_ipv6_is_limited_as_a_whole() {
    let provider = ScriptedProvider::start(to_logins(json("400 Bad Request", REFUSED)));
    let app = believing(&provider).start().await;
    for number in 0..150 {
        let page = app
            .log_in_from("scripted", &format!("2001:db8:1:{number:x}::1"))
            .await;
        assert_eq!(page.status, if number < 80 { 503 } else { 429 }, "{number}");
    }
    assert_eq!(logins_at(&provider), 80);
    provider.script(to_logins(good_login()));
    assert_eq!(
        app.log_in_from("scripted", "2001:db8:2::1").await.status,
        200
    );
}

#[tokio::test]
async fn login_tokens_are_guessed_slowly_and_one_page_sends_one() {
    let emulated = Emulated::start(&["jottacloud"]).await;
    let token = |guess: usize| {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        URL_SAFE_NO_PAD.encode(format!(
            r#"{{"username":"somebody","auth_token":"guess{guess}","realm":"jottacloud",
                "well_known_link":"https://id.jottacloud.com/x"}}"#
        ))
    };
    let jottacloud = emulated.at("jottacloud");
    let sent = || jottacloud.calls("/token").len();
    let (state, cookie) = emulated.open_form("jottacloud").await;
    for guess in 0..10 {
        emulated.paste(&state, &cookie, &token(guess)).await;
    }
    assert_eq!(sent(), 1);
    for guess in 0..55 {
        let (state, cookie) = emulated.open_form("jottacloud").await;
        emulated.paste(&state, &cookie, &token(guess)).await;
    }
    assert_eq!(sent(), 5);
    emulated
        .app
        .clock
        .advance(std::time::Duration::from_secs(30));
    let right = jottacloud.books().new_login_token();
    let (state, cookie) = emulated.open_form("jottacloud").await;
    assert_eq!(emulated.paste(&state, &cookie, &right).await.status, 200);
}

#[tokio::test]
async fn made_up_clear_authids_are_tried_in_bounds_and_hinder_no_holder() {
    let provider = ScriptedProvider::start(|asked| {
        match asked.field("refresh_token").starts_with("made-up") {
            true => json("503 Service Unavailable", "{}"),
            false => tokens("never-print-access", None),
        }
    });
    let app = believing(&provider)
        .env("AUTHSEAL_ACCEPT_V2_PLAIN", "true")
        .start()
        .await;
    let stranger = "198.51.100.1";
    let good = "v2:scripted:never-print-good";
    assert_eq!(app.refresh_from(good, stranger).await.status, 200);
    provider.forget();
    for number in 0..150 {
        let made_up = format!("v2:scripted:made-up-{number}");
        let answer = app.refresh_from(&made_up, stranger).await;
        assert_eq!(answer.status, 503, "{number}: {answer:?}");
        let is_refused = answer.body.starts_with("Too many old AuthIDs");
        assert_eq!(is_refused, number >= 99, "{number}: {answer:?}");
    }
    // Each was sent once: a stranger's call is not tried again.
    assert_eq!(provider.asked().len(), 99);
    let refused = app.refresh_from("v2:scripted:made-up", stranger).await;
    let reason = refused.header("x-reason");
    assert!(
        reason.starts_with("Too many old AuthIDs from this network"),
        "{reason}"
    );
    // One that was good once goes on, from the same network too, and so do sealed ones.
    app.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(app.refresh_from(good, stranger).await.status, 200);
    refreshes(&app, 3).await;
}

#[tokio::test(start_paused = true)]
async fn clear_authids_that_may_be_made_up_wait_in_the_lane_of_strangers() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| json("400 Bad Request", REFUSED));
    let app = believing(&provider)
        .env("AUTHSEAL_ACCEPT_V2_PLAIN", "true")
        .start()
        .await;
    let app = Arc::new(app);
    let mut junk = JoinSet::new();
    for number in 0..140 {
        let app = app.clone();
        junk.spawn(async move {
            let made_up = format!("v2:scripted:made-up-{number}");
            app.refresh_from(&made_up, &elsewhere(number)).await
        });
    }
    provider.asked_times(16).await;
    eventually("the others wait", async || {
        let scrape = Scrape::of(&app.admin_url).await;
        let waiting = scrape.sum("authseal_provider_calls_waiting", &[]);
        (waiting == 124.0).then_some(())
    })
    .await;
    assert_eq!(provider.asked().len(), 16);
    provider.script(|_| tokens("never-print-access", None));
    refreshes(&app, 5).await;
    gate.open();
    junk.join_all().await;
    nothing_is_under_way(&app).await;
}
