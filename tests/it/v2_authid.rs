//! A refresh brings a newer AuthID when another key seals than the one it is under.

use std::time::Duration;

use authseal::keyring::KeyFolder;

use super::renew::v2_authid;
use crate::support::TestApp;

#[tokio::test]
async fn a_refresh_replaces_an_authid_exactly_when_another_key_seals() {
    for service in ["stable", "single-use"] {
        let app = TestApp::start().await;
        let at_login = app.authid(service).await;
        let first = v2_authid(&app.refresh(&at_login).await);
        assert_eq!(first.is_none(), service == "stable");
        let holds = first.unwrap_or(at_login);
        assert_eq!(
            v2_authid(&app.refresh(&holds).await),
            None,
            "its key still seals"
        );

        let key = app.new_key();
        for (when, calls) in [("not cached", 2), ("cached", 2)] {
            let newer = v2_authid(&app.refresh(&holds).await).expect(when);
            assert_eq!(app.kid(&newer), key, "{service}, {when}");
            assert_eq!(app.provider.seen().refreshes, calls, "{service}, {when}");
            assert_eq!(v2_authid(&app.refresh(&newer).await), None);
            assert_eq!(app.open(&newer).lineage, app.open(&holds).lineage);
        }
        assert_eq!(app.provider.seen().replays, 0);
    }
}

#[tokio::test]
async fn a_key_that_starts_to_seal_replaces_what_is_cached_too() {
    for service in ["stable", "single-use"] {
        let app = TestApp::start().await;
        let folder = KeyFolder::new(&app.keys_dir);
        let in_a_minute = Duration::from_secs(60);
        let pending = folder.create_key(app.clock.now(), in_a_minute).unwrap().kid;
        app.app.keyring.reload().unwrap();
        let authid = app.authid(service).await;
        let before = v2_authid(&app.refresh(&authid).await);
        assert_ne!(before.map(|authid| app.kid(&authid)), Some(pending.clone()));
        // No file changes when it is time.
        app.clock.advance(in_a_minute);
        let after = v2_authid(&app.refresh(&authid).await).expect("a newer one");
        assert_eq!(app.kid(&after), pending, "{service}");
        assert_eq!(app.provider.seen().refreshes, 1, "from the cache");
        assert_eq!(v2_authid(&app.refresh(&after).await), None);
    }
}
