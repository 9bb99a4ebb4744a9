//! What an administrator does to the keys, and how soon a running server follows.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::support::{Answer, Installation, PATIENCE, ServerProcess, eventually};

/// What is promised. Measured times are printed; a busy machine may take longer.
const PROMISED: Duration = Duration::from_secs(2);

/// An AuthID whose access token is cached.
async fn cached(installation: &Installation, server: &ServerProcess) -> String {
    let authid = installation.log_in("stable");
    let first = access_token(&server.refresh(&authid).await);
    assert_eq!(access_token(&server.refresh(&authid).await), first);
    authid
}

fn access_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// Waits until the AuthID is refused, and returns why.
async fn refused(server: &ServerProcess, authid: &str) -> String {
    eventually("the AuthID is refused", async || {
        let answer = server.refresh(authid).await;
        let reason = answer.header("x-reason").to_owned();
        match answer.status.as_u16() {
            200 => None,
            401 => Some(reason),
            _ => panic!("{answer:?}"),
        }
    })
    .await
}

fn measured(what: &str, since: Instant) {
    let took = since.elapsed();
    println!("{what} took effect after {} ms", took.as_millis());
    if took > PROMISED {
        println!("that is longer than the promised {PROMISED:?}");
    }
    assert!(took < PATIENCE / 4, "{what}: {took:?}");
}

#[tokio::test]
async fn retiring_removing_and_revoking_end_cached_access_tokens_within_two_seconds() {
    let (installation, _) = Installation::with_key().await;
    let server = installation.serve().await;
    for round in 0..3 {
        let revoked = cached(&installation, &server).await;
        let command = ["revoke", &revoked];
        installation.run(&command).await.good();
        let since = Instant::now();
        let reason = refused(&server, &revoked).await;
        measured("revoking", since);
        assert!(reason.contains("has been revoked"), "{reason}");

        let other = cached(&installation, &server).await;
        let kid = installation.open(&other).kid;
        let next = installation.new_key(&[]).await;
        server.knows_key(&next).await;
        // What a new key does to cached tokens is none of this.
        assert_eq!(server.refresh(&other).await.status, 200);
        let command = match round % 2 {
            0 => vec!["keys", "retire", &kid],
            _ => vec!["keys", "remove", &kid, "--yes"],
        };
        installation.run(&command).await.good();
        let since = Instant::now();
        let reason = refused(&server, &other).await;
        let (what, why) = match round % 2 {
            0 => ("retiring", "has been retired"),
            _ => ("removing", "does not have the key"),
        };
        measured(what, since);
        assert!(
            reason.contains(why) && reason.contains("Log in again"),
            "{reason}"
        );
    }
    let authid = installation.log_in("stable");
    assert_eq!(server.refresh(&authid).await.status, 200);
    let revoked_hits = server
        .scrape()
        .await
        .sum("authseal_revoked_hits_total", &[]);
    assert!(revoked_hits >= 3.0);
}

#[tokio::test]
async fn a_revocation_that_is_taken_back_is_forgotten_as_soon() {
    let (installation, _) = Installation::with_key().await;
    let server = installation.serve().await;
    let authid = cached(&installation, &server).await;
    installation.run(&["revoke", &authid]).await.good();
    refused(&server, &authid).await;
    let undo = ["revoke", "--undo", &authid, "--reason", "found again"];
    installation.run(&undo).await.good();
    eventually("the AuthID is good again", async || {
        (server.refresh(&authid).await.status == 200).then_some(())
    })
    .await;
}

/// As after an unmount and a mount: the kernel's notices are of the folder that is
/// gone, so this is how soon a network mount is followed.
#[tokio::test]
async fn a_folder_that_was_exchanged_is_followed_as_soon() {
    let (installation, kid) = Installation::with_key().await;
    let server = installation.serve().await;
    let authids = [(); 3].map(|()| installation.log_in("stable"));
    let aside = installation.keys_dir.with_extension("new");
    fs::create_dir(&aside).unwrap();
    let key = format!("{kid}.jwk");
    fs::copy(installation.key_path(&kid), aside.join(&key)).unwrap();
    fs::rename(&installation.keys_dir, aside.with_extension("old")).unwrap();
    fs::rename(&aside, &installation.keys_dir).unwrap();
    for authid in authids {
        assert_eq!(server.refresh(&authid).await.status, 200);
        installation.run(&["revoke", &authid]).await.good();
        let since = Instant::now();
        refused(&server, &authid).await;
        measured("revoking in a folder that is only looked at", since);
    }
}

#[tokio::test]
async fn sighup_reloads_at_once() {
    let (installation, _) = Installation::with_key().await;
    let server = installation.serve().await;
    let reloads = async || {
        let scrape = server.scrape().await;
        scrape.sum("authseal_key_reloads_total", &[])
    };
    // Nothing changes meanwhile, so that nothing else makes it reload.
    eventually("the load of the start", async || {
        (reloads().await == 1.0).then_some(())
    })
    .await;
    for expected in 2..6 {
        let since = Instant::now();
        server.program.hang_up().await;
        eventually("SIGHUP reloads", async || {
            (reloads().await == f64::from(expected)).then_some(())
        })
        .await;
        measured("SIGHUP", since);
    }
    // What was worked out under the same keys is still good.
    let authid = cached(&installation, &server).await;
    let token = access_token(&server.refresh(&authid).await);
    server.program.hang_up().await;
    eventually("SIGHUP reloads", async || {
        (reloads().await == 6.0).then_some(())
    })
    .await;
    assert_eq!(access_token(&server.refresh(&authid).await), token);
}

#[tokio::test]
async fn sighup_leaves_a_server_alone_whose_keys_stand_in_the_environment() {
    let (installation, _) = Installation::with_key().await;
    let set = installation.run(&["keys", "export"]).await;
    let mut environment = installation.environment();
    environment.retain(|(name, _)| *name != "AUTHSEAL_KEYS_DIR");
    environment.push(("AUTHSEAL_KEYS", set.good()));
    let server = ServerProcess::start(&environment).await;
    server.program.hang_up().await;
    eventually("SIGHUP reloads", async || {
        let scrape = server.scrape().await;
        (scrape.sum("authseal_key_reloads_total", &[]) >= 1.0).then_some(())
    })
    .await;
    let authid = installation.log_in("stable");
    assert_eq!(server.refresh(&authid).await.status, 200);
}
