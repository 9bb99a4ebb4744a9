//! Three replicas whose connections to Redis are cut again and again, and a provider that
//! takes its time and ends a login whose used token comes again.
//!
//! A short storm by default; with `AUTHSEAL_STORM=full` a thousand refreshes, cuts of 1 to
//! 20 seconds, and a provider that takes up to 15.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use super::{
    fleet::{Fleet, Login, refresh},
    redis::Redis,
    tap::{Held, Tap},
};
use crate::support::{Answer, Client, Random, emulators::Fault, eventually};

/// How bad it is.
struct Weather {
    refreshes: usize,
    /// Each client has a login of its own and one that it shares with the next.
    clients: usize,
    longest_cut: Duration,
    shortest_cut: Duration,
    slowest_call: Duration,
}

const SHORT: Weather = Weather {
    refreshes: 120,
    clients: 30,
    shortest_cut: Duration::from_millis(500),
    longest_cut: Duration::from_secs(4),
    slowest_call: Duration::from_secs(5),
};

const FULL: Weather = Weather {
    refreshes: 1_000,
    clients: 40,
    shortest_cut: Duration::from_secs(1),
    longest_cut: Duration::from_secs(20),
    slowest_call: Duration::from_secs(15),
};

/// What clients got: how often which status with which beginning of a reason.
type Got = BTreeMap<(u16, String), usize>;

fn note(got: &mut Got, answer: &Answer) {
    let reason: String = answer.header("x-reason").chars().take(60).collect();
    *got.entry((answer.status.as_u16(), reason)).or_default() += 1;
}

/// A client that starts from generation 0 each time, at a random replica.
async fn ask(urls: Vec<String>, logins: Vec<Login>, left: Arc<AtomicUsize>, seed: u64) -> Got {
    let (client, mut random) = (Client::new(), Random::seeded(seed));
    let mut got = Got::new();
    let one_less = |left: usize| left.checked_sub(1);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
        .is_ok()
    {
        let url = &urls[random.below(urls.len())];
        let login = &logins[random.below(logins.len())];
        note(&mut got, &refresh(&client, url, &login.authid).await);
    }
    got
}

/// Cuts a random wire for a while, in either way, until it is told to end.
async fn cut(wires: Arc<Vec<Tap>>, weather: &Weather, mut random: Random) {
    loop {
        let wire = &wires[random.below(wires.len())];
        let how = [Held::Everything, Held::Answers, Held::Storing][random.below(3)];
        let spread = weather.longest_cut - weather.shortest_cut;
        let spread = random.below(spread.as_millis() as usize) as u64;
        wire.hold(how);
        tokio::time::sleep(weather.shortest_cut + Duration::from_millis(spread)).await;
        wire.hold(Held::Nothing);
        tokio::time::sleep(Duration::from_millis(100 + random.below(900) as u64)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_is_lost_and_no_used_token_is_sent_in_a_storm() {
    let is_full = std::env::var("AUTHSEAL_STORM").is_ok_and(|storm| storm == "full");
    let weather = if is_full { &FULL } else { &SHORT };
    let fleet = Fleet::new(&["jottacloud"]).await;
    let emulator = fleet.emulator("jottacloud");
    let redis = Redis::start().await;
    let (mut wires, mut replicas) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let wire = Tap::to(redis.port, &fleet.kid).await;
        replicas.push(fleet.replica(Some(&wire.url())).await.process);
        wires.push(wire);
    }
    let urls: Vec<String> = replicas.iter().map(|replica| replica.url.clone()).collect();
    emulator.fault("/token", Fault::Slow(weather.slowest_call));

    let logins: Vec<Login> = (0..=weather.clients)
        .map(|_| fleet.log_in("jottacloud"))
        .collect();
    let left = Arc::new(AtomicUsize::new(weather.refreshes));
    let mut clients = JoinSet::new();
    for (number, pair) in logins.windows(2).enumerate() {
        clients.spawn(ask(
            urls.clone(),
            pair.to_vec(),
            left.clone(),
            number as u64,
        ));
    }
    let wires = Arc::new(wires);
    let all = async { clients.join_all().await };
    let got = tokio::select! {
        got = all => got,
        () = cut(wires.clone(), weather, Random::seeded(7)) => unreachable!("it goes on for ever"),
    };
    let mut counted = Got::new();
    for (what, times) in got.into_iter().flatten() {
        *counted.entry(what).or_default() += times;
    }
    for ((status, reason), times) in &counted {
        println!("{times:5} x {status} {reason}");
    }

    for wire in wires.iter() {
        wire.hold(Held::Nothing);
    }
    emulator.mend();
    for login in &logins {
        eventually("the login goes on", async || {
            let answer = refresh(&Client::new(), &urls[0], &login.authid).await;
            assert_ne!(answer.status, 401, "{answer:?}");
            (answer.status == 200).then_some(())
        })
        .await;
    }
    let calls = emulator.calls("/token").len();
    println!(
        "{} refreshes of {} logins, {calls} calls",
        weather.refreshes,
        logins.len()
    );
    assert_eq!(fleet.replays(), 0);
    assert_eq!(emulator.books().live_grants(), logins.len());
    let statuses: Vec<u16> = counted.keys().map(|(status, _)| *status).collect();
    assert!(statuses.iter().all(|status| [200, 503].contains(status)));
    assert!(statuses.contains(&200));
}
