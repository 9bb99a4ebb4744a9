//! Logins that outlive the server, and what its pages and commands say of that.

use std::time::Duration;

use authseal::clock::Clock;

use super::{UNCACHED, open, put, stop, with_a_login};
use crate::{
    demo,
    support::{Browser, Installation, TestApp, get},
};

#[tokio::test]
async fn a_single_use_login_outlives_a_restart() {
    let installation = Installation::with_store(UNCACHED).await;
    let (server, authid) = with_a_login(&installation).await;
    for _ in 0..2 {
        server.refresh(&authid).await.good();
    }
    let output = stop(server).await;
    assert!(!output.contains("ERROR"), "{output}");
    let server = installation.serve().await;
    server.refresh(&authid).await.good();
    assert_eq!(installation.provider.seen().replays, 0);
    assert_eq!(server.scrape().await.sum("authseal_store_up", &[]), 1.0);
}

#[tokio::test]
async fn a_stopped_server_leaves_nothing_to_repair_or_to_finish() {
    let installation = Installation::with_store(UNCACHED).await;
    let (server, _) = with_a_login(&installation).await;
    stop(server).await;
    let server = installation.serve().await;
    assert!(!server.program.so_far().contains("not finished"));
    let shown = installation.run(&["store", "show", "--json"]).await.json();
    assert_eq!(shown["logins"], 1);
    assert_eq!(shown["in_progress"], 0);
}

#[tokio::test]
async fn what_many_clients_do_at_once_is_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (path, clock) = (folder.path().join("store"), Clock::system());
    let store = open(&path, &clock);
    let puts = (0..500).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { put(&store, number, &number.to_string()).await })
    });
    for put in puts.collect::<Vec<_>>() {
        put.await.unwrap().unwrap();
    }
    store.close().await;
    let store = open(&path, &clock);
    for number in 0..500 {
        assert_eq!(
            super::get(&store, number).await,
            Ok(Some(number.to_string()))
        );
    }
}

#[tokio::test]
async fn two_tasks_never_have_one_login_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store"), &Clock::system());
    let first = store.lease(super::name(1), Duration::ZERO).await.unwrap();
    let busy = store.lease(super::name(1), Duration::from_millis(20)).await;
    assert!(busy.is_err());
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.lease(super::name(1), super::LIFETIME).await }
    });
    assert!(first.settle(None).await.unwrap());
    assert!(!first.settle(None).await.unwrap(), "a lease ends once");
    assert!(first.mark_sent(Duration::ZERO).await.is_err());
    drop(waiting.await.unwrap().unwrap());
    store.lease(super::name(1), Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn pages_and_check_say_that_logins_last() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file:{}", folder.path().join("store").display());
    let app = TestApp::builder().env("AUTHSEAL_STORE_URL", &url);
    let app = app.start().await;
    let page = app.log_in("single-use").await.good();
    assert!(!page.body.contains("restart"), "{}", page.body);
    let start = get(&app.url, &[]).await.good();
    assert!(!start.body.contains("restart"));
    app.stop().await;

    let installation = Installation::with_store(UNCACHED).await;
    let checked = installation.run(&["check"]).await;
    let says = "for one server: logins of single-use providers outlive a restart";
    assert!(checked.good().contains(says), "{checked:?}");
    assert!(
        !checked
            .stdout
            .contains("after a restart people must log in again")
    );
}

#[tokio::test]
async fn a_demo_with_a_folder_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo");
    let mut authid = None;
    for _ in 0..2 {
        let (program, url) = demo::start(&["--store", path.to_str().unwrap()]).await;
        let authid = match &authid {
            Some(authid) => authid,
            None => {
                let mut browser = Browser::default();
                let made = demo::log_in(&mut browser, &url, "demo-single-use").await;
                authid.insert(made.0)
            }
        };
        let address = format!("{url}/refresh");
        get(&address, &[("X-AuthID", authid)]).await.good();
        program.terminate().await;
        let (status, output) = program.end().await;
        assert!(status.success(), "{output}");
    }
}
