//! Revoking where another replica has refreshed the login, or is about to, or Redis is
//! away. Jottacloud says OK to a token that it does not know, as RFC 7009 wants.

use std::time::Duration;

use super::{
    fleet::{Fleet, InProcess, Login, refresh, renew, revoke, revoke_token, send_only},
    redis::Redis,
    tap::{Entrance, Held, Tap},
};
use crate::support::{Answer, Client, emulators::Fault, eventually};
use authseal::{app::Knobs, store::LeaseTimes};

/// Two replicas, of which the first has a wire to Redis that can be held. Access tokens
/// live as long as the real ones.
struct Bed {
    client: Client,
    fleet: Fleet,
    wire: Tap,
    first: InProcess,
    second: InProcess,
    redis: Redis,
}

impl Bed {
    async fn start(providers: &[&str]) -> Self {
        Self::with(Fleet::new(providers).await, Knobs::default(), &[]).await
    }

    async fn with(fleet: Fleet, knobs: Knobs, more: &[(&str, &str)]) -> Self {
        for emulator in &fleet.emulators {
            emulator.books().shorten_access_tokens(3600);
        }
        let redis = Redis::start().await;
        let wire = Tap::to(redis.port, &fleet.kid).await;
        Self {
            client: Client::new(),
            first: fleet.in_process(&wire.url(), knobs.clone(), more).await,
            second: fleet.in_process(&redis.url(), knobs, &[]).await,
            fleet,
            wire,
            redis,
        }
    }

    async fn refresh_at(&self, replica: &InProcess, authid: &str) -> Answer {
        refresh(&self.client, &replica.url, authid).await
    }

    /// Refreshes at the first and then, with what is cached left out, at the second.
    async fn used_at_both(&self, provider: &str) -> Login {
        let emulator = self.fleet.emulator(provider);
        let (books, before) = (emulator.books(), emulator.calls("/token").len());
        let login = self.fleet.log_in(provider);
        books.shorten_access_tokens(30);
        self.refresh_at(&self.first, &login.authid).await.good();
        books.shorten_access_tokens(3600);
        self.refresh_at(&self.second, &login.authid).await.good();
        assert_eq!(emulator.calls("/token").len(), before + 2);
        login
    }

    /// Refreshes at each, which caches the access token there.
    async fn cached_at_both(&self, provider: &str) -> Login {
        let login = self.fleet.log_in(provider);
        for replica in [&self.first, &self.second] {
            self.refresh_at(replica, &login.authid).await.good();
        }
        login
    }

