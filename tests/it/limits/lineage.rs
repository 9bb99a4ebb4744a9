//! AuthIDs of one login with different limits: each keeps its own, whatever memory, store and
//! cache have of the login.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use authseal::seal::UseLimits;

use super::{HOUR, authid_in, limits, limits_of, post, token, with_limits};
use crate::support::{Gate, ScriptedProvider, TestApp, gated, get, key_file, tokens};

/// A wide and a narrow AuthID of one login, and the limits of the narrow one.
struct Pair {
    wide: String,
    narrow: String,
    limits: UseLimits,
}

impl Pair {
    async fn of(app: &TestApp, service: &str) -> Self {
        let wide = app.authid(service).await;
        let until = app.clock.now().plus(1000 * HOUR);
        let limits = limits(Some(until), "127.0.0.0/8", 1000);
        let narrow = with_limits(app, &wide, limits.clone());
        Self {
            wide,
            narrow,
            limits,
        }
    }

    /// Uses the narrow one in every way that gives an AuthID, and the wide one in between.
    async fn check(&self, app: &TestApp) {
        for authid in [&self.narrow, &self.wide, &self.narrow] {
            let expected = match authid == &self.narrow {
                true => self.limits.clone(),
                false => UseLimits::default(),
            };
            let given = [
                authid_in(&app.refresh(authid).await, "v2_authid"),
                // From the cache.
                authid_in(&app.refresh(authid).await, "v2_authid"),
                authid_in(&token(app, authid).await, "refresh_token"),
                authid_in(&post(app, "/renewed", authid).await, "authid"),
            ];
            for newer in given {
                assert_eq!(limits_of(app, &newer), expected);
                assert!(app.open(&newer).generation > 0);
                assert_eq!(app.refresh(&newer).await.status, 200);
            }
            app.clock.advance(HOUR);
        }
    }
}

#[tokio::test]
async fn a_replaced_token_goes_out_with_the_limits_of_the_authid_that_asks() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file:{}", folder.path().join("store").display());
    for store in ["", &url] {
        let app = TestApp::builder().env("AUTHSEAL_STORE_URL", store);
        let app = app.start().await;
        let pair = Pair::of(&app, "single-use").await;
        pair.check(&app).await;
        // Under a new key too.
        app.new_key();
        pair.check(&app).await;
        assert_eq!(app.provider.seen().replays, 0);
    }
}

#[tokio::test]
async fn a_stored_token_of_a_narrow_authid_is_the_wide_ones_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file:{}", folder.path().join("store").display());
    let provider = ScriptedProvider::start(|asked| {
        let next = format!("{}x", asked.field("refresh_token"));
        tokens("never-print-access", Some(&next))
    });
    let builder = || {
        let app = TestApp::builder().scripted(&provider, "single-use");
        app.env("AUTHSEAL_STORE_URL", &url)
    };
    let app = builder().start().await;
    let key = std::fs::read(key_file(&app.keys_dir)).unwrap();
    let wide = app.seal("scripted", "never-print-");
    let narrow = limits(None, "127.0.0.0/8", 0);
    let narrowed = with_limits(&app, &wide, narrow.clone());
    authid_in(&app.refresh(&narrowed).await, "v2_authid");
    let kid = app.kid(&wide);
    app.stop().await;

    let app = builder().start().await;
    let path = app.keys_dir.join(format!("{kid}.jwk"));
    fs::write(&path, key).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    app.app.keyring.reload().unwrap();
    for (authid, expected) in [(&wide, UseLimits::default()), (&narrowed, narrow)] {
        let newer = authid_in(&app.refresh(authid).await, "v2_authid");
        assert_eq!(limits_of(&app, &newer), expected);
    }
}

#[tokio::test]
async fn requests_that_share_a_call_get_their_own_limits_back() {
    let gate = Gate::closed();
    let provider = gated(&gate, |_| {
        tokens("never-print-access", Some("never-print-new"))
    });
    let app = TestApp::builder().scripted(&provider, "single-use");
    let app = app.start().await;
    let login = app.seal("scripted", "never-print-old");
    let narrow = limits(None, "127.0.0.0/8", 0);
    let narrower = limits(Some(app.clock.now().plus(HOUR)), "127.0.0.1/32", 3);
    let authids = [
        (login.clone(), UseLimits::default()),
        (with_limits(&app, &login, narrow.clone()), narrow),
        (with_limits(&app, &login, narrower.clone()), narrower),
    ];
    let url = format!("{}/refresh", app.url);
    let ask = async |(authid, limits): &(String, UseLimits)| {
        let newer = authid_in(&get(&url, &[("X-AuthID", authid)]).await, "v2_authid");
        assert_eq!(&limits_of(&app, &newer), limits);
    };
    let open = async {
        provider.asked_times(1).await;
        gate.open();
    };
    let [one, two, three] = &authids;
    tokio::join!(ask(two), ask(one), ask(three), open);
    assert_eq!(provider.asked().len(), 1);
}

#[tokio::test]
async fn an_authid_under_an_older_key_comes_back_with_its_limits() {
    let app = TestApp::start().await;
    let pair = Pair::of(&app, "stable").await;
    app.new_key();
    for authid in [&pair.narrow, &format!("\"{}\",\n", pair.narrow)] {
        let newer = authid_in(
            &get(
                &format!("{}/refresh", app.url),
                &[("X-AuthID", authid.trim())],
            )
            .await,
            "v2_authid",
        );
        assert_eq!(limits_of(&app, &newer), pair.limits);
        assert_ne!(app.kid(&newer), app.kid(&pair.narrow));
    }
}

#[tokio::test]
async fn an_authid_of_oauth_server_is_used_as_one_that_is_made_now() {
    let builder = |networks| {
        TestApp::builder()
            .env("AUTHSEAL_ACCEPT_V2_PLAIN", "true")
            .env("AUTHSEAL_AUTHID_LIFETIME", "30d")
            .env("AUTHSEAL_AUTHID_NETWORKS", networks)
    };
    let app = builder("127.0.0.0/8").start().await;
    let refresh_token = app.provider.issue_refresh_token("stable").unwrap();
    let clear = format!("v2:stable:{refresh_token}");
    let sealed = authid_in(&app.refresh(&clear).await, "v2_authid");
    let until = app.clock.now().plus(Duration::from_secs(30 * 24 * 3600));
    assert_eq!(
        limits_of(&app, &sealed),
        limits(Some(until), "127.0.0.0/8", 0)
    );

    let app = builder("192.0.2.0/24").start().await;
    let refused = app.refresh(&clear).await;
    assert_eq!(refused.status, 401);
    assert!(
        refused.header("x-reason").contains("from some networks"),
        "{refused:?}"
    );
    assert_eq!(app.provider.seen().refreshes, 0);
}
