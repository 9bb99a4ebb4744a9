//! Habits of Duplicati's backends that no table shows.

use std::time::Duration;

use super::{
    in_words, outcome_of,
    watched::{AUTHID, OAUTH_URL, REASON, TEXT, TOKEN, duplicati},
};
use crate::support::clients::{Backend, Generation, Request, Response};

fn reason(status: u16) -> Response {
    Response::with_reason(status, REASON, TEXT)
}

#[test]
fn a_redirect_takes_the_authid_along() {
    let client = duplicati(
        Generation::V2_2,
        Backend::Box,
        "http://auth.example/refresh",
    );
    let mut urls = Vec::new();
    let outcome = outcome_of(&client, AUTHID, |request| {
        assert_eq!(request.authid, AUTHID);
        urls.push(request.url.clone());
        let response = match request.number {
            1 => Response::redirect(301, "https://elsewhere.example/refresh"),
            2 => Response::redirect(307, "/login"),
            _ => Response::new(200, TOKEN),
        };
        (Duration::ZERO, response)
    });
    assert_eq!(outcome.result.unwrap().access_token, "never-print");
    let expected = [
        "http://auth.example/refresh",
        "https://elsewhere.example/refresh",
        "https://elsewhere.example/login",
    ];
    assert_eq!(urls, expected);
}

#[test]
fn one_good_answer_ends_the_attempts() {
    let client = duplicati(Generation::V2_2, Backend::GoogleDrive, OAUTH_URL);
    for (first, expected) in [
        (reason(502), "works; 2 in 1 s"),
        (reason(401), "works; 2 in 1 s"),
        (Response::Closed, "works; 2"),
    ] {
        let outcome = outcome_of(&client, AUTHID, |request| {
            let response = match request.number {
                1 => first.clone(),
                _ => Response::new(200, TOKEN),
            };
            (Duration::ZERO, response)
        });
        assert_eq!(in_words(&outcome, &[]), expected, "{first:?}");
    }
}

#[test]
fn an_attempt_that_takes_longer_than_25_seconds_is_made_again() {
    for (backend, expected) in [
        (Backend::Box, "\"timed out\"; 6 in 181 s"),
        (Backend::GoogleDrive, "\"timed out\"; 2 in 30 s"),
    ] {
        let client = duplicati(Generation::V2_2, backend, OAUTH_URL);
        let silence = |_: &Request| (Duration::from_secs(3600), Response::Closed);
        let outcome = outcome_of(&client, AUTHID, silence);
        assert_eq!(in_words(&outcome, &[]), expected);
    }
}

#[test]
fn the_login_link_is_the_oauth_url_without_its_path() {
    for (oauth_url, expected) in [
        (OAUTH_URL, "https://auth.example/?type=gcs"),
        (
            "http://me@a.example:81/x/refresh?y=1",
            "http://me@a.example:81/?y=1&type=gcs",
        ),
    ] {
        let client = duplicati(Generation::V2_2, Backend::CloudStorage, oauth_url);
        let answer = |_: &Request| (Duration::ZERO, reason(503));
        let outcome = outcome_of(&client, AUTHID, answer);
        let expected = format!(
            "Failed to authorize using the OAuth service: {REASON}. If the problem persists, try \
             generating a new authid token from: {expected}"
        );
        assert_eq!(outcome.message(), expected);
    }
}

#[test]
fn some_authids_are_never_sent() {
    let answer = |request: &Request| -> (Duration, Response) { panic!("{request:?}") };
    for authid in ["v2:scripted:a\nb", "v2:scripted:\u{feff}a", "v2:scripted:ä"] {
        let client = duplicati(Generation::V2_2, Backend::OneDrive, OAUTH_URL);
        let outcome = outcome_of(&client, authid, answer);
        assert_eq!(in_words(&outcome, &[]), "nothing; 0 in 31 s", "{authid:?}");
    }
    let client = duplicati(Generation::V2_2, Backend::Dropbox, OAUTH_URL);
    let outcome = outcome_of(&client, "never-print-access", answer);
    assert_eq!(outcome.result.unwrap().access_token, "never-print-access");
}

#[test]
fn what_comes_with_a_token_is_read_as_the_clients_read_it() {
    let all = r#"{"access_token":"never-print","expires":3599,"v2_authid":"v2:newer"}"#;
    let error = r#"{"error":"invalid_grant"}"#;
    let too_long = r#"{"access_token":"the body","expires":2147483648}"#;
    for (backend, body, token) in [
        (
            Backend::OneDrive,
            all,
            Some(("never-print", 3599, Some("v2:newer"))),
        ),
        (Backend::Jottacloud, all, Some(("never-print", 3599, None))),
        // A 200 with an error in it is a token that is empty.
        (Backend::OneDrive, error, Some(("", 0, None))),
        (Backend::OneDrive, too_long, None),
    ] {
        let client = duplicati(Generation::V2_2, backend, OAUTH_URL);
        let answer = |_: &Request| (Duration::ZERO, Response::new(200, body));
        let outcome = outcome_of(&client, AUTHID, answer);
        let seen = outcome.result.as_ref().ok().map(|token| {
            let newer = token.newer_authid.as_deref();
            (token.access_token.as_str(), token.expires, newer)
        });
        assert_eq!(seen, token, "{body}");
    }
}
