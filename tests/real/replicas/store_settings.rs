//! Words of `check --online` and `serve` on the settings of Redis.

use super::redis::Redis;
use crate::support::{Finished, Installation, ServerProcess};

async fn check(installation: &Installation, store: &str) -> Finished {
    let mut environment = installation.environment();
    environment.push(("AUTHSEAL_STORE_URL", store));
    crate::support::run(&["check", "--online"], &environment)
        .await
        .into()
}

#[tokio::test]
async fn a_redis_that_may_lose_records_is_not_said_to_keep_them() {
    let (installation, _) = Installation::with_key().await;
    let good = Redis::start().await;
    let checked = check(&installation, &good.url()).await;
    let text = checked.good();
    assert!(text.contains("accepts values"), "{text}");
    assert!(
        text.contains("maxmemory-policy noeviction; appendonly yes"),
        "{text}"
    );
    assert!(!text.contains("WARNING"), "{text}");

    let options = ["--maxmemory-policy", "allkeys-lru", "--maxmemory", "100mb"];
    let bad = Redis::with(&[&options[..], &["--appendonly", "no"]].concat()).await;
    let checked = check(&installation, &bad.url()).await;
    let text = checked.good();
    for says in [
        "its maxmemory-policy is allkeys-lru: when 104857600 bytes are full",
        "it keeps nothing on disk",
    ] {
        assert!(text.contains(says), "{text}");
    }
    let mut environment = installation.environment();
    let store = bad.url();
    environment.push(("AUTHSEAL_STORE_URL", &store));
    let server = ServerProcess::start(&environment).await;
    let said = server
        .program
        .says("may lose logins: its maxmemory-policy")
        .await;
    assert!(said.contains("allkeys-lru"), "{said}");
}

#[tokio::test]
async fn a_user_who_may_not_ask_is_no_failure() {
    let (installation, _) = Installation::with_key().await;
    let redis = Redis::start().await;
    let user = [
        "ACL",
        "SETUSER",
        "app",
        "on",
        ">secret",
        "~*",
        "&*",
        "+@all",
        "-@dangerous",
    ];
    let _: String = redis.run(&user).await;
    let store = format!("redis://app:secret@127.0.0.1:{}", redis.port);
    let checked = check(&installation, &store).await;
    let text = checked.good();
    assert!(text.contains("INFO is refused (NOPERM)"), "{text}");
    let _: String = redis.run(&["ACL", "SETUSER", "app", "+info"]).await;
    let checked = check(&installation, &store).await;
    let text = checked.good();
    assert!(text.contains("maxmemory-policy noeviction"), "{text}");
}
