//! A replica that loses Redis, or whose way to the provider hangs, in the middle of a
//! refresh. Jottacloud ends a login whose used token comes again.

use std::{sync::Arc, time::Duration};

use authseal::{app::Knobs, store::LeaseTimes};
use tokio::sync::Notify;

use super::{
    fleet::{Fleet, InProcess, Login, refresh},
    redis::Redis,
    tap::{Entrance, Held, Tap},
};
use crate::support::{Answer, Client, emulators::Fault, eventually};

const PROVIDER: &str = "jottacloud";
/// A held lease is taken over so soon.
const HELD: Duration = Duration::from_millis(500);
/// Deadline of a call that is given up; the token is waited for three times as long, and a
/// test does something to the call before that.
const GIVEN_UP: Duration = Duration::from_secs(2);

/// Of servers that wait for each other as long as real ones, but for dead ones.
fn knobs() -> Knobs {
    Knobs {
        lease_times: LeaseTimes {
            held: HELD,
            ..LeaseTimes::default()
        },
        ..Knobs::default()
    }
}

/// The same of one whose client waits for longer than the 15 seconds after which another server
/// gives up to wait for its turn.
fn patient() -> Knobs {
    Knobs {
        provider_deadline: Duration::from_secs(50),
        ..knobs()
    }
}

/// Of servers that soon give each other up.
fn impatient() -> Knobs {
    Knobs {
        lease_times: LeaseTimes {
            held: HELD,
            owner_grace: HELD,
            steady: HELD,
        },
        ..Knobs::default()
    }
}

/// The same of one that soon gives up a provider.
fn hasty() -> Knobs {
    Knobs {
        provider_deadline: GIVEN_UP,
        ..impatient()
    }
}

/// Two replicas, of which the first has wires to Redis and to the provider that can be
/// held.
struct Bed {
    fleet: Fleet,
    redis_wire: Tap,
    provider_wire: Tap,
    first: InProcess,
    second: InProcess,
    login: Login,
    redis: Redis,
}

impl Bed {
    async fn start(knobs: [Knobs; 2]) -> Self {
        let fleet = Fleet::new(&[PROVIDER]).await;
        let provider = fleet.emulator(PROVIDER).address.port();
        let provider_wire = Tap::to(provider, &fleet.kid).await;
        let by = provider_wire.port;
        Self::with(fleet, provider_wire, by, knobs).await
    }

    /// The first cannot connect to the provider yet.
    async fn with_entrance() -> (Self, Entrance) {
        let fleet = Fleet::new(&[PROVIDER]).await;
        let provider = fleet.emulator(PROVIDER).address.port();
        let entrance = Entrance::closed(provider).await;
        let wire = Tap::to(provider, &fleet.kid).await;
        let knobs = [knobs(), knobs()];
        (
            Self::with(fleet, wire, entrance.port, knobs).await,
            entrance,
        )
    }

    /// The first reaches the provider by this port.
    async fn with(fleet: Fleet, provider_wire: Tap, by: u16, knobs: [Knobs; 2]) -> Self {
        let redis = Redis::start().await;
        let redis_wire = Tap::to(redis.port, &fleet.kid).await;
        let tables = fleet.tables_by(PROVIDER, by);
        let more = [("AUTHSEAL_PROVIDERS", tables.as_str())];
        let [first, second] = knobs;
        Self {
            first: fleet.in_process(&redis_wire.url(), first, &more).await,
            second: fleet.in_process(&redis.url(), second, &[]).await,
            login: fleet.log_in(PROVIDER),
            fleet,
            redis_wire,
            provider_wire,
            redis,
        }
    }

    async fn ask_first(&self) -> Answer {
        refresh(&Client::new(), &self.first.url, &self.login.authid).await
    }

    async fn ask_second(&self) -> Answer {
        refresh(&Client::new(), &self.second.url, &self.login.authid).await
    }

