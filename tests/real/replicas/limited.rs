//! AuthIDs of one login with and without limits, at servers that share a Redis.

use authseal::{
    keyring::{KeySource, Keyring},
    seal::{self, Grant, UseLimits},
};

use super::{
    fleet::{Fleet, refresh, renew},
    redis::Redis,
};
use crate::support::Client;

#[tokio::test(flavor = "multi_thread")]
async fn what_redis_has_of_a_login_widens_and_narrows_none_of_its_authids() {
    let fleet = Fleet::new(&["box"]).await;
    let redis = Redis::start().await;
    let first = fleet.replica(Some(&redis.url())).await;
    let second = fleet.replica(Some(&redis.url())).await;
    let (first, second) = (&first.process.url, &second.process.url);

    let keyring = Keyring::load(KeySource::Folder(fleet.keys_dir.clone())).unwrap();
    let (keys, now) = (keyring.current(), fleet.clock.now());
    let open = |authid: &str| seal::open(&keys, now, authid).unwrap().grant;
    let from = |network: &str| {
        let networks = [network.parse().unwrap()];
        UseLimits::new(None, networks, None).unwrap()
    };
    let narrowed = |authid: &str, limits: &UseLimits| {
        let grant = Grant {
            terms: limits.clone().into_terms(),
            ..open(authid)
        };
        let authid = seal::seal(&keys, now, &grant).unwrap();
        authid.expose().to_owned()
    };
    let limits_of = |authid: &str| {
        let terms = open(authid).terms;
        terms.map_or_else(UseLimits::default, |terms| terms.limits.clone())
    };

    let wide = fleet.log_in("box").authid;
    let (here, elsewhere) = (from("127.0.0.0/8"), from("192.0.2.0/24"));
    let narrow = narrowed(&wide, &here);
    let useless = narrowed(&wide, &elsewhere);
    let client = Client::new();
    // Each server learns of the other's newer token by the Redis alone.
    for (url, authid, limits) in [
        (first, &narrow, &here),
        (second, &wide, &UseLimits::default()),
        (second, &narrow, &here),
        (first, &wide, &UseLimits::default()),
    ] {
        let answer = refresh(&client, url, authid).await;
        let newer = answer.good().json()["v2_authid"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(limits_of(&newer), *limits);
        let answer = renew(&client, url, authid).await;
        let newer = answer.good().json()["authid"].as_str().unwrap().to_owned();
        assert_eq!(limits_of(&newer), *limits);
        for answer in [
            refresh(&client, url, &useless).await,
            renew(&client, url, &useless).await,
        ] {
            assert_eq!(answer.status, 401, "{answer:?}");
        }
    }
    assert_eq!(fleet.replays(), 0);
}
