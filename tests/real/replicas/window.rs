//! When a server dies, and what is lost: only a token that the provider has given
//! out and Redis does not have. What may be lost is waited for.

use tokio::net::TcpStream;

use super::{
    fleet::{Fleet, Login, Replica, refresh, send_only},
    redis::Redis,
    tap::{Held, Tap},
};
use crate::support::{Answer, Client};

/// Two replicas, of which the first has a wire to Redis that can be held.
struct Bed {
    fleet: Fleet,
    tap: Tap,
    doomed: Replica,
    other: Replica,
    _redis: Redis,
}

impl Bed {
    async fn start() -> Self {
        let fleet = Fleet::new(&["box"]).await;
        let redis = Redis::start().await;
        let tap = Tap::to(redis.port, &fleet.kid).await;
        let bed = Self {
            doomed: fleet.replica(Some(&tap.url())).await,
            other: fleet.replica(Some(&redis.url())).await,
            fleet,
            tap,
            _redis: redis,
        };
        // From now on Redis knows the scripts.
        let first = bed.fleet.log_in("box");
        let url = &bed.doomed.process.url;
        refresh(&Client::new(), url, &first.authid).await.good();
        bed
    }

    /// Asks the replica that is going to die, and does not wait for it.
    async fn ask_doomed(&self, login: &Login) -> TcpStream {
        send_only(&self.doomed.process.url, "GET /refresh", &login.authid).await
    }

    async fn ask_other(&self, login: &Login) -> Answer {
        refresh(&Client::new(), &self.other.process.url, &login.authid).await
    }

    /// Kills it, and returns what the other answers to a client of the same login.
    async fn after_its_death(self, login: &Login) -> (Answer, Fleet) {
        let Replica { process, .. } = self.doomed;
        process.program.kill().await;
        let url = &self.other.process.url;
        let stranger = self.fleet.log_in("box");
        refresh(&Client::new(), url, &stranger.authid).await.good();
        let answer = refresh(&Client::new(), url, &login.authid).await;
        (answer, self.fleet)
    }
}

/// A client asks, and the server dies when it has been held at this point; then another
/// client of the login asks the other server.
async fn check_death_while(held: Held, is_waited_for: bool) {
    let bed = Bed::start().await;
    let login = bed.fleet.log_in("box");
    bed.tap.hold(held);
    let _asking = bed.ask_doomed(&login).await;
    bed.tap.has_held().await;
    let (answer, fleet) = bed.after_its_death(&login).await;
    check(&answer, &fleet, is_waited_for);
}

/// If the server that died may have had the new token, the old one is not sent.
fn check(answer: &Answer, fleet: &Fleet, is_waited_for: bool) {
    assert_eq!(fleet.replays(), 0);
    if is_waited_for {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("x-reason").contains("Another server"));
    } else {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_before_the_provider_was_asked() {
    // Redis has given the lease, and the server does not know.
    check_death_while(Held::Answers, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_only_left_the_provider_is_waited_for() {
    let bed = Bed::start().await;
    let login = bed.fleet.log_in("box");
    let emulator = bed.fleet.emulator("box");
    let (worked, go) = emulator.late("/token");
    let _asking = bed.ask_doomed(&login).await;
    worked.notified().await;
    emulator.mend();
    let (answer, fleet) = bed.after_its_death(&login).await;
    check(&answer, &fleet, true);
    go.notify_one();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_on_its_way_to_redis_is_waited_for() {
    check_death_while(Held::Storing, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_once_redis_has_it() {
    check_death_while(Held::Stored, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_lost_redis_for_a_while_stores_what_it_owes() {
    let bed = Bed::start().await;
    let login = bed.fleet.log_in("box");
    bed.tap.hold(Held::Storing);
    let _asking = bed.ask_doomed(&login).await;
    bed.tap.has_held().await;
    // Meanwhile another client of the login comes to the other server, and waits.
    let (_, answer) = tokio::join!(async { bed.tap.hold(Held::Nothing) }, bed.ask_other(&login));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(bed.fleet.replays(), 0);
    let scrape = bed.doomed.process.scrape().await;
    assert_eq!(scrape.sum("authseal_unsaved_authids", &[]), 0.0);
}
