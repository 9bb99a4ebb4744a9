//! Rules in revoked.txt: every login of a service, of a key, or of all, that was made before
//! a time. No way of an AuthID leads past them.

use std::time::Duration;

use authseal::{
    clock::UnixTime,
    keyring::{KeyFolder, Revocation, Scope},
    seal::Grant,
};

use crate::support::{
    Answer, Client, Gate, Installation, Piece, ScriptedProvider, TestApp, TestAppBuilder,
    aes_crypt, post_form, send, tokens,
};

const V1_ID: &str = "0123456789abcdef0123456789abcdef";

impl TestApp {
    fn kid_of(&self, authid: &str) -> String {
        let keys = self.app.keyring.current();
        authseal::seal::open(&keys, self.clock.now(), authid)
            .unwrap()
            .kid
            .into()
    }

    /// Makes a rule, or takes it back.
    fn rule(&self, scope: &Scope, before: UnixTime, is_revoked: bool) {
        let rule = Revocation::Rule(scope.clone(), before);
        let folder = KeyFolder::new(&self.keys_dir);
        folder.set_revoked(&rule, is_revoked, None).unwrap();
        self.app.keyring.reload().unwrap();
    }

    /// The status of every way to an access token or a newer AuthID.
    async fn every_way(&self, authid: &str) -> [u16; 5] {
        let url = |path: &str| format!("{}{path}", self.url);
        let grant = [("grant_type", "refresh_token"), ("refresh_token", authid)];
        let header = http::Request::post(url("/renewed")).header("x-authid", authid);
        [
            self.refresh(authid).await,
            // The second one comes from the cache.
            self.refresh(authid).await,
            post_form(&url("/token"), &grant).await,
            send(header.body(Default::default()).unwrap()).await,
            post_form(&url("/renewed"), &[("authid", authid)]).await,
        ]
        .map(|answer| answer.status.as_u16())
    }

    async fn is_refused(&self, authid: &str, what: &str) {
        let ways = self.every_way(authid).await;
        assert_eq!(ways, [401, 401, 400, 401, 401], "{what}");
    }

    async fn is_good(&self, authid: &str, what: &str) {
        assert_eq!(self.every_way(authid).await, [200; 5], "{what}");
    }

    /// Another key, which seals from now on.
    fn next_key(&self) -> String {
        let folder = KeyFolder::new(&self.keys_dir);
        let key = folder.create_key(self.clock.now(), Duration::ZERO).unwrap();
        self.app.keyring.reload().unwrap();
        key.kid
    }
}

fn newest(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["v2_authid"].as_str().unwrap().to_owned()
}

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_rule_holds_on_every_way_for_logins_before_its_time_and_for_no_others() {
    let app = TestApp::start().await;
    let before = app.authid("stable").await;
    let kid = app.kid_of(&before);
    app.is_good(&before, "before any rule").await;
    app.clock.advance(A_DAY);
    let time = app.clock.now();
    let at_that_time = app.authid("stable").await;
    for (scope, other) in [
        (Scope::All, None),
        (
            Scope::Service("stable".into()),
            Some(Scope::Service("single-use".into())),
        ),
        (Scope::Kid(kid), Some(Scope::Kid("another".into()))),
    ] {
        if let Some(other) = other {
            app.rule(&other, time, true);
            app.is_good(&before, "a rule on something else").await;
        }
        app.rule(&scope, time, true);
        app.is_refused(&before, &scope.to_string()).await;
        app.is_good(&at_that_time, &scope.to_string()).await;
        app.rule(&scope, time, false);
        app.is_good(&before, "after undoing").await;
    }
}

/// A replaced refresh token and a newer key make new AuthIDs with a new `iat`.
#[tokio::test]
async fn no_renewal_leads_out_of_a_rule() {
    let app = TestApp::start().await;
    for service in ["stable", "single-use"] {
        let first = app.authid(service).await;
        let login = app.open(&first);
        let mut authids = vec![first];
        let mut kids = vec![app.kid_of(&authids[0])];
        // Several times, each under a key of its own.
        for _ in 0..3 {
            app.clock.advance(A_DAY);
            kids.push(app.next_key());
            let last = authids.last().unwrap();
            let next = newest(&app.refresh(last).await);
            assert_ne!(app.open(&next).issued_at, login.issued_at);
            assert_eq!(app.open(&next).logged_in_at(), login.issued_at);
            authids.push(next);
        }
        let newest = authids.last().unwrap();
        let now = app.clock.now();
        let just_after = UnixTime(login.issued_at.0 + 1);
        let mut scopes = vec![
            (Scope::All, just_after),
            (Scope::Service(service.into()), just_after),
        ];
        scopes.extend(kids[..3].iter().map(|kid| (Scope::Kid(kid.clone()), now)));
        assert_eq!(app.open(newest).ancestry.kids, kids);
        for (scope, time) in scopes {
            app.rule(&scope, time, true);
            app.is_refused(newest, &format!("{service} {scope}")).await;
            app.rule(&scope, time, false);
            app.is_good(newest, &format!("{service} {scope}")).await;
        }
    }
}

