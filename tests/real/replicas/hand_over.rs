//! The popup talks to one replica, the poller to another.

use serde_json::{Value, json};

use super::{fleet::Fleet, redis::Redis};
use crate::support::{
    Browser, authid_on, get,
    hand_over::{TOKEN, no_such_entry, not_ready},
    hand_over_form, login_link,
};

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_hands_over_what_was_logged_in_at_another() {
    let fleet = Fleet::new(&["box"]).await;
    let redis = Redis::start().await;
    let popup = fleet.replica(Some(&redis.url())).await.process;
    let poller = fleet.replica(Some(&redis.url())).await.process;
    let poll = async || -> Value {
        let url = format!("{}/fetch?token={TOKEN}", poller.url);
        get(&url, &[]).await.json()
    };
    assert_eq!(poll().await, not_ready());

    let mut browser = Browser::default();
    let start = format!("{}/?type=box.com&token={TOKEN}", popup.url);
    let start = browser.get(&start).await;
    assert_eq!(poll().await, not_ready());
    let login = format!("{}{}", popup.url, login_link(&start.body));
    let at_provider = browser.get(&login).await;
    let allowed = get(at_provider.header("location"), &[]).await;
    // The provider knows one address, behind which are all replicas.
    let callback = allowed.header("location");
    let callback = callback.replace("http://localhost", &popup.url);
    let page = browser.get(&callback).await.good();
    assert_eq!(poll().await, not_ready());
    // The click may come to any of them.
    let clicked = fleet.replica(Some(&redis.url())).await.process;
    let url = format!("{}/hand-over", clicked.url);
    browser.post(&url, &hand_over_form(&page.body)).await.good();

    let authid = authid_on(&page.body);
    assert_eq!(poll().await, json!({"authid": authid}));
    assert_eq!(poll().await, no_such_entry());
    poller.refresh(&authid).await.good();
}