    /// Both replicas give tokens again, by and by, and no used one was ever sent.
    async fn check_that_all_is_well(&self) {
        for url in [&self.first.url, &self.second.url, &self.first.url] {
            self.fleet.refreshes_again(url, &self.login).await;
        }
        assert_eq!(self.fleet.replays(), 0);
        assert_eq!(self.fleet.emulator(PROVIDER).books().live_grants(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_by_a_replica_that_lost_its_lease_while_it_connected() {
    for silence in [Held::Everything, Held::Answers] {
        let (bed, entrance) = Bed::with_entrance().await;
        let asking = bed.ask_first();
        let meanwhile = async {
            bed.redis.has_record("held").await;
            bed.redis_wire.hold(silence);
            bed.ask_second().await.good();
            entrance.open();
        };
        let (answer, ()) = tokio::join!(asking, meanwhile);
        assert_eq!(answer.status, 503, "{silence:?}: {answer:?}");
        assert_eq!(bed.fleet.emulator(PROVIDER).calls("/token").len(), 1);
        bed.redis_wire.hold(Held::Nothing);
        bed.check_that_all_is_well().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_by_a_replica_whose_lease_redis_gave_away() {
    let (bed, entrance) = Bed::with_entrance().await;
    let meanwhile = async {
        bed.redis.has_record("held").await;
        bed.redis_wire.hold(Held::Everything);
        bed.ask_second().await.good();
        // Redis is back before the connection is: it says whose turn it is.
        bed.redis_wire.hold(Held::Nothing);
        entrance.open();
    };
    let (answer, ()) = tokio::join!(bed.ask_first(), meanwhile);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(bed.fleet.emulator(PROVIDER).calls("/token").len(), 1);
    bed.check_that_all_is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_sent_is_waited_for_whatever_its_replica_loses() {
    let slow_provider = async {
        let bed = Bed::start([patient(), knobs()]).await;
        let emulator = bed.fleet.emulator(PROVIDER);
        let (worked, go) = emulator.late("/token");
        let meanwhile = async {
            worked.notified().await;
            emulator.mend();
            bed.redis_wire.hold(Held::Everything);
            let answer = bed.ask_second().await;
            assert_eq!(answer.status, 503, "{answer:?}");
            go.notify_one();
        };
        (tokio::join!(bed.ask_first(), meanwhile).0, bed)
    };
    // The provider's end accepts, and what was sent goes through much later.
    let slow_wire = async {
        let bed = Bed::start([patient(), knobs()]).await;
        bed.provider_wire.hold(Held::Everything);
        let meanwhile = async {
            // Redis has answered: the token follows the record.
            bed.provider_wire.has_token().await;
            bed.redis.has_record("sent").await;
            bed.redis_wire.hold(Held::Answers);
            let answer = bed.ask_second().await;
            assert_eq!(answer.status, 503, "{answer:?}");
            assert_eq!(bed.fleet.emulator(PROVIDER).calls("/token").len(), 0);
            bed.provider_wire.hold(Held::Nothing);
        };
        (tokio::join!(bed.ask_first(), meanwhile).0, bed)
    };
    let (first, second) = tokio::join!(slow_provider, slow_wire);
    for (answer, bed) in [first, second] {
        // Its client has the newest, although Redis has not.
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.json()["v2_authid"].is_string());
        let unsaved = bed
            .first
            .scrape()
            .await
            .sum("authseal_unsaved_authids", &[]);
        assert_eq!(unsaved, 1.0);
        bed.redis_wire.hold(Held::Nothing);
        bed.check_that_all_is_well().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_lost_replica_is_told_how_long_and_why() {
    let first = Knobs {
        provider_deadline: GIVEN_UP,
        ..knobs()
    };
    let bed = Bed::start([first, knobs()]).await;
    let emulator = bed.fleet.emulator(PROVIDER);
    emulator.fault("/token", Fault::Silence);
    let lost = async {
        eventually("it was sent", async || {
            (!emulator.calls("/token").is_empty()).then_some(())
        })
        .await;
        bed.redis_wire.hold(Held::Everything);
        emulator.mend();
    };
    let (answer, ()) = tokio::join!(bed.ask_first(), lost);
    assert_eq!(answer.status, 503, "{answer:?}");
    let answer = bed.ask_second().await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let reason = answer.header("x-reason");
    assert!(reason.ends_with("Try again in 30 minutes"), "{reason}");
    assert!(reason.contains("could end the login"), "{reason}");
    let retry_after: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1_700..=1_800).contains(&retry_after), "{retry_after}");
    assert_eq!(bed.fleet.replays(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_never_comes_back_is_taken_over_from_in_the_end() {
    // Whatever the provider did with the token, nobody waits for ever.
    for (did_answer, expected) in [(false, 200), (true, 401)] {
        let bed = Bed::start([hasty(), impatient()]).await;
        let (worked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let emulator = bed.fleet.emulator(PROVIDER);
        let fault = match did_answer {
            true => Fault::Late(worked, go),
            false => Fault::Silence,
        };
        emulator.fault("/token", fault);
        let lost = async {
            eventually("it was sent", async || {
                (!emulator.calls("/token").is_empty()).then_some(())
            })
            .await;
            bed.redis_wire.hold(Held::Everything);
            emulator.mend();
        };
        let (answer, ()) = tokio::join!(bed.ask_first(), lost);
        assert_eq!(answer.status, 503, "{answer:?}");
        let answer = eventually("somebody takes over", async || {
            let answer = bed.ask_second().await;
            (answer.status != 503).then_some(answer)
        })
        .await;
        assert_eq!(answer.status, expected, "{answer:?}");
        assert_eq!(bed.fleet.replays(), u64::from(did_answer));
        let scrape = bed.second.scrape().await;
        assert_eq!(scrape.sum("authseal_leases_taken_over_total", &[]), 1.0);
    }
}