/// What is presented was never sealed under the key of the rule. What this server remembers
/// of the login was.
#[tokio::test]
async fn the_newest_authid_that_is_remembered_is_under_the_rules_too() {
    let app = TestApp::start().await;
    let first = app.authid("single-use").await;
    let new = app.next_key();
    let newest = newest(&app.refresh(&first).await);
    assert_eq!(app.kid_of(&newest), new);
    let now = UnixTime(app.clock.now().0 + 1);
    app.rule(&Scope::Kid(new.clone()), now, true);
    app.is_refused(&newest, "the newest").await;
    app.is_refused(&first, "the first, served by the newest")
        .await;
    app.rule(&Scope::Kid(new), now, false);
    app.is_good(&first, "after undoing").await;
}

/// The same, where the rule comes while the provider is asked.
#[tokio::test]
async fn a_rule_that_comes_meanwhile_holds_for_the_newest_authid_too() {
    let provider = ScriptedProvider::start(|_| tokens("access", Some("newer")));
    let app = TestApp::builder().scripted(&provider, "single-use");
    let app = app.start().await;
    let first = app.seal("scripted", "first");
    let new = app.next_key();
    assert_eq!(app.kid_of(&newest(&app.refresh(&first).await)), new);
    // Nothing is cached under the next set of keys.
    app.next_key();
    let gate = Gate::closed();
    let held = gate.clone();
    provider.script(move |_| {
        let mut pieces = vec![Piece::Wait(held.clone())];
        pieces.extend(tokens("access", Some("newest")));
        pieces
    });
    let request = http::Request::get(format!("{}/refresh", app.url)).header("x-authid", first);
    let request = request.body(Default::default()).unwrap();
    let asking = tokio::spawn(async move { Client::new().send(request).await });
    provider.asked_times(2).await;
    let now = UnixTime(app.clock.now().0 + 1);
    app.rule(&Scope::Kid(new), now, true);
    gate.open();
    let answer = asking.await.unwrap();
    assert_eq!(answer.status, 401, "{answer:?}");
}

fn moving_in(storage: &std::path::Path) -> TestAppBuilder {
    TestApp::builder()
        .env("AUTHSEAL_V1_STORAGE", storage.to_str().unwrap())
        .env("AUTHSEAL_ACCEPT_V2_PLAIN", "true")
}

/// Nobody knows when it was made, so it is older than any time.
#[tokio::test]
async fn old_authids_and_what_was_sealed_of_them_are_under_every_rule() {
    let storage = tempfile::tempdir().unwrap();
    let app = moving_in(storage.path()).start().await;
    let issue = || app.provider.issue_refresh_token("stable").unwrap();
    let file = serde_json::json!({"ServiceId": "stable", "RefreshToken": issue()});
    let file = aes_crypt(file.to_string().as_bytes(), "password");
    std::fs::write(storage.path().join(V1_ID), file).unwrap();
    for old in [
        format!("v2:stable:{}", issue()),
        format!("{V1_ID}:password"),
    ] {
        let sealed = newest(&app.refresh(&old).await);
        app.clock.advance(A_DAY);
        let new_key = app.next_key();
        let resealed = newest(&app.refresh(&sealed).await);
        assert_eq!(app.kid_of(&resealed), new_key);
        for scope in [Scope::All, Scope::Service("stable".into())] {
            let long_ago = UnixTime(1);
            app.rule(&scope, long_ago, true);
            for authid in [&old, &sealed, &resealed] {
                app.is_refused(authid, &scope.to_string()).await;
            }
            app.rule(&scope, long_ago, false);
        }
        let other = Scope::Service("single-use".into());
        app.rule(&other, app.clock.now(), true);
        app.is_good(&old, "a rule on another service").await;
        app.is_good(&resealed, "a rule on another service").await;
    }
}

/// As versions before the rules sealed it: its own time is all that it says.
#[tokio::test]
async fn an_authid_that_names_no_login_counts_from_its_own_time() {
    let app = TestApp::start().await;
    let time = app.clock.now();
    let plain = app.reseal(&Grant {
        generation: 7,
        ancestry: Default::default(),
        terms: None,
        ..app.open(&app.authid("stable").await)
    });
    app.clock.advance(A_DAY);
    app.rule(&Scope::All, time, true);
    app.is_good(&plain, "issued at that time").await;
    app.next_key();
    let resealed = newest(&app.refresh(&plain).await);
    app.rule(&Scope::All, UnixTime(time.0 + 1), true);
    app.is_refused(&plain, "issued before").await;
    app.is_refused(&resealed, "resealed since").await;
}

