//! An older AuthID in, the newest one out: /renew and /renewed.

use std::time::Duration;

use authseal::{keyring::KeyFolder, seal};

use crate::support::{Answer, TestApp, authid_on, form_request, get, post_form, send};

impl TestApp {
    /// A key that seals from now on; returns its id.
    pub fn new_key(&self) -> String {
        // Of two keys of one second, either may seal.
        self.clock.advance(Duration::from_secs(1));
        let folder = KeyFolder::new(&self.keys_dir);
        let key = folder.create_key(self.clock.now(), Duration::ZERO).unwrap();
        self.app.keyring.reload().unwrap();
        key.kid
    }

    pub fn kid(&self, authid: &str) -> String {
        let keys = self.app.keyring.current();
        let opened = seal::open(&keys, self.clock.now(), authid);
        opened.unwrap().kid.into()
    }

    async fn renew_by_form(&self, authid: &str) -> Answer {
        post_form(&format!("{}/renewed", self.url), &[("authid", authid)]).await
    }

    async fn renew_by_header(&self, authid: &str) -> Answer {
        let mut request = form_request(&format!("{}/renewed", self.url), &[]);
        let value = authid.parse().unwrap();
        request.headers_mut().insert("X-AuthID", value);
        send(request).await
    }

    /// Ends the grant at the provider.
    async fn withdraw(&self, service: &str, authid: &str) {
        let grant = self.open(authid);
        let fields = [
            ("client_id", service),
            ("client_secret", crate::support::CLIENT_SECRET),
            ("token", grant.refresh_token.expose()),
        ];
        post_form(&self.provider.url("/revoke"), &fields)
            .await
            .good();
    }
}

pub fn v2_authid(answer: &Answer) -> Option<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["v2_authid"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn renewing_gives_the_newest_refresh_token_under_the_newest_key_and_asks_once() {
    for (service, generation) in [("stable", 0), ("single-use", 1)] {
        for by_header in [false, true] {
            let app = TestApp::start().await;
            let at_login = app.authid(service).await;
            let newest_key = app.new_key();
            let renewed = if by_header {
                let answer = app.renew_by_header(&at_login).await.good();
                assert_eq!(answer.header("cache-control"), "no-store");
                assert_eq!(answer.json()["type"], service);
                answer.json()["authid"].as_str().unwrap().to_owned()
            } else {
                let page = app.renew_by_form(&at_login).await.good();
                assert_eq!(page.header("cache-control"), "no-store");
                authid_on(&page.body)
            };
            assert_eq!(app.provider.seen().refreshes, 1);
            assert_eq!(app.kid(&renewed), newest_key);
            let (before, after) = (app.open(&at_login), app.open(&renewed));
            assert_eq!(after.generation, generation);
            assert_eq!(after.lineage, before.lineage);
            assert_eq!(after.issued_at, app.clock.now());
            assert_eq!(after.refresh_token == before.refresh_token, generation == 0);
            // What the provider gave meanwhile is cached, so nobody asks again.
            assert_eq!(v2_authid(&app.refresh(&renewed).await), None);
            assert_eq!(app.provider.seen().refreshes, 1);
            // And without the key of the login.
            app.clock.advance(Duration::from_secs(3600));
            assert_eq!(app.refresh(&renewed).await.status, 200);
            assert_eq!(app.provider.seen().replays, 0);
        }
    }
}

#[tokio::test]
async fn renewing_asks_the_provider_even_if_an_access_token_is_cached() {
    let app = TestApp::start().await;
    for service in ["stable", "single-use"] {
        let authid = app.authid(service).await;
        assert_eq!(app.refresh(&authid).await.status, 200);
        let before = app.provider.seen().refreshes;
        let renewed = app.renew_by_header(&authid).await.good();
        assert_eq!(app.provider.seen().refreshes, before + 1);
        let renewed = renewed.json()["authid"].as_str().unwrap().to_owned();
        app.withdraw(service, &renewed).await;
        // The cached access token does not hide it.
        for refused in [
            app.renew_by_header(&renewed).await,
            app.renew_by_form(&renewed).await,
        ] {
            assert_eq!(refused.status, 401, "{refused:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_renewed_is_refused_as_at_refresh_and_says_why() {
    let app = TestApp::start().await;
    let good = app.authid("stable").await;
    let dead = app.authid("stable").await;
    app.withdraw("stable", &dead).await;
    let revoked = app.authid("stable").await;
    let lineage = app.open(&revoked).lineage.to_string();
    let folder = KeyFolder::new(&app.keys_dir);
    folder.revoke(&lineage, None).unwrap();
    app.app.keyring.reload().unwrap();
    let middle = good.len() - 40;
    let letter = if &good[middle..=middle] == "A" {
        "B"
    } else {
        "A"
    };
    let tampered = format!("{}{letter}{}", &good[..middle], &good[middle + 1..]);
    let calls = app.provider.seen();
    for (authid, status, why) in [
        (dead.as_str(), 401, "no longer accepts this login"),
        (&revoked, 401, "has been revoked"),
        (&tampered, 401, "damaged"),
        (
            &good.replace(":stable:", ":single-use:"),
            401,
            "another service",
        ),
        ("something", 401, "not an AuthID"),
        ("", 401, "no AuthID"),
    ] {
        let answer = app.renew_by_header(authid).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(
            answer
                .header("x-reason")
                .to_lowercase()
                .contains(&why.to_lowercase())
        );
        assert!(answer.json()["error_description"].is_string());
        let page = app.renew_by_form(authid).await;
        assert_eq!(page.status, status, "{page:?}");
        assert!(page.body.contains("The AuthID is not renewed"), "{page:?}");
        assert!(
            page.body.to_lowercase().contains(&why.to_lowercase()),
            "{page:?}"
        );
    }
    let seen = app.provider.seen();
    assert_eq!(
        (seen.refreshes, seen.refusals),
        (calls.refreshes, calls.refusals + 2)
    );
    let without = post_form(&format!("{}/renewed", app.url), &[]).await;
    assert_eq!(without.status, 401, "{without:?}");
}

#[tokio::test]
async fn the_page_asks_for_an_authid_and_changes_nothing() {
    let app = TestApp::start().await;
    let page = get(&format!("{}/renew", app.url), &[]).await;
    assert_eq!(page.status, 200);
    for part in [
        "method=\"post\"",
        "action=\"/renewed\"",
        "name=\"authid\"",
        "Renew",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let authid = app.authid("stable").await;
    let by_get = get(&format!("{}/renewed?authid={authid}", app.url), &[]).await;
    assert_eq!(
        (by_get.status.as_u16(), by_get.header("allow")),
        (405, "POST")
    );
    assert_eq!(app.provider.seen().refreshes, 0);
}
