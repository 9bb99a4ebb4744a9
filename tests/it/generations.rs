//! A provider that replaces the refresh token: who gets which AuthID.

use std::time::Duration;

use authseal::secret::Secret;
use tokio::io::AsyncReadExt;

use crate::support::{
    Answer, Gate, ScriptedProvider, TestApp, connect, gated, json, send_refresh, tokens,
};

fn newest(answer: &Answer) -> Option<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["v2_authid"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn every_holder_gets_the_newest_authid_but_the_one_who_has_it() {
    let app = TestApp::start().await;
    let at_login = app.authid("single-use").await;
    let second = newest(&app.refresh(&at_login).await).expect("the token was replaced");
    assert_ne!(second, at_login);
    // Cached: the same again, and nothing for who has it.
    assert_eq!(
        newest(&app.refresh(&at_login).await).as_ref(),
        Some(&second)
    );
    assert_eq!(newest(&app.refresh(&second).await), None);
    assert_eq!(app.provider.seen().refreshes, 1);

    app.clock.advance(Duration::from_secs(3600));
    let third = newest(&app.refresh(&second).await).expect("replaced again");
    for older in [&at_login, &second] {
        assert_eq!(newest(&app.refresh(older).await).as_ref(), Some(&third));
    }
    assert_eq!(newest(&app.refresh(&third).await), None);
    assert_eq!(app.provider.seen().refreshes, 2);
    assert_eq!(app.provider.seen().replays, 0);

    let grants = [&at_login, &second, &third].map(|authid| app.open(authid));
    assert_eq!(grants.each_ref().map(|grant| grant.generation), [0, 1, 2]);
    assert!(
        grants
            .iter()
            .all(|grant| grant.lineage == grants[0].lineage)
    );
}

#[tokio::test]
async fn a_refresh_token_that_comes_back_unchanged_makes_no_new_authid() {
    let provider = ScriptedProvider::start(|asked| {
        tokens("never-print-access", Some(&asked.field("refresh_token")))
    });
    let app = TestApp::builder().scripted(&provider, "sliding");
    let app = app.start().await;
    let authid = app.seal("scripted", "never-print-first");
    assert_eq!(newest(&app.refresh(&authid).await), None);
}

#[tokio::test]
async fn an_older_authid_that_is_refused_does_not_fail_a_newer_one() {
    let gate = Gate::closed();
    let provider = gated(&gate, |asked| {
        if asked.field("refresh_token") == "never-print-old" {
            json("400 Bad Request", r#"{"error":"invalid_grant"}"#)
        } else {
            tokens("never-print-access", None)
        }
    });
    let app = TestApp::builder().scripted(&provider, "single-use");
    let app = app.start().await;
    let old = app.seal("scripted", "never-print-old");
    let mut grant = app.open(&old);
    grant.generation = 1;
    grant.refresh_token = Secret::new("never-print-new");
    let new = app.reseal(&grant);

    let holder_of_old = async {
        assert_eq!(app.refresh(&old).await.status, 401);
    };
    let holder_of_new = async {
        provider.asked_times(1).await;
        let mut stream = connect(&app).await;
        send_refresh(&mut stream, &new).await;
        gate.open();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    };
    tokio::join!(holder_of_old, holder_of_new);
    assert_eq!(provider.asked().len(), 2);
}