/// Ending a login is the one thing that a revoked AuthID is still good for.
#[tokio::test]
async fn a_revoked_login_can_still_be_ended_at_its_provider() {
    let revocable =
        crate::support::ScriptedProvider::start(|_| crate::support::json("200 OK", "{}"));
    let url = revocable.url("/revoke");
    let tables = format!(
        "[provider.ending]\nname = \"Ending\"\ncredentials = [\"ENDING\"]\nrefresh_tokens = \
         \"stable\"\ntoken_url = \"{url}\"\nauthorize_url = \"{url}\"\nrevoke_url = \"{url}\"\n\
         [service.ending]\nprovider = \"ending\"\nname = \"Ending\"\naliases = [\"finishing\"]\n"
    );
    let app = TestApp::builder()
        .tables(&tables)
        .env("ENDING_CLIENT_ID", "x")
        .env("ENDING_CLIENT_SECRET", "y")
        .start()
        .await;
    let authid = app.seal("ending", "the-refresh-token");
    let by_alias = app.seal("finishing", "another-refresh-token");
    app.clock.advance(A_DAY);
    app.rule(&Scope::Service("ending".into()), app.clock.now(), true);
    for authid in [&authid, &by_alias] {
        app.is_refused(authid, "the service").await;
        let ended = post_form(&format!("{}/revoked", app.url), &[("authid", authid)]).await;
        assert_eq!(ended.status, 200, "{ended:?}");
        let ended = post_form(&format!("{}/oauth2/revoke", app.url), &[("token", authid)]).await;
        assert_eq!(ended.status, 200, "{ended:?}");
        app.is_refused(authid, "the service, afterwards").await;
    }
}

#[tokio::test]
async fn the_command_makes_rules_and_takes_them_back() {
    let (installation, kid) = Installation::with_key().await;
    let server = installation.serve().await;
    let authid = installation.log_in("stable");
    let refused = async |expected: u16| {
        crate::support::eventually(&format!("the answer is {expected}"), async || {
            (server.refresh(&authid).await.status == expected).then_some(())
        })
        .await;
    };
    for scope in [&["--all"][..], &["--service", "stable"], &["--kid", &kid]] {
        let rule = [
            &["revoke"],
            scope,
            &["--before", "now", "--reason", "a leak"],
        ]
        .concat();
        let done = installation.run(&rule).await;
        assert!(done.good().starts_with("Revoked "), "{done:?}");
        assert!(done.good().contains("revoke it there too"));
        refused(401).await;
        let undo = [&["revoke", "--undo"], scope].concat();
        let undone = installation.run(&undo).await;
        assert!(undone.good().starts_with("Undid "), "{undone:?}");
        refused(200).await;
        let again = installation.run(&undo).await;
        assert!(again.bad().contains("there is no rule on "), "{again:?}");
    }
    let rule = ["revoke", "--service", "stable", "--before", "2026-01-31"];
    installation.run(&rule).await.good();
    let again = installation.run(&rule).await;
    assert!(again.good().contains(" already."), "{again:?}");
    let text = std::fs::read_to_string(installation.keys_dir.join("revoked.txt")).unwrap();
    assert!(
        text.ends_with("\nservice=stable before=2026-01-31T00:00:00Z\n"),
        "{text}"
    );
    refused(200).await;
}

#[tokio::test]
async fn a_rule_that_would_hold_for_nobody_or_for_too_many_is_refused() {
    let (installation, kid) = Installation::with_key().await;
    for (arguments, code, hint) in [
        (&["--all"][..], 1, "add --before"),
        (&["--service", "stable"], 1, "add --before"),
        (
            &["--service", "stabel", "--before", "now"],
            1,
            "no service stabel",
        ),
        (
            &["--kid", "none", "--before", "now"],
            1,
            "never had a key none",
        ),
        (
            &["--kid", "../x", "--before", "now"],
            1,
            "never had a key ../x",
        ),
        (&["--all", "--before", "2099-01-01"], 1, "still to come"),
        (&["--all", "--before", "soon"], 1, "2026-11-01T12:00:00Z"),
        (&["--before", "now"], 2, "--before"),
        (
            &["--all", "--kid", &kid, "--before", "now"],
            2,
            "cannot be used with",
        ),
        (
            &["abc", "--all", "--before", "now"],
            1,
            "either a login or a rule",
        ),
        (&["--undo", "--all"], 1, "there is no rule on all"),
    ] {
        let command = [&["revoke"], arguments].concat();
        let refused = installation.run(&command).await;
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(refused.stderr.contains(hint), "{refused:?}");
    }
    assert!(!installation.keys_dir.join("revoked.txt").exists());
    let checked = |text: &'static str| {
        std::fs::write(installation.keys_dir.join("revoked.txt"), text).unwrap();
        installation.run(&["check"])
    };
    let unknown = checked("service=stabel before=2026-01-01\n").await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        unknown.stderr.contains("stabel, which does not exist"),
        "{unknown:?}"
    );
}
