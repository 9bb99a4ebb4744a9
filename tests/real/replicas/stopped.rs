//! A replica that is told to stop twice: it leaves at once, and says what that costs.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{
    fleet::{Fleet, refresh, send_only},
    redis::Redis,
    tap::{Held, Tap},
};
use crate::support::{Client, ServerProcess, emulators::Fault};

/// Sends both signals, and returns the last words.
async fn told_to_stop_twice(server: ServerProcess) -> String {
    let ServerProcess { program, .. } = server;
    program.terminate().await;
    program.says("stopping: finishing").await;
    program.terminate().await;
    let (status, output) = program.end().await;
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(!output.contains("never-print"), "{output}");
    let (_, words) = output.split_once("second signal").unwrap();
    words.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_says_that_calls_under_way_may_be_lost() {
    let fleet = Fleet::new(&["box"]).await;
    for store in [true, false] {
        let redis = Redis::start().await;
        let url = redis.url();
        let server = fleet.replica(store.then_some(url.as_str())).await.process;
        let login = fleet.log_in("box");
        let (worked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let emulator = fleet.emulator("box");
        emulator.fault("/token", Fault::Late(worked.clone(), go.clone()));
        let _asking = send_only(&server.url, "GET /refresh", &login.authid).await;
        worked.notified().await;
        emulator.mend();
        let words = told_to_stop_twice(server).await;
        assert!(words.contains("Provider calls under way: 1"), "{words}");
        assert!(words.contains("may be lost"), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_says_that_new_tokens_were_not_stored() {
    let fleet = Fleet::new(&["box"]).await;
    let redis = Redis::start().await;
    let tap = Tap::to(redis.port, &fleet.kid).await;
    let server = fleet.replica(Some(&tap.url())).await.process;
    let login = fleet.log_in("box");
    tap.hold(Held::Storing);
    let answer = refresh(&Client::new(), &server.url, &login.authid).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let words = told_to_stop_twice(server).await;
    assert!(
        words.contains("new refresh tokens not stored: 1"),
        "{words}"
    );
}
