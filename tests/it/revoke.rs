//! `POST /revoked`: the result is true, whatever it is.

use std::time::Duration;

use tokio::net::TcpSocket;

use crate::support::{
    emulators::{Emulated, Fault, shipped},
    get, post_form,
};

/// Each way to revoke: RFC 7009, by access token, Box's form, a public client.
const REVOCABLE: [(&str, &str); 5] = [
    ("googledrive", "google"),
    ("dropbox", "dropbox"),
    ("box.com", "box"),
    ("jottacloud", "jottacloud"),
    ("zohoworkdrive", "zoho"),
];

async fn all_revocable() -> Emulated {
    Emulated::start(&REVOCABLE.map(|(_, provider)| provider)).await
}

/// Refreshes, so that an access token is cached; the newest AuthID.
async fn cached(emulated: &Emulated, authid: &str) -> String {
    let answer = emulated.refresh(authid).await.good();
    let json = answer.json();
    json["v2_authid"].as_str().unwrap_or(authid).to_owned()
}

async fn assert_dead(emulated: &Emulated, authid: &str, name: &str) {
    let answer = emulated.refresh(authid).await;
    assert_eq!(answer.status, 401, "{name}: {answer:?}");
    assert!(!answer.header("x-reason").is_empty(), "{name}");
}

#[tokio::test]
async fn a_confirmed_revocation_ends_the_grant_and_the_cached_token() {
    let emulated = all_revocable().await;
    for (service, provider) in REVOCABLE {
        for by_form in [true, false] {
            let authid = emulated.credential(service).await;
            let newest = cached(&emulated, &authid).await;
            if by_form {
                let page = emulated.revoke(&newest).await;
                assert_eq!(page.status, 200, "{service}: {page:?}");
                assert!(page.body.contains("has confirmed it"), "{page:?}");
            } else {
                let answer = emulated.revoke_by_header(&newest).await;
                assert_eq!(answer.status, 200, "{service}: {answer:?}");
                let json = answer.json();
                assert_eq!(json["revoked"], true);
                assert_eq!(json["type"], service);
            }
            assert_eq!(emulated.at(provider).books().live_grants(), 0, "{service}");
            // The clock stands still: nothing but the revocation ended it.
            assert_dead(&emulated, &newest, service).await;
            assert_dead(&emulated, &authid, service).await;
        }
    }
}

