//! The other ways to reach a Redis: with a password, by TLS, through sentinels, as
//! a cluster.

use tokio::process::Command;

use super::{
    fleet::{Fleet, refresh},
    redis::{Redis, ask},
};
use crate::support::{Answer, Client, ServerProcess, eventually, free_port};

const PASSWORD: &str = "never-print-p@ss";

/// A fleet, one of its servers, and a login.
struct Bed {
    server: ServerProcess,
    authid: String,
    fleet: Fleet,
}

impl Bed {
    async fn start(store: &str, more: &[(&str, &str)]) -> Self {
        let fleet = Fleet::new(&["box"]).await;
        let server = fleet.start(free_port(), Some(store), more).await;
        let authid = fleet.log_in("box").authid;
        Self {
            server,
            authid,
            fleet,
        }
    }

    async fn refresh(&self) -> Answer {
        refresh(&Client::new(), &self.server.url, &self.authid).await
    }

    /// Twice: what the first stores, the second finds.
    async fn check(&self) {
        for _ in 0..2 {
            self.refresh().await.good();
        }
        assert_eq!(self.fleet.replays(), 0);
        assert!(!self.server.program.so_far().contains("never-print"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_a_database_and_a_prefix() {
    let redis = Redis::with(&["--requirepass", PASSWORD]).await;
    let url = |password: &str| {
        let password = password.replace('@', "%40");
        format!(
            "redis://:{password}@127.0.0.1:{}/3?prefix=ours:",
            redis.port
        )
    };
    Bed::start(&url(PASSWORD), &[]).await.check().await;
    let connection = format!(
        "redis://:{}@127.0.0.1:{}/3",
        PASSWORD.replace('@', "%40"),
        redis.port
    );
    let client = redis::Client::open(connection).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg("*")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(keys.len(), 1);
    assert!(keys[0].starts_with("ours:{"), "{keys:?}");

    let wrong = Bed::start(&url("never-print-wrong"), &[]).await;
    let answer = wrong.refresh().await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let said = wrong.server.program.says(" refuses: ").await;
    assert!(!said.contains("never-print"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_a_certificate_of_ones_own() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls_port = free_port();
    let port = tls_port.to_string();
    let options = [
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &certificate,
        "--tls-auth-clients",
        "no",
    ];
    let _redis = Redis::with(&options).await;
    let url = format!("rediss://localhost:{tls_port}");
    Bed::start(&url, &[("SSL_CERT_FILE", &certificate)])
        .await
        .check()
        .await;

    let distrustful = Bed::start(&url, &[]).await;
    assert_eq!(distrustful.refresh().await.status, 503);
    let said = distrustful.server.program.says(" cannot be reached: ");
    assert!(!said.await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_lead_to_the_new_primary() {
    let mut primary = Redis::start().await;
    let port = primary.port.to_string();
    let replica = Redis::with(&["--replicaof", "127.0.0.1", &port]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sentinel.conf");
    let sentinel_port = free_port();
    let settings = format!(
        "port {sentinel_port}\nbind 127.0.0.1\nlogfile log\n\
         sentinel monitor ours 127.0.0.1 {port} 1\n\
         sentinel down-after-milliseconds ours 3000\nsentinel failover-timeout ours 2000\n"
    );
    std::fs::write(&file, settings).unwrap();
    let _sentinel = Command::new("redis-server")
        .args([file.to_str().unwrap(), "--sentinel"])
        .current_dir(folder.path())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    eventually("the sentinel knows both", async || {
        let info: String = ask(sentinel_port, &["INFO", "sentinel"]).await.ok()?;
        info.contains("slaves=1").then_some(())
    })
    .await;

    let bed = Bed::start(
        &format!("redis://127.0.0.1:{sentinel_port}?sentinel=ours"),
        &[],
    )
    .await;
    bed.check().await;
    eventually("the replica has it too", async || {
        let keys: Vec<String> = replica.run(&["KEYS", "*"]).await;
        (keys.len() == 1).then_some(())
    })
    .await;
    primary.kill().await;
    let answer = eventually("it works again", async || {
        let answer = bed.refresh().await;
        assert!([200, 503].contains(&answer.status.as_u16()), "{answer:?}");
        (answer.status == 200).then_some(answer)
    })
    .await;
    assert!(answer.json()["v2_authid"].is_string());
    bed.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_three() {
    let options = ["--cluster-enabled", "yes"];
    let nodes = [
        Redis::with(&options).await,
        Redis::with(&options).await,
        Redis::with(&options).await,
    ];
    let addresses: Vec<String> = nodes
        .iter()
        .map(|node| format!("127.0.0.1:{}", node.port))
        .collect();
    let created = Command::new("redis-cli")
        .args(["--cluster", "create"])
        .args(&addresses)
        .args(["--cluster-yes"])
        .output()
        .await
        .unwrap();
    assert!(created.status.success(), "{created:?}");
    for node in &nodes {
        eventually("the cluster is whole", async || {
            let info: String = node.run(&["CLUSTER", "INFO"]).await;
            info.contains("cluster_state:ok").then_some(())
        })
        .await;
    }
    let url = format!("redis://{}?cluster=true", addresses.join(","));
    let mut bed = Bed::start(&url, &[]).await;
    // On each node some.
    for _ in 0..10 {
        bed.authid = bed.fleet.log_in("box").authid;
        bed.check().await;
    }
    for node in &nodes {
        let keys: Vec<String> = node.run(&["KEYS", "*"]).await;
        assert!(
            keys.iter().all(|key| key.starts_with("authseal:{")),
            "{keys:?}"
        );
    }
}
