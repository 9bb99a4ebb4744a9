//! A login that is revoked, or whose key is retired, while its provider is asked.

use std::time::Duration;

use crate::support::{
    Answer,
    emulators::{Emulated, revoke_by_header},
    eventually,
};
use authseal::keyring::KeyFolder;

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    RevokedAtProvider,
    RevokedHere,
    KeyRetired,
}

const ALL: [Meanwhile; 3] = [
    Meanwhile::RevokedAtProvider,
    Meanwhile::RevokedHere,
    Meanwhile::KeyRetired,
];

impl Meanwhile {
    async fn happen(self, emulated: &Emulated, authid: &str) {
        let app = &emulated.app;
        let folder = KeyFolder::new(&app.keys_dir);
        let lineage = app.open(authid).lineage.to_string();
        let kid = app.app.keyring.current().iter().next().unwrap().kid.clone();
        match self {
            Self::RevokedAtProvider => {
                // Its answer waits for the refresh.
                let (app, authid) = (app.url.clone(), authid.to_owned());
                tokio::spawn(async move { revoke_by_header(&app, &authid).await });
                eventually("the provider has revoked it", async || {
                    (emulated.only().books().live_grants() == 0).then_some(())
                })
                .await;
            }
            Self::RevokedHere => {
                folder.revoke(&lineage, None).unwrap();
            }
            Self::KeyRetired => {
                folder.create_key(app.clock.now(), Duration::ZERO).unwrap();
                folder.retire_key(&kid, Some(app.clock.now())).unwrap();
            }
        }
        app.app.keyring.reload().unwrap();
    }
}

/// A refresh whose answer comes after it happened.
async fn refresh_while(emulated: &Emulated, authid: &str, what: Meanwhile) -> Answer {
    let emulator = emulated.only();
    let (worked, go) = emulator.late("/token");
    let meanwhile = async {
        worked.notified().await;
        emulator.mend();
        what.happen(emulated, authid).await;
        go.notify_one();
    };
    tokio::join!(emulated.refresh(authid), meanwhile).0
}

#[tokio::test]
async fn a_token_that_came_after_it_is_not_handed_out() {
    for what in ALL {
        let emulated = Emulated::start(&["google"]).await;
        let authid = emulated.credential("googledrive").await;
        for answer in [
            refresh_while(&emulated, &authid, what).await,
            emulated.refresh(&authid).await,
        ] {
            assert_eq!(answer.status, 401, "{what:?}: {answer:?}");
            assert!(!answer.body.contains("never-print-access"), "{what:?}");
        }
    }
}

#[tokio::test]
async fn a_replaced_token_is_kept_all_the_same() {
    for provider in ["box", "jottacloud"] {
        let service = if provider == "box" {
            "box.com"
        } else {
            provider
        };
        let emulated = Emulated::start(&[provider]).await;
        let authid = emulated.credential(service).await;
        let answer = refresh_while(&emulated, &authid, Meanwhile::RevokedHere).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        // Now its owner revokes at the provider as well, with the only AuthID they have.
        let answer = emulated.revoke_by_header(&authid).await;
        assert_eq!(answer.status, 200, "{provider}: {answer:?}");
        assert_eq!(emulated.at(provider).books().live_grants(), 0);
        assert_eq!(emulated.at(provider).books().replays(), 0);
    }
}
