//! The demo provider is a strict witness: it refuses what the RFCs tell it to.

mod client;

use std::time::Duration;

use client::{Client, field};

use crate::support::{Answer, CLIENT_SECRET, get, parameter, post_form};

fn assert_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(field(answer, "error"), error, "{answer:?}");
}

#[tokio::test]
async fn with_a_wrong_redirect_uri_nobody_is_redirected() {
    let client = Client::start("stable").await;
    let slash = format!("{}/", client.redirect_uri);
    for replaced in [
        ("redirect_uri", "https://attacker.example/logged-in"),
        ("redirect_uri", slash.as_str()),
        ("redirect_uri", ""),
        ("client_id", "single-uze"),
        ("client_id", ""),
    ] {
        let request = client.request(&[replaced]);
        let (form, _) = request.split_once('?').unwrap();
        let fields = [("decision", "allow"), ("client_id", "stable"), replaced];
        for answer in [get(&request, &[]).await, post_form(form, &fields).await] {
            assert_eq!(answer.status, 400, "{replaced:?}");
            assert_eq!(answer.header("location"), "", "{replaced:?}");
        }
    }
}

#[tokio::test]
async fn a_request_without_pkce_is_sent_back_with_an_error() {
    let client = Client::start("stable").await;
    for (replaced, error) in [
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
    ] {
        let answer = get(&client.request(&[replaced]), &[]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let location = answer.header("location");
        assert!(location.starts_with(&client.redirect_uri), "{location}");
        assert_eq!(parameter(location, "error"), error);
        assert_eq!(parameter(location, "state"), "the-state");
    }
    let twice = client.request(&[]) + "&state=again";
    assert_eq!(get(&twice, &[]).await.status, 400);
}

#[tokio::test]
async fn a_code_serves_once_and_only_as_it_was_asked_for() {
    let client = Client::start("stable").await;
    let code = client.code().await;
    for replaced in [
        ("code_verifier", "another-verifier"),
        ("code_verifier", ""),
        ("redirect_uri", "http://localhost/logged-in"),
        ("redirect_uri", ""),
        ("code", "demo-code-made-up"),
        ("client_id", "single-use"),
    ] {
        assert_refused(
            &client.exchange(&code, &[replaced]).await,
            400,
            "invalid_grant",
        );
    }
    assert_eq!(client.exchange(&code, &[]).await.status, 200);

    let code = client.code().await;
    client.app.clock.advance(Duration::from_secs(60));
    assert_refused(&client.exchange(&code, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_replayed_code_voids_what_it_gave() {
    let client = Client::start("stable").await;
    let code = client.code().await;
    let first = client.exchange(&code, &[]).await;
    let access_token = field(&first, "access_token");
    assert_eq!(client.files(&access_token).await, 200);
    assert_refused(&client.exchange(&code, &[]).await, 400, "invalid_grant");
    assert_eq!(client.files(&access_token).await, 401);
    let refreshed = client.refresh(&field(&first, "refresh_token"), &[]).await;
    assert_refused(&refreshed, 400, "invalid_grant");
}

#[tokio::test]
async fn a_wrong_secret_is_invalid_client_and_changes_nothing() {
    let client = Client::start("stable").await;
    let code = client.code().await;
    for replaced in [
        ("client_secret", "wrong"),
        ("client_secret", ""),
        ("client_id", "nobody"),
    ] {
        assert_refused(
            &client.exchange(&code, &[replaced]).await,
            401,
            "invalid_client",
        );
    }
    assert_eq!(client.exchange(&code, &[]).await.status, 200);
}

#[tokio::test]
async fn a_stable_refresh_token_serves_again_and_again() {
    let client = Client::start("stable").await;
    let (_, refresh_token) = client.log_in().await;
    for _ in 0..3 {
        let answer = client.refresh(&refresh_token, &[]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(field(&answer, "refresh_token"), "");
    }
    let others = [("client_id", "single-use")];
    assert_refused(
        &client.refresh(&refresh_token, &others).await,
        400,
        "invalid_grant",
    );
    assert_eq!(client.refresh(&refresh_token, &[]).await.status, 200);
    assert_refused(&client.refresh("made-up", &[]).await, 400, "invalid_grant");
    let unknown = client.token(&[("grant_type", "password")], &[]).await;
    assert_refused(&unknown, 400, "unsupported_grant_type");
}

#[tokio::test]
async fn a_single_use_token_that_comes_again_voids_the_grant() {
    let client = Client::start("single-use").await;
    let (_, first) = client.log_in().await;
    let answer = client.refresh(&first, &[]).await;
    let (access_token, second) = (
        field(&answer, "access_token"),
        field(&answer, "refresh_token"),
    );
    assert_ne!(second, first);
    assert_eq!(client.files(&access_token).await, 200);

    assert_refused(&client.refresh(&first, &[]).await, 400, "invalid_grant");
    assert_eq!(client.app.provider.seen().replays, 1);
    assert_eq!(client.files(&access_token).await, 401);
    assert_refused(&client.refresh(&second, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn revoking_either_token_ends_the_grant() {
    let client = Client::start("stable").await;
    let url = client.app.provider.url("/revoke");
    for revoked in [0, 1] {
        let (access_token, refresh_token) = client.log_in().await;
        let token = [&access_token, &refresh_token][revoked];
        let wrong = [
            ("client_id", client.id),
            ("client_secret", "x"),
            ("token", token),
        ];
        assert_eq!(post_form(&url, &wrong).await.status, 401);
        assert_eq!(client.files(&access_token).await, 200);
        let right = [
            ("client_id", client.id),
            ("client_secret", CLIENT_SECRET),
            ("token", token),
        ];
        assert_eq!(post_form(&url, &right).await.status, 200);
        assert_eq!(client.files(&access_token).await, 401);
        assert_refused(
            &client.refresh(&refresh_token, &[]).await,
            400,
            "invalid_grant",
        );
        // RFC 7009: again is no error.
        assert_eq!(post_form(&url, &right).await.status, 200);
    }
}

#[tokio::test]
async fn an_access_token_ends_with_its_time() {
    let client = Client::start("stable").await;
    let (access_token, _) = client.log_in().await;
    client.app.clock.advance(Duration::from_secs(3599));
    assert_eq!(client.files(&access_token).await, 200);
    client.app.clock.advance(Duration::from_secs(1));
    assert_eq!(client.files(&access_token).await, 401);
    assert_eq!(client.files("made-up").await, 401);
}