#[tokio::test]
async fn the_form_is_a_page_and_takes_the_authid_with_blanks_around_it() {
    let emulated = Emulated::start(&["google"]).await;
    let form = get(&format!("{}/revoke", emulated.app.url), &[]).await;
    assert_eq!(form.status, 200);
    assert!(form.body.contains("action=\"/revoked\""), "{form:?}");
    let authid = emulated.credential("googledrive").await;
    emulated.revoke(&format!("  {authid}\r\n")).await.good();
    assert_eq!(emulated.at("google").books().live_grants(), 0);
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_named_and_nothing_is_claimed() {
    // Bound, so that no other test gets the port, but nobody listens.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nowhere = format!("revoke_url = \"http://{}/", socket.local_addr().unwrap());
    let move_revoke_url = |tables: String| {
        let (before, after) = tables.split_once("revoke_url").unwrap();
        let (_, path) = after.rsplit_once('/').unwrap();
        format!("{before}{nowhere}{path}")
    };
    let emulated = Emulated::with(&["google"], move_revoke_url, |app| app).await;
    let authid = emulated.credential("googledrive").await;
    cached(&emulated, &authid).await;
    for answer in [
        emulated.revoke_by_header(&authid).await,
        emulated.revoke(&authid).await,
    ] {
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    assert_eq!(emulated.at("google").books().live_grants(), 1);
    assert_eq!(emulated.refresh(&authid).await.status, 200);
}

#[tokio::test]
async fn whatever_the_provider_answers_only_its_yes_is_a_yes() {
    let emulated = all_revocable().await;
    let invalid_client = r#"{"error":"invalid_client"}"#;
    let (later, tell) = ("temporarily_unavailable", "server_error");
    let authids = {
        let mut authids = Vec::new();
        for (service, _) in REVOCABLE {
            authids.push(emulated.credential(service).await);
        }
        authids
    };
    for ((service, provider), authid) in REVOCABLE.into_iter().zip(&authids) {
        let newest = cached(&emulated, authid).await;
        for (said, body, code) in [
            (500, "", later),
            (503, "<html>", later),
            (429, "", later),
            (403, "{}", later),
            (404, "", later),
            (302, "", later),
            (400, "nonsense", later),
            (400, r#"{"error":"unsupported_token_type"}"#, tell),
            (400, invalid_client, tell),
            (401, invalid_client, tell),
            (200, r#"{"error":"server_error"}"#, later),
            // The sign-in page of a network on the way.
            (200, "<html><title>Hotel Wi-Fi</title>Sign in", later),
            (200, "OK, welcome", later),
            (200, r#"{"success":false}"#, later),
            (200, r#"{"errors":["no such token"]}"#, later),
            (200, r#"{"result":{},"message":"Request failed"}"#, later),
        ] {
            let endpoint = emulated.at(provider);
            endpoint.fault("revoke", Fault::Answer(said, body.into()));
            let answer = emulated.revoke_by_header(&newest).await;
            assert_eq!(answer.status, 503, "{service} {said} {body}: {answer:?}");
            assert_eq!(answer.json()["error"], code, "{service} {said} {body}");
            assert!(!answer.header("x-reason").is_empty());
            endpoint.mend();
            assert_eq!(endpoint.books().live_grants(), 1, "{service}");
        }
        // It can be tried again.
        assert_eq!(emulated.revoke_by_header(&newest).await.status, 200);
        assert_dead(&emulated, &newest, service).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_answer_is_named_and_nothing_is_claimed() {
    let emulated = Emulated::with(
        &["google"],
        |tables| tables,
        |app| app.provider_deadline(Duration::from_millis(200)),
    )
    .await;
    let authid = emulated.credential("googledrive").await;
    emulated.at("google").fault("/revoke", Fault::Silence);
    let answer = emulated.revoke_by_header(&authid).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("x-reason").contains("in time"), "{answer:?}");
    let page = emulated.revoke(&authid).await;
    assert_eq!(page.status, 503, "{page:?}");
    assert!(page.body.contains("The login is not revoked"), "{page:?}");
}

#[tokio::test]
async fn a_provider_without_a_call_is_501_and_the_page_leads_to_where_its_user_does_it() {
    let emulated = Emulated::start(&["microsoft", "liveconnect"]).await;
    for service in ["onedrivev2", "sharepoint", "onedrive"] {
        let authid = emulated.credential(service).await;
        let manage_url = &shipped()["service"][service]["manage_url"];
        let page = emulated.revoke(&authid).await;
        assert_eq!(page.status, 501, "{page:?}");
        let link = format!("href=\"{}", manage_url.as_str().unwrap());
        assert!(page.body.contains(&link), "{page:?}");
        let answer = emulated.revoke_by_header(&authid).await;
        assert_eq!(answer.status, 501, "{answer:?}");
        assert_eq!(answer.json()["error"], "unsupported_token_type");
        assert_eq!(emulated.refresh(&authid).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_no_authid_of_ours_revokes_nothing() {
    let emulated = Emulated::start(&["google"]).await;
    let authid = emulated.credential("googledrive").await;
    let mut tampered = authid.clone();
    let last = tampered.pop().unwrap();
    let middle = tampered.len() / 2;
    let other = if tampered.as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    tampered.replace_range(middle..=middle, other);
    tampered.push(last);
    for (text, advice) in [
        (tampered.as_str(), "Log in again at"),
        (&authid.replace("googledrive", "gcs"), "Log in again at"),
        ("something else", "Copy the whole AuthID"),
        ("", "Send one, or log in at"),
    ] {
        for answer in [
            emulated.revoke(text).await,
            emulated.revoke_by_header(text).await,
        ] {
            assert_eq!(answer.status, 401, "{text}: {answer:?}");
            assert!(answer.body.contains(advice), "{text}: {answer:?}");
        }
    }
    let url = format!("{}/revoked", emulated.app.url);
    assert_eq!(post_form(&url, &[]).await.status, 401);
    assert_eq!(get(&url, &[]).await.status, 405);
    assert!(emulated.at("google").calls("/revoke").is_empty());
    assert_eq!(emulated.at("google").books().live_grants(), 1);
}

#[tokio::test]
async fn a_login_whose_tokens_are_used_up_is_revoked_through_its_first_authid() {
    let emulated = Emulated::start(&["box", "jottacloud"]).await;
    for (service, provider) in [("box.com", "box"), ("jottacloud", "jottacloud")] {
        let at_login = emulated.credential(service).await;
        let mut newest = at_login.clone();
        for _ in 0..3 {
            newest = cached(&emulated, &newest).await;
            emulated.app.clock.advance(Duration::from_secs(3900));
        }
        cached(&emulated, &newest).await;
        let answer = emulated.revoke_by_header(&at_login).await;
        assert_eq!(answer.status, 200, "{service}: {answer:?}");
        assert_eq!(emulated.at(provider).books().live_grants(), 0, "{service}");
        assert_dead(&emulated, &newest, service).await;
    }
}

/// Box goes on accepting the newest refresh token when an older one comes again,
/// so what it says of the older one is no confirmation.
#[tokio::test]
async fn a_used_up_token_that_box_refuses_is_not_taken_for_a_revoked_login() {
    let emulated = Emulated::start(&["box"]).await;
    let at_login = emulated.credential("box").await;
    let newest = cached(&emulated, &at_login).await;
    // Not cached any more: who has the newest one, this server may not know.
    emulated.app.clock.advance(Duration::from_secs(3900));
    let answer = emulated.revoke_by_header(&at_login).await;
    let is_alive = emulated.at("box").books().live_grants() == 1;
    assert_eq!(answer.status != 200, is_alive, "{answer:?}");
    if !is_alive {
        return;
    }
    emulated.revoke_by_header(&newest).await.good();
    assert_eq!(emulated.at("box").books().live_grants(), 0);
}

#[tokio::test]
async fn a_grant_that_is_dead_already_is_revoked() {
    for (service, provider) in [("googledrive", "google"), ("dropbox", "dropbox")] {
        for is_cached in [false, true] {
            let emulated = Emulated::start(&[provider]).await;
            let authid = emulated.credential(service).await;
            if is_cached {
                cached(&emulated, &authid).await;
            }
            emulated.at(provider).books().remove_all();
            for _ in 0..2 {
                let answer = emulated.revoke_by_header(&authid).await;
                assert_eq!(answer.status, 200, "{service} {is_cached}: {answer:?}");
            }
            assert_dead(&emulated, &authid, service).await;
        }
    }
}

#[tokio::test]
async fn a_refresh_under_way_leaves_no_token_behind() {
    let emulated = Emulated::start(&["google"]).await;
    let google = emulated.at("google");
    let authid = emulated.credential("googledrive").await;
    let (worked, go) = google.late("/token");
    let revokes = async {
        worked.notified().await;
        emulated.revoke_by_header(&authid).await.good();
    };
    let lets_go = async {
        while google.books().live_grants() > 0 {
            tokio::task::yield_now().await;
        }
        go.notify_one();
    };
    tokio::join!(emulated.refresh(&authid), revokes, lets_go);
    google.mend();
    assert_dead(&emulated, &authid, "googledrive").await;
}

#[tokio::test]
async fn dropbox_is_asked_by_a_live_access_token_and_nothing_else() {
    let emulated = Emulated::start(&["dropbox"]).await;
    let authid = emulated.credential("dropbox").await;
    assert_eq!(emulated.revoke_by_header(&authid).await.status, 200);
    let calls = emulated.at("dropbox").calls("/2/auth/token/revoke");
    assert_eq!(calls.len(), 1);
    assert!(
        calls[0]
            .bearer()
            .is_some_and(|token| token.starts_with("never-print-access-"))
    );
    assert!(calls[0].body.is_empty() && calls[0].query.is_empty());
}

#[tokio::test]
async fn a_revocation_that_fails_is_not_called_a_refresh_without_a_token() {
    let emulated = all_revocable().await;
    for (service, provider) in REVOCABLE {
        let authid = emulated.credential(service).await;
        for (status, body) in [(500, ""), (404, ""), (400, "nonsense")] {
            let fault = Fault::Answer(status, body.into());
            emulated.at(provider).fault("revoke", fault);
            let answer = emulated.revoke_by_header(&authid).await;
            emulated.at(provider).mend();
            let reason = answer.header("x-reason");
            let words = "did not confirm the revocation";
            assert!(reason.contains(words), "{service} {status}: {reason}");
            assert!(!reason.contains("gave no token"), "{reason}");
        }
    }
}

#[tokio::test]
async fn a_used_up_token_leads_to_where_the_access_is_removed() {
    let emulated = Emulated::start(&["box"]).await;
    let authid = emulated.credential("box.com").await;
    let body = r#"{"error":"invalid_grant","error_description":"Refresh token has expired"}"#;
    emulated
        .only()
        .fault("/token", Fault::Answer(400, body.into()));
    let page = emulated.revoke(&authid).await;
    assert_eq!(page.status, 401, "{page:?}");
    assert!(
        page.body.contains("Remove the access in the settings"),
        "{page:?}"
    );
    assert!(!page.body.contains("Log in again at"), "{page:?}");
}
