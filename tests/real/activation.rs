//! A socket that is not authseal's own: systemd binds it, and hands it over
//! (sd_listen_fds(3)). It outlives authseal, so a restart loses nobody.

mod parent;

use http::Version;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::proxies::{load::Clients, nginx};
use parent::{Client, Parent, Place};

#[tokio::test]
async fn a_socket_of_either_kind_is_served_and_left_as_it_was() {
    for parent in [Parent::with_tcp().await, Parent::with_unix().await] {
        let client = parent.client();
        for _ in 0..2 {
            let authseal = parent.start().await;
            client.refresh().await;
            client.refresh().await;
            parent.stop(authseal).await;
        }
    }
}

#[tokio::test]
async fn who_connects_between_two_processes_is_answered_by_the_next() {
    for parent in [Parent::with_tcp().await, Parent::with_unix().await] {
        let client = parent.client();
        let authseal = parent.start().await;
        parent.stop(authseal).await;
        let (first, second) = (client.ask().await, client.ask().await);
        let authseal = parent.start().await;
        first.expect_granted().await;
        second.expect_granted().await;
        parent.stop(authseal).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_connect_without_a_pause_notice_no_restart() {
    for parent in [Parent::with_tcp().await, Parent::with_unix().await] {
        let mut authseal = parent.start().await;
        let enough = CancellationToken::new();
        let mut clients = JoinSet::new();
        for _ in 0..8 {
            clients.spawn(parent.client().refresh_until(enough.clone()));
        }
        for _ in 0..3 {
            parent.client().refresh().await;
            parent.stop(authseal).await;
            authseal = parent.start().await;
        }
        enough.cancel();
        clients.join_all().await;
        parent.stop(authseal).await;
    }
}

/// Not even the 502 that there is without such a socket.
#[tokio::test(flavor = "multi_thread")]
async fn the_clients_of_a_proxy_notice_no_restart() {
    let parent = Parent::with_unix().await;
    let Client {
        place: Place::Unix(path),
        authid,
    } = parent.client()
    else {
        unreachable!("it is a Unix socket");
    };
    let proxy = nginx::keeping_connections(&format!("unix:{}", path.display())).await;
    let mut authseal = parent.start().await;
    let clients = Clients::start(&proxy.url("http"), &authid, Version::HTTP_11);
    for _ in 0..3 {
        clients.go_on(100).await;
        parent.stop(authseal).await;
        authseal = parent.start().await;
    }
    clients.go_on(100).await;
    let told = clients.stop().await;
    assert!(told.iter().all(|&status| status == 200), "{told:?}");
    assert_eq!(proxy.log(), "");
    parent.stop(authseal).await;
}