    /// Waits until this replica gives no token any more, for the reason of a revocation.
    async fn refuses(&self, replica: &InProcess, authid: &str) {
        eventually("its access token is dropped", async || {
            let answer = self.refresh_at(replica, authid).await;
            assert!([200, 401].contains(&answer.status.as_u16()), "{answer:?}");
            (answer.status == 401).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_is_the_newest_token_and_every_replica_drops_what_it_cached() {
    let bed = Bed::start(&["box", "jottacloud"]).await;
    for provider in ["box", "jottacloud"] {
        for by_library in [false, true] {
            let login = bed.used_at_both(provider).await;
            let url = &bed.first.url;
            let answer = match by_library {
                false => revoke(&bed.client, url, &login.authid).await,
                true => revoke_token(&bed.client, url, &login.authid).await,
            };
            assert_eq!(answer.status, 200, "{provider}: {answer:?}");
            let books = bed.fleet.emulator(provider).books();
            assert_eq!(books.live_grants(), 0, "{provider}");
            // The second had it cached, and asks nobody for an hour.
            bed.refuses(&bed.second, &login.authid).await;
            bed.refuses(&bed.first, &login.authid).await;
        }
    }
    assert_eq!(bed.fleet.replays(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_replica_asks_again_for_a_stable_login_that_was_revoked() {
    let bed = Bed::start(&["google"]).await;
    let login = bed.cached_at_both("google").await;
    let google = bed.fleet.emulator("google");
    // Google's yes may take effect some time later.
    google.fault("/revoke", Fault::Answer(200, String::new()));
    revoke(&bed.client, &bed.first.url, &login.authid)
        .await
        .good();
    google.mend();
    assert!(google.books().has_live(login.grant));
    let asked = google.calls("/token").len();
    for replica in [&bed.first, &bed.second] {
        bed.refuses(replica, &login.authid).await;
    }
    assert_eq!(google.calls("/token").len(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stable_login_is_dropped_everywhere_too_be_its_grant_dead_or_not() {
    let bed = Bed::start(&["google", "dropbox"]).await;
    for (provider, is_dead) in [("google", false), ("dropbox", true)] {
        let login = bed.cached_at_both(provider).await;
        if is_dead {
            bed.fleet.emulator(provider).books().remove_all();
        }
        let url = &bed.first.url;
        revoke(&bed.client, url, &login.authid).await.good();
        bed.refuses(&bed.second, &login.authid).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_nothing_is_said_to_be_revoked_or_renewed() {
    let bed = Bed::start(&["box", "jottacloud"]).await;
    for silence in [Held::Everything, Held::Answers] {
        for provider in ["box", "jottacloud"] {
            bed.wire.hold(Held::Nothing);
            let login = bed.used_at_both(provider).await;
            let emulator = bed.fleet.emulator(provider);
            let asked = || {
                (
                    emulator.calls("/token").len(),
                    emulator.calls("/revoke").len(),
                )
            };
            let before = asked();
            bed.wire.hold(silence);
            let (client, url) = (&bed.client, &bed.first.url);
            for answer in [
                revoke(client, url, &login.authid).await,
                renew(client, url, &login.authid).await,
            ] {
                assert_eq!(answer.status, 503, "{provider}: {answer:?}");
                assert!(!answer.body.contains("\"revoked\":true"), "{answer:?}");
            }
            let answer = revoke_token(client, url, &login.authid).await;
            assert_eq!(answer.status, 503, "{answer:?}");
            assert_eq!(asked(), before, "nothing was sent");
            bed.wire.hold(Held::Nothing);
            eventually("it is revoked after all", async || {
                let answer = revoke(client, url, &login.authid).await;
                (answer.status == 200).then_some(())
            })
            .await;
            assert!(!emulator.books().has_live(login.grant));
        }
    }
    assert_eq!(bed.fleet.replays(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_authid_has_the_newest_token_whoever_refreshed_last() {
    let bed = Bed::start(&["jottacloud"]).await;
    let login = bed.used_at_both("jottacloud").await;
    let answer = renew(&bed.client, &bed.first.url, &login.authid)
        .await
        .good();
    let newest = answer.json()["authid"].as_str().unwrap().to_owned();
    revoke(&bed.client, &bed.second.url, &newest).await.good();
    assert_eq!(bed.fleet.replays(), 0);
    assert_eq!(bed.fleet.emulator("jottacloud").books().live_grants(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_lost_its_lease_revokes_nothing() {
    let fleet = Fleet::new(&["jottacloud"]).await;
    let provider = fleet.emulator("jottacloud").address.port();
    // Refreshes go the usual way; a connection that revokes is not let in yet.
    let entrance = Entrance::closed(provider).await;
    let tables = fleet.tables_by("jottacloud", provider);
    let text = std::fs::read_to_string(&tables).unwrap();
    let (before, after) = text.split_once("revoke_url").unwrap();
    let after = after.replace(&format!(":{provider}"), &format!(":{}", entrance.port));
    std::fs::write(&tables, format!("{before}revoke_url{after}")).unwrap();
    let knobs = Knobs {
        lease_times: LeaseTimes {
            held: Duration::from_millis(500),
            ..LeaseTimes::default()
        },
        ..Knobs::default()
    };
    let bed = Bed::with(fleet, knobs, &[("AUTHSEAL_PROVIDERS", &tables)]).await;
    let login = bed.fleet.log_in("jottacloud");
    let emulator = bed.fleet.emulator("jottacloud");
    let meanwhile = async {
        // It refreshes first; then the lease is of the revocation.
        eventually("it has refreshed", async || {
            (!emulator.calls("/token").is_empty()).then_some(())
        })
        .await;
        bed.redis.has_record("held").await;
        bed.wire.hold(Held::Everything);
        bed.refresh_at(&bed.second, &login.authid).await.good();
        entrance.open();
    };
    let revoking = revoke(&bed.client, &bed.first.url, &login.authid);
    let (answer, ()) = tokio::join!(revoking, meanwhile);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(emulator.calls("/revoke").is_empty());
    assert!(emulator.books().has_live(login.grant));
    assert_eq!(bed.fleet.replays(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_while_it_is_revoked_changes_nothing() {
    let bed = Bed::start(&["jottacloud"]).await;
    let login = bed.used_at_both("jottacloud").await;
    let emulator = bed.fleet.emulator("jottacloud");
    let (worked, go) = emulator.late("/revoke");
    let stream = send_only(&bed.first.url, "POST /revoked", &login.authid).await;
    worked.notified().await;
    drop(stream);
    // The server has seen it go once it answers others on a new connection.
    let other = bed.fleet.log_in("jottacloud");
    bed.refresh_at(&bed.first, &other.authid).await.good();
    go.notify_one();
    bed.refuses(&bed.second, &login.authid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_begun_before_another_replica_revoked_hands_nothing_out() {
    let bed = Bed::start(&["google"]).await;
    let (login, canary) = (bed.fleet.log_in("google"), bed.fleet.log_in("google"));
    bed.refresh_at(&bed.first, &canary.authid).await.good();
    let emulator = bed.fleet.emulator("google");
    let (worked, go) = emulator.late("/token");
    let meanwhile = async {
        worked.notified().await;
        emulator.mend();
        for authid in [&login.authid, &canary.authid] {
            revoke(&bed.client, &bed.second.url, authid).await.good();
        }
        // Told after the other: who knows of this one knows of both.
        bed.refuses(&bed.first, &canary.authid).await;
        go.notify_one();
    };
    let (answer, ()) = tokio::join!(bed.refresh_at(&bed.first, &login.authid), meanwhile);
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(!answer.body.contains("never-print-access"), "{answer:?}");
}
